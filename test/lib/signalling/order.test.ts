/** What comes first: on every transport the reply, then what follows from the request. */
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import t from 'tap';
import type { Test } from 'tap';

import { janusHttp } from '../../../lib/signalling/http.js';
import { janusUnix } from '../../../lib/signalling/unix.js';
import type { JsonFormat } from '../../../lib/signalling/wire.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { Json, MessageClient, TestGateway } from '../support/signalling.js';
import { HttpClient, listen, OddPlugin, testGateway, WsClient } from '../support/signalling.js';
import { UnixClient } from '../support/unix-client.js';

const MANY = 100;

interface Setup {
  gateway: TestGateway;
  client: MessageClient;
}
type Options = Parameters<typeof testGateway>[1];

/** Clients whose replies and events come by one socket. */
const SOCKETS: Record<string, (t: Test, options?: Options, json?: JsonFormat) => Promise<Setup>> = {
  WebSocket: async (t, options, json) => {
    const gateway = testGateway(t, options);
    const server = createServer();
    janusWebSocket(gateway, server, json === undefined ? {} : { json });
    return { gateway, client: await WsClient.connect(t, `${await listen(t, server)}/janus`) };
  },
  Unix: async (t, options, json) => {
    const gateway = testGateway(t, options);
    const folder = mkdtempSync(join(tmpdir(), 'hg-order-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'janus');
    janusUnix(gateway, { path, ...(json === undefined ? {} : { json }) });
    return { gateway, client: await UnixClient.connect(t, 'SOCK_SEQPACKET', path) };
  },
};

for (const [transport, connect] of Object.entries(SOCKETS)) {
  t.test(`${transport}: of many requests at once each ack comes before its event`, async (t) => {
    const { client } = await connect(t);
    const session = await client.create();
    const handles = [
      await client.attach(session, OddPlugin.package),
      await client.attach(session, OddPlugin.package),
      await client.attach(await client.create(), OddPlugin.package),
    ];

    for (let i = 0; i < MANY; ++i) {
      client.send({ janus: 'message', transaction: `m${String(i)}`, ...handles[i % 3], body: { request: 'start' } });
    }
    const heard: Json[] = [];
    while (heard.length < 2 * MANY) heard.push(await client.next());

    const place = (transaction: string, kind: string): number =>
      heard.findIndex((one) => one.transaction === transaction && one.janus === kind);
    const of = (kind: string): number[] => Array.from({ length: MANY }, (_, i) => place(`m${String(i)}`, kind));
    const [acks, events] = [of('ack'), of('event')];
    t.ok(
      acks.every((ack, i) => ack >= 0 && ack < (events[i] ?? -1)),
      'the ack first',
    );
    t.same(
      acks,
      [...acks].sort((a, b) => a - b),
      'acks in order',
    );
    for (const handle of [0, 1, 2]) {
      const own = events.filter((_, i) => i % 3 === handle);
      t.same(
        own,
        [...own].sort((a, b) => a - b),
        'events of a handle in order',
      );
    }
  });

  t.test(`${transport}: what is pushed before the answer follows it`, async (t) => {
    const { client } = await connect(t);
    const ids = await client.attach(await client.create(), OddPlugin.package);

    t.match(await client.request('message', { ...ids, body: { request: 'push-first' } }), { janus: 'success' });
    t.match(await client.next(), { janus: 'event', plugindata: { data: { pushed: true } } });
  });

  t.test(`${transport}: hangup, detach and destroy`, async (t) => {
    const { client } = await connect(t);
    const ids = await client.attach(await client.create(), OddPlugin.package);
    const about = { session_id: ids.session_id, sender: ids.handle_id };
    t.match(await client.request('hangup', ids), { janus: 'success' }, 'nothing follows without a peer');
    await client.request('message', { ...ids, body: { request: 'offer' } });
    await client.next();

    t.same(await client.request('hangup', ids), { janus: 'success', session_id: ids.session_id, transaction: 't5' });
    t.match(await client.next(), { janus: 'event', plugindata: { data: { over: true } } });
    t.same(await client.next(), { janus: 'hangup', ...about, reason: 'Janus API' });
    await client.request('message', { ...ids, body: { request: 'offer' } });
    await client.next();
    t.match(await client.request('detach', ids), { janus: 'success' });
    t.same(await client.next(), { janus: 'detached', ...about }, 'the end of its peer is not told');
    const other = await client.attach(ids.session_id, OddPlugin.package);
    await client.request('message', { ...other, body: { request: 'offer' } });
    await client.next();
    t.match(await client.request('destroy', { session_id: ids.session_id }), { janus: 'success' });
    t.match(await client.request('keepalive', { session_id: ids.session_id }), { error: { code: 458 } }, 'no event');
  });

  t.test(`${transport}: a timeout is told, without the end of its handles, then there is no session`, async (t) => {
    const { gateway, client } = await connect(t);
    const ids = await client.attach(await client.create(), OddPlugin.package);

    gateway.sessions.sweep(performance.now() + 60_000);

    t.same(await client.next(), { janus: 'timeout', session_id: ids.session_id });
    t.match(await client.request('keepalive', { session_id: ids.session_id }), { error: { code: 458 } });
    t.match(await client.request('message', { ...ids, body: {} }), { error: { code: 458 } });
    t.same(gateway.odd.calls, ['attached', 'detached']);
  });

  t.test(`${transport}: with opaqueid_in_api each event of a handle shows its id, and no other message`, async (t) => {
    const { gateway, client } = await connect(t, { opaqueIdInApi: true });
    const session_id = await client.create();
    const plugin = OddPlugin.package;
    const handle_id = (await client.request('attach', { session_id, plugin, opaque_id: 'me' })).data.id;
    const ids = { session_id, handle_id };
    t.notOk('opaque_id' in (await client.request('message', { ...ids, body: { request: 'offer' } })), 'ack');
    t.match(await client.next(), { janus: 'event', opaque_id: 'me' });
    const [peer] = gateway.peers;

    peer?.emit('up');
    peer?.emit('media', { mid: '0', type: 'audio', receiving: true });
    peer?.emit('slowlink', { mid: '0', media: 'audio', uplink: true, lost: 9 });
    peer?.emit('icefailed');
    for (const janus of ['event', 'webrtcup', 'media', 'slowlink', 'ice-failed']) {
      t.match(await client.next(), { janus, opaque_id: 'me' });
    }
    t.notOk('opaque_id' in (await client.request('hangup', ids)), 'success');
    for (const janus of ['event', 'hangup']) t.match(await client.next(), { janus, opaque_id: 'me' });
    await client.request('detach', ids);
    t.match(await client.next(), { janus: 'detached', opaque_id: 'me' });
    t.match(await client.request('info'), { opaqueid_in_api: true });
  });

  t.test(`${transport}: a long request and its long answer`, async (t) => {
    const { client } = await connect(t);
    const ids = await client.attach(await client.create(), OddPlugin.package);
    const value = { text: 'ä☕'.repeat(20_000) };

    const { plugindata } = await client.request('message', { ...ids, body: { request: 'echo', value } });

    t.same(plugindata.data.value, value);
  });

  for (const [json, text] of [
    [undefined, '{\n   "janus": "pong",\n   "transaction": "t"\n}'],
    ['indented', '{\n   "janus": "pong",\n   "transaction": "t"\n}'],
    ['plain', '{"janus": "pong", "transaction": "t"}'],
    ['compact', '{"janus":"pong","transaction":"t"}'],
  ] as const) {
    t.test(`${transport}: JSON ${json ?? 'unless asked otherwise'}`, async (t) => {
      const { client } = await connect(t, {}, json);
      const raw = rawOf(client);

      client.send({ janus: 'ping', transaction: 't' });

      t.equal(await raw(), text);
      // What comes in is read however it is written.
      client.send('\n\t{ "janus" :\r\n "ping",  "transaction":"t" }\n');
      t.equal(await raw(), text);
    });
  }
}

/** Reads messages as they were written. */
function rawOf(client: MessageClient): () => Promise<string> {
  if (client instanceof UnixClient) return async () => (await client.next(), client.raw);
  const { socket } = client as WsClient;
  return async () => String((await once(socket, 'message'))[0]);
}

t.test('HTTP: of many requests at once each ack is written before its event', async (t) => {
  const gateway = testGateway(t);
  const handler = janusHttp(gateway);
  const written: Json[] = [];
  const url = await listen(t, (req, res) => {
    const end = res.end.bind(res) as (...args: unknown[]) => typeof res;
    res.end = ((...args: unknown[]) => {
      if (typeof args[0] === 'string' && args[0] !== '') written.push(...[JSON.parse(args[0])].flat());
      return end(...args);
    }) as typeof res.end;
    handler(req, res);
  });
  const http = new HttpClient(`${url}/janus`);
  const session = await http.create();
  const handle = await http.attach(session, OddPlugin.package);
  const heard: Json[] = [];
  const poll = async (): Promise<void> => {
    while (heard.length < MANY) heard.push(...(await http.get(`${session}?maxev=7`)).json);
  };

  const polls = poll();
  await Promise.all(
    Array.from({ length: MANY }, (_, i) =>
      http.post(handle, { janus: 'message', transaction: `m${String(i)}`, body: { request: 'start' } }),
    ),
  );
  await polls;

  const parked = http.get(session);
  t.match(await http.message(handle, { request: 'push-first' }), { janus: 'success' });
  await parked;

  t.equal(heard.length, MANY, 'each once');
  t.same(
    written.slice(-2).map(({ janus }) => janus),
    ['success', 'event'],
    'what is pushed before the answer follows it',
  );
  for (let i = 0; i < MANY; ++i) {
    const kinds = written.filter(({ transaction }) => transaction === `m${String(i)}`).map(({ janus }) => janus);
    t.same(kinds, ['ack', 'event']);
  }
});

t.test('HTTP: JSON of replies, of events and of errors is written as asked', async (t) => {
  for (const [json, reply, events, error] of [
    [
      'indented',
      /^{\n {3}"janus": "success",\n {3}"session_id": \d+,\n/,
      /^\[\n {3}{\n {6}"janus": "event",\n/,
      /^{\n /,
    ],
    ['plain', /^{"janus": "success", "session_id": \d+, "/, /^\[{"janus": "event", "session_id": /, /^{"janus": "err/],
    ['compact', /^{"janus":"success","session_id":\d+,"/, /^\[{"janus":"event","session_id":/, /^{"janus":"error"/],
  ] as const) {
    const gateway = testGateway(t);
    const http = new HttpClient(`${await listen(t, createServer(janusHttp(gateway, { json })))}/janus`);
    const session = await http.create();
    const handle = await http.attach(session, OddPlugin.package);
    const message = { janus: 'message', transaction: 't', body: { request: 'push-first' } };

    t.match((await http.post(handle, message)).text, reply, json);
    t.match((await http.get(`${session}?maxev=2`)).text, events, json);
    t.match((await http.post('', 'no JSON')).text, error, json);
  }
});

t.test('a WebSocket message may come in pieces, as text or binary; answers are text', async (t) => {
  const { client } = await (SOCKETS['WebSocket'] as (typeof SOCKETS)['Unix'])?.(t);
  const { socket } = client as WsClient;
  const text = '{"janus":"ping","transaction":"☕"}';
  const bytes = Buffer.from(text);
  // In the middle of a character, too.
  const pieces = [bytes.subarray(0, 10), bytes.subarray(10, 32), bytes.subarray(32)];

  for (const binary of [false, true]) {
    const answer = once(socket, 'message');
    pieces.forEach((piece, i) => socket.send(piece, { binary, fin: i === pieces.length - 1 }));
    const [data, isBinary] = (await answer) as [Buffer, boolean];

    t.match(JSON.parse(data.toString()), { janus: 'pong', transaction: '☕' });
    t.equal(isBinary, false);
  }
  // A ping between two fragments (RFC 6455 section 5.4).
  const pong = once(socket, 'pong');
  const answer = once(socket, 'message');
  socket.send(pieces[0] as Buffer, { binary: false, fin: false });
  socket.ping();
  await pong;
  socket.send(Buffer.concat(pieces.slice(1)), { binary: false, fin: true });
  t.match(JSON.parse(String((await answer)[0])), { janus: 'pong' });
});

t.test('a long poll waits for 30 seconds unless asked otherwise', async (t) => {
  const gateway = testGateway(t);
  const http = new HttpClient(`${await listen(t, createServer(janusHttp(gateway)))}/janus`);
  const session = await http.create();
  const { setTimeout } = globalThis;
  t.teardown(() => (globalThis.setTimeout = setTimeout));
  // As if the time were over.
  globalThis.setTimeout = ((run: () => void, delay?: number) =>
    setTimeout(run, delay === 30_000 ? 1 : delay)) as typeof setTimeout;

  t.same((await http.get(session)).json, { janus: 'keepalive' });
});
