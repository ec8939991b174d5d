// What a client hears of its peer over the wire: real ICE, DTLS and SRTP over real sockets.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { janusAdminHttp, type Gateway, type GatewayOptions } from '../../lib/index.js';
import { until } from '../support/browser.js';
import { listen, testApp, testGateway } from '../support/test-app.js';
import { Publisher, WireClient, type HandleIds, type Json } from '../support/wire-client.js';

const ECHO = 'janus.plugin.echotest';
const STREAMING = 'janus.plugin.streaming';

interface Setup {
  gateway: Gateway;
  client: WireClient;
  ids: HandleIds;
  /** Of the client. */
  other: Gateway;
  ws: string;
}

async function setUp(t: Test, options: GatewayOptions = {}): Promise<Setup> {
  const { gateway, ws } = await testApp(t, options);
  const client = await WireClient.connect(t, ws);
  return { gateway, client, ids: await client.attach(ECHO), other: await testGateway(t), ws };
}

t.test('webrtcup comes once, then media: it came, stopped, and came again', async (t) => {
  const { client, ids, other } = await setUp(t);
  const about = { session_id: ids.session_id, sender: ids.handle_id };

  const publisher = await Publisher.echo(client, ids, other);
  publisher.play();
  await client.event(ids, 'media');
  publisher.pause();
  const silent = await client.next('silence', ({ janus, receiving }) => janus === 'media' && receiving === false);
  const before = client.heard.length;
  publisher.play();
  await client.event(ids, 'media', before);

  const { seconds, ...rest } = silent;
  t.ok(Number.isInteger(seconds) && seconds >= 1);
  t.same(rest, { janus: 'media', ...about, mid: 'v', type: 'video', receiving: false });
  const told = client.heard.filter(({ sender, janus }) => sender === ids.handle_id && janus !== 'event');
  t.same(told[0], { janus: 'webrtcup', ...about });
  t.same(told[1], { janus: 'media', ...about, mid: 'v', type: 'video', receiving: true });
  t.same(
    told.map(({ janus, receiving }) => receiving ?? janus),
    ['webrtcup', true, false, true],
  );
});

t.test('slowlink: of what the client sends, and of what it gets', async (t) => {
  const { client, ids, other } = await setUp(t, { media: { slowLinkThreshold: 3 } });
  const publisher = await Publisher.echo(client, ids, other);
  publisher.play();
  await until('both ways', () => [...publisher.peer.incoming].some(({ receiving }) => receiving), 30);
  t.notOk(
    client.heard.some(({ janus }) => janus === 'slowlink'),
    'nothing is lost',
  );

  publisher.play({ lost: 10 });
  const isSlow = (uplink: boolean) => (one: Json) => one.janus === 'slowlink' && one.uplink === uplink;
  for (const uplink of [false, true]) {
    const { lost, ...rest } = await client.next(`slowlink, uplink ${String(uplink)}`, isSlow(uplink));
    t.ok(Number.isInteger(lost) && lost >= 3, `${String(lost)} lost`);
    const about = { session_id: ids.session_id, sender: ids.handle_id };
    t.same(rest, { janus: 'slowlink', ...about, mid: 'v', media: 'video', uplink });
  }
});

t.test(
  'hangup: each reason there is, after what the plugin has to say, and the handle can be used again',
  async (t) => {
    const secret = 'of our choice';
    const made = await setUp(t, { adminSecret: secret, media: { setupTimeout: 1_000 } });
    const { gateway, client, other, ws } = made;
    const admin = await listen(t, createServer(janusAdminHttp(gateway)));
    const offer = async (ids: HandleIds, change: (sdp: string) => string): Promise<[Publisher, string]> => {
      const { publisher, sdp } = await Publisher.offer(other);
      const { jsep } = await client.message(ids, { video: true }, { type: 'offer', sdp: change(sdp) });
      return [publisher, jsep.sdp];
    };
    const same = (sdp: string): string => sdp;
    const ways: [reason: string, how: (ids: HandleIds) => Promise<unknown>][] = [
      [
        'Janus API',
        async (ids) => {
          await Publisher.echo(client, ids, other);
          t.match(await client.ask('hangup', { ...ids }), { janus: 'success' });
        },
      ],
      [
        'Admin API',
        async (ids) => {
          await Publisher.echo(client, ids, other);
          const body = JSON.stringify({ janus: 'hangup_webrtc', transaction: 'a', admin_secret: secret });
          const path = `${String(ids.session_id)}/${String(ids.handle_id)}`;
          const answer = await fetch(`http://127.0.0.1:${String(admin)}/admin/${path}`, { method: 'POST', body });
          t.match(await answer.json(), { janus: 'success' });
        },
      ],
      [
        'DTLS alert',
        async (ids) => {
          const { peer } = await Publisher.echo(client, ids, other);
          peer.close('Close PC');
        },
      ],
      [
        'DTLS error',
        async (ids) => {
          // Of another certificate.
          const wrong = (sdp: string): string => sdp.replace(/(a=fingerprint:sha-256 )../, '$100');
          const [{ peer }, answer] = await offer(ids, (sdp) => {
            t.not(wrong(sdp), sdp);
            return wrong(sdp);
          });
          peer.setAnswer(answer);
        },
      ],
      [
        'DTLS timeout',
        async (ids) => {
          // Each side waits for the other's first message.
          const [{ peer }, answer] = await offer(ids, (sdp) => sdp.replaceAll('a=setup:actpass', 'a=setup:active'));
          peer.setAnswer(answer.replaceAll('a=setup:passive', 'a=setup:active'));
        },
      ],
      [
        'ICE failed',
        async (ids) => {
          const [{ peer }] = await offer(ids, same);
          peer.close('Close PC');
        },
      ],
    ];
    for (const [reason, how] of ways) {
      const ids = await client.attach(ECHO);

      await how(ids);

      const hangup = await client.event(ids, 'hangup');
      t.same(hangup, { janus: 'hangup', session_id: ids.session_id, sender: ids.handle_id, reason }, reason);
      const events = client.heard.filter(({ sender }) => sender === ids.handle_id);
      t.match(events.at(-2), { janus: 'event', plugindata: { data: { echotest: 'event', result: 'done' } } }, reason);
      const before = client.heard.length;
      await Publisher.echo(client, ids, other);
      await client.next(
        'up again',
        ({ janus, sender }) => janus === 'webrtcup' && sender === ids.handle_id,
        before - 1,
      );
      t.equal(client.kinds(ids).filter((kind) => kind === 'hangup').length, 1, `${reason}: told once`);
    }

    await t.test('Close PC: the plugin ends it', async (t) => {
      await gateway.createMountpoint({ id: 5, media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }] });
      const viewer = await WireClient.connect(t, ws);
      const ids = await viewer.attach(STREAMING);
      const { jsep } = await viewer.message(ids, { request: 'watch', id: 5 });
      const peer = other.createPeer({ offering: false });
      const sdp = await peer.createAnswer(jsep.sdp, { wishFor: () => ({ direction: 'recvonly' }) });
      await viewer.message(ids, { request: 'start' }, { type: 'answer', sdp });
      await viewer.event(ids, 'webrtcup');

      await viewer.message(ids, { request: 'stop' });

      t.match(await viewer.event(ids, 'hangup'), { reason: 'Close PC' });
    });

    await t.test('detach and destroy: the end of a live peer is not told', async (t) => {
      const ids = await client.attach(ECHO);
      await Publisher.echo(client, ids, other);
      const last = await client.attach(ECHO);
      await Publisher.echo(client, last, other);

      t.match(await client.ask('detach', { ...ids }), { janus: 'success' });
      await client.event(ids, 'detached');
      t.match(await client.ask('destroy', { session_id: last.session_id }), { janus: 'success' });
      t.match(await client.ask('ping'), { janus: 'pong' });

      t.notOk(client.kinds(ids).includes('hangup'));
      t.same(client.kinds(ids).at(-1), 'detached');
      t.same(client.kinds(last).slice(-1), ['webrtcup']);
    });
  },
);

t.test('hangup for want of a port: the request is refused, and the reason told', async (t) => {
  const taken = createSocket({ type: 'udp4' });
  taken.bind(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address();
  const { client, ids, other } = await setUp(t, { media: { addresses: ['127.0.0.1'], portRange: [port, port] } });
  const { sdp } = await Publisher.offer(other);

  const answer = await client.message(ids, { video: true }, { type: 'offer', sdp });

  t.match(answer.plugindata.data, { echotest: 'event', error_code: Number });
  t.match(await client.event(ids, 'hangup'), { reason: 'Gathering error' });
});
