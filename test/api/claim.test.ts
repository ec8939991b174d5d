// A session goes from client to client while its peer sends and receives: real ICE, DTLS and SRTP over real sockets.
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { HttpClient } from '../lib/support/signalling.js';
import { until } from '../support/browser.js';
import { testApp, testGateway } from '../support/test-app.js';
import { Publisher, WireClient, type HandleIds, type Json } from '../support/wire-client.js';

const ECHO = 'janus.plugin.echotest';

/** Waits until another half second of media came back. */
async function flows({ peer }: Publisher): Promise<void> {
  const received = (): number =>
    [...peer.incoming].flatMap((track) => track.stats()).reduce((sum, { packets }) => sum + packets, 0);
  const before = received();
  await until('media there and back', () => received() > before + 25, 30);
}

/** Makes the gateway tell the owner something: the echo falls silent, and comes again. */
async function silence(publisher: Publisher, told: () => Promise<Json>): Promise<Json> {
  publisher.pause();
  const event = await told();
  publisher.play();
  return event;
}

const isSilence = ({ janus, receiving }: Json): boolean => janus === 'media' && receiving === false;

async function closed({ socket }: WireClient): Promise<void> {
  const end = once(socket, 'close');
  socket.close();
  await end;
}

t.test('from HTTP to a WebSocket, to another one, and back, while media goes on', async (t) => {
  const { gateway, http: url, ws } = await testApp(t);
  const http = new HttpClient(url);
  const session = await http.create();
  const handle = await http.attach(session, ECHO);
  const [session_id = 0, handle_id = 0] = handle.slice(1).split('/').map(Number);
  const ids: HandleIds = { session_id, handle_id };
  const { publisher, sdp } = await Publisher.offer(await testGateway(t));
  t.match(await http.message(handle, { video: true }, { jsep: { type: 'offer', sdp } }), { janus: 'ack' });
  publisher.peer.setAnswer((await http.get(session)).json.jsep.sdp);
  publisher.play();
  await flows(publisher);

  // What waited for a poll goes along, after the reply.
  const one = await WireClient.connect(t, ws);
  t.match(await one.ask('claim', { session_id }), { janus: 'success', session_id });
  await one.event(ids, 'webrtcup');
  await one.event(ids, 'media');
  t.same(
    one.heard.map(({ janus }) => janus),
    ['success', 'webrtcup', 'media'],
  );
  t.equal((await http.get(session)).status, 404, 'nothing can be polled for');
  t.match(await http.request(session, 'keepalive'), { janus: 'ack' }, 'who knows it may ask for it all the same');
  await flows(publisher);

  const two = await WireClient.connect(t, ws);
  t.match(await two.ask('claim', { session_id }), { janus: 'success' });
  t.match(await silence(publisher, () => two.next('silence', isSilence)), { session_id, sender: handle_id });
  t.notOk(one.heard.some(isSilence), 'the one before hears nothing');
  await closed(one);
  await flows(publisher);

  t.equal((await http.get(session)).status, 404);
  t.match(await http.request(session, 'claim'), { janus: 'success' });
  await closed(two);
  const event = await silence(publisher, () =>
    until('silence', async () => [(await http.get(`${session}?maxev=5`)).json].flat().find(isSilence)),
  );
  t.match(event, { session_id, sender: handle_id });
  t.equal(two.heard.filter(isSilence).length, 1, 'the one before hears nothing');
  await flows(publisher);

  t.match(await http.message(handle, { video: true }), { janus: 'ack' });
  t.equal(gateway.sessions.size, 1);
  t.notOk(publisher.peer.closed);
});

async function orphan(t: Test, reclaimSessionTimeout: number) {
  const { gateway, ws } = await testApp(t, { reclaimSessionTimeout });
  const first = await WireClient.connect(t, ws);
  const ids = await first.attach(ECHO);
  const publisher = await Publisher.echo(first, ids, await testGateway(t));
  publisher.play();
  await flows(publisher);
  await closed(first);
  return { gateway, ws, ids, publisher };
}

t.test('a session outlives its WebSocket for a while: its peer goes on, and who claims it has it', async (t) => {
  const { ws, ids, publisher } = await orphan(t, 60_000);
  await flows(publisher);
  const { session_id } = ids;

  const second = await WireClient.connect(t, ws);
  t.match(await second.ask('claim', { session_id }), { janus: 'success' });

  await silence(publisher, () => second.next('silence', isSilence));
  t.match(await second.message(ids, { bitrate: 128_000 }), { plugindata: { data: { result: 'ok' } } });
  t.notOk(second.kinds(ids).includes('webrtcup'), 'what was told before is not told again');
});

t.test('a session that nobody claims ends, and its peer with it', async (t) => {
  const { gateway, ws, ids, publisher } = await orphan(t, 100);

  await until('the end of the peer', () => publisher.peer.closed, 30);

  t.equal(gateway.sessions.size, 0);
  const late = await WireClient.connect(t, ws);
  t.match(await late.ask('claim', { session_id: ids.session_id }), { error: { code: 458 } });
});

t.test('without a reclaim timeout the peer ends with the WebSocket', async (t) => {
  const { gateway, publisher } = await orphan(t, 0);

  await until('the end of the peer', () => publisher.peer.closed, 20);

  t.equal(gateway.sessions.size, 0);
});
