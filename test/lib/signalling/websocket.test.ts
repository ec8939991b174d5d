import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';

import { janusHttp } from '../../../lib/signalling/http.js';
import type { JanusWebSocketOptions, JanusWebSocketServer } from '../../../lib/signalling/websocket.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { TestGateway } from '../support/signalling.js';
import { HttpClient, listen, LobbyPlugin, OddPlugin, testGateway, WsClient } from '../support/signalling.js';

interface Setup {
  gateway: TestGateway;
  server: ReturnType<typeof createServer>;
  janus: JanusWebSocketServer;
  url: string;
}

async function setUp(
  t: Test,
  options: JanusWebSocketOptions = {},
  gatewayOptions: Parameters<typeof testGateway>[1] = {},
): Promise<Setup> {
  const gateway = testGateway(t, gatewayOptions);
  const server = createServer(janusHttp(gateway));
  const janus = janusWebSocket(gateway, server, options);
  const url = await listen(t, server);
  return { gateway, server, janus, url };
}

/** The HTTP status an upgrade is refused with. */
async function refusal(url: string, protocols: string[] = ['janus-protocol']): Promise<number> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  socket.on('error', () => undefined).terminate();
  return response.statusCode;
}

t.test('events of all sessions of a socket come by it, after the replies', async (t) => {
  const { url } = await setUp(t);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const ada = await ws.attach(await ws.create());
  const bob = await ws.attach(await ws.create());

  t.match(await ws.request('message', { ...ada, body: { request: 'wait', name: 'Ada' } }), { janus: 'success' });
  t.match(await ws.request('message', { ...bob, body: { request: 'call', text: 'dinner' } }), { janus: 'ack' });

  t.match(await ws.next(), {
    janus: 'event',
    session_id: ada.session_id,
    sender: ada.handle_id,
    plugindata: { data: { called: 'dinner' } },
  });
  t.match(await ws.next(), {
    janus: 'event',
    transaction: 't6',
    sender: bob.handle_id,
    plugindata: { data: { told: 1 } },
  });
});

t.test('a shape error of an asynchronous request comes as an event, after the ack', async (t) => {
  const { url } = await setUp(t);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const ids = await ws.attach(await ws.create());

  t.match(await ws.request('message', { ...ids, body: { request: 'call' } }), { janus: 'ack' });

  t.match(await ws.next(), {
    janus: 'event',
    transaction: 't3',
    plugindata: { data: { lobby: 'event', error_code: 453 } },
  });
});

t.test('what is no JSON object is told so, and the socket stays open', async (t) => {
  const { url } = await setUp(t);
  const ws = await WsClient.connect(t, `${url}/janus`);

  for (const [text, code] of [
    ['{"a"', 454],
    ['"x"', 454],
    ['', 454],
    ['[1]', 456],
  ] as const) {
    ws.send(text);
    t.match(await ws.next(), { janus: 'error', error: { code } }, text);
  }
  ws.send(Buffer.from('{"janus":"ping","transaction":"binary"}'));
  t.match(await ws.next(), { janus: 'pong', transaction: 'binary' });
});

t.test('sessions end with their socket, and plugins hear of it', async (t) => {
  const { gateway, url } = await setUp(t);
  const [one, two] = [await WsClient.connect(t, `${url}/janus`), await WsClient.connect(t, `${url}/janus`)];
  await one.attach(await one.create(), OddPlugin.package);
  await one.create();
  const kept = await two.create();
  let left = 2;
  const ended = new Promise<void>((resolve) => gateway.sessions.on('ended', () => void (--left === 0 && resolve())));

  one.socket.terminate();
  await ended;

  t.same(
    [...gateway.sessions.values()].map(({ id }) => id),
    [kept],
  );
  t.same(gateway.odd.calls, ['attached', 'detached']);
});

t.test('with a reclaim timeout a session outlives its socket and can be claimed', async (t) => {
  const { gateway, url } = await setUp(t, {}, { reclaimSessionTimeout: 10_000 });
  const [one, two] = [await WsClient.connect(t, `${url}/janus`), await WsClient.connect(t, `${url}/janus`)];
  const ids = await one.attach(await one.create());
  await one.request('message', { ...ids, body: { request: 'wait', name: 'Ada' } });
  const session = gateway.sessions.get(ids.session_id);

  one.socket.terminate();
  while (session?.owner !== null) await new Promise(setImmediate);
  t.match(await two.request('claim', { session_id: ids.session_id }), { janus: 'success', session_id: ids.session_id });
  await two.request('message', { ...ids, body: { request: 'call', text: 'back' } });

  t.match(await two.next(), { sender: ids.handle_id, plugindata: { data: { called: 'back' } } });
});

t.test('others may ask for a session, but its events go to the socket that has it', async (t) => {
  const { url } = await setUp(t);
  const http = new HttpClient(`${url}/janus`);
  const [one, two] = [await WsClient.connect(t, `${url}/janus`), await WsClient.connect(t, `${url}/janus`)];
  const ids = await one.attach(await one.create(), OddPlugin.package);

  t.match(await two.request('message', { ...ids, body: { request: 'start' } }), { janus: 'ack' });
  t.match(await one.next(), { janus: 'event', transaction: 't1' });
  t.match(await http.message(`/${String(ids.session_id)}/${String(ids.handle_id)}`, { request: 'start' }), {
    janus: 'ack',
  });
  t.match(await one.next(), { janus: 'event' });
  t.match(await two.request('claim', { session_id: ids.session_id }), { janus: 'success' });
  await two.request('message', { ...ids, body: { request: 'start' } });

  t.match(await two.next(), { janus: 'event', transaction: 't3' });
});

t.test('the subprotocol must be offered', async (t) => {
  const { url } = await setUp(t);

  t.equal(await refusal(`${url}/janus`, []), 400);
  t.equal(await refusal(`${url}/janus`, ['other']), 400);
  const ws = await WsClient.connect(t, `${url}/janus`, ['other', 'janus-protocol']);

  t.equal(ws.socket.protocol, 'janus-protocol');
});

t.test('only our path is ours; without anybody else there the rest is refused', async (t) => {
  const { url } = await setUp(t);

  t.equal(await refusal(`${url}/other`), 404);
  t.equal(await refusal(`${url}/janusx`), 404);
  for (const path of ['/janus', '/janus/', '/janus/any', '/janus?x=1']) {
    const ws = await WsClient.connect(t, url + path);
    t.match(await ws.request('ping'), { janus: 'pong' }, path);
  }
});

t.test('the path / takes every upgrade', async (t) => {
  const { url } = await setUp(t, { path: '/' });

  for (const path of ['', '/', '/x/y']) {
    t.match(await (await WsClient.connect(t, url + path)).request('ping'), { janus: 'pong' }, path);
  }
});

t.test('another WebSocket server may share the HTTP server, mounted before or after', async (t) => {
  const gateway = testGateway(t);
  const server = createServer(janusHttp(gateway));
  const greet = (word: string) => (socket: WebSocket) => socket.send(JSON.stringify(word));
  const before = new WebSocketServer({ noServer: true }).on('connection', greet('before'));
  server.on('upgrade', (req, socket, head) => {
    if (req.url === '/before') before.handleUpgrade(req, socket, head, (ws) => before.emit('connection', ws));
  });
  janusWebSocket(gateway, server);
  // This one refuses all that is not at its path.
  const after = new WebSocketServer({ server, path: '/after' }).on('connection', greet('after'));
  t.teardown(() => after.close());
  const url = await listen(t, server);

  t.match(await (await WsClient.connect(t, `${url}/janus`)).request('ping'), { janus: 'pong' });
  t.equal(await (await WsClient.connect(t, `${url}/after`)).next(), 'after');
  t.equal((await fetch(`${url}/janus/info`)).status, 200);
});

t.test('two gateways may share a server; the longer path wins', async (t) => {
  const server = createServer();
  const [one, two] = [testGateway(t, { facts: { name: 'one' } }), testGateway(t, { facts: { name: 'two' } })];
  janusWebSocket(one, server, { path: '/janus' });
  janusWebSocket(two, server, { path: '/janus/two' });
  const url = await listen(t, server);

  t.match(await (await WsClient.connect(t, `${url}/janus`)).request('info'), { name: 'one' });
  t.match(await (await WsClient.connect(t, `${url}/janus/two`)).request('info'), { name: 'two' });
});

t.test('close() ends the sockets and their sessions and gives the server back', async (t) => {
  const { gateway, server, janus, url } = await setUp(t);
  const ws = await WsClient.connect(t, `${url}/janus`);
  await ws.create();
  let closes = 0;
  janus.on('close', () => void (closes += 1));
  const closed = once(ws.socket, 'close');

  await Promise.all([janus.close(), janus.close()]);

  t.equal((await closed)[0], 1001);
  t.ok(janus.closed);
  t.equal(closes, 1);
  t.equal(janus.connections, 0);
  t.equal(gateway.sessions.size, 0);
  t.equal(server.listenerCount('upgrade'), 0);
  t.notOk(Object.hasOwn(server, 'emit'));
  t.equal((await fetch(`${url}/janus/info`)).status, 200, 'HTTP goes on');
});

t.test('sockets close with the gateway', async (t) => {
  const { gateway, url, janus } = await setUp(t);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const closed = once(ws.socket, 'close');

  gateway.sessions.close();

  t.equal((await closed)[0], 1001);
  t.ok(janus.closed);
});

t.test('a message that is too long closes the socket', async (t) => {
  const { url } = await setUp(t, { maxMessage: 1024 });
  const ws = await WsClient.connect(t, `${url}/janus`);
  const closed = once(ws.socket, 'close');

  ws.send({ janus: 'ping', transaction: 'x'.repeat(2000) });

  t.equal((await closed)[0], 1009);
});

t.test('a client that does not read is closed, others are not', async (t) => {
  const { gateway, url } = await setUp(t, { maxBuffered: 64 * 1024 });
  const [slow, quick] = [await WsClient.connect(t, `${url}/janus`), await WsClient.connect(t, `${url}/janus`)];
  const session = gateway.sessions.get(await slow.create());
  const handle = session?.attach(gateway.odd);
  await quick.create();
  slow.socket.pause();

  const text = 'x'.repeat(256 * 1024);
  while (session?.closed === false) {
    handle?.push({ text });
    await new Promise(setImmediate);
  }

  t.match(await quick.request('ping'), { janus: 'pong' });
  t.equal(gateway.sessions.size, 1);
  t.ok(gateway.log.some(({ level, message }) => level === 'warn' && /too slow/.test(message)));
});

t.test('clients that do not answer pings are closed', async (t) => {
  const { url } = await setUp(t, { pingInterval: 5, pongTimeout: 20 });
  const good = await WsClient.connect(t, `${url}/janus`);
  const { port } = new URL(url);
  // Speaks enough of RFC 6455 to be let in, and then nothing.
  const dead = connect(Number(port), '127.0.0.1');
  dead.write(
    'GET /janus HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: janus-protocol\r\n\r\n',
  );
  dead.resume();

  await once(dead, 'close');

  t.match(await good.request('ping'), { janus: 'pong' });
});

t.test('a claimed session no longer ends with the socket it came from', async (t) => {
  const { gateway, url } = await setUp(t);
  const [one, two] = [await WsClient.connect(t, `${url}/janus`), await WsClient.connect(t, `${url}/janus`)];
  const session_id = await one.create();
  const probe = await one.create();
  await two.request('claim', { session_id });
  const ended = new Promise((resolve) => gateway.sessions.once('ended', ({ id }) => resolve(id)));

  one.socket.terminate();

  t.equal(await ended, probe);
  t.ok(gateway.sessions.get(session_id));
  t.match(await two.request('attach', { session_id, plugin: LobbyPlugin.package }), { janus: 'success' });
});

t.test('pages of other origins are kept out if asked', async (t) => {
  const { url } = await setUp(t, { allowOrigin: 'http://page.example', enforceCors: true });
  /** 101: let in. */
  const status = async (headers: Record<string, string>): Promise<number | undefined> => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/janus`, ['janus-protocol'], { headers });
    t.teardown(() => {
      socket.on('error', () => undefined).terminate();
    });
    const upgraded = once(socket, 'upgrade').then(([response]) => (response as { statusCode?: number }).statusCode);
    const refused = once(socket, 'unexpected-response').then(
      ([, response]) => (response as { statusCode?: number }).statusCode,
    );
    return Promise.race([upgraded, refused]);
  };

  t.equal(await status({ origin: 'http://page.example' }), 101);
  t.equal(await status({ origin: 'http://page.example:8080' }), 101);
  t.equal(await status({}), 403);
  t.equal(await status({ origin: 'http://evil.example' }), 403);
  t.equal(await status({ origin: 'http://page.example.evil' }), 403);
});
