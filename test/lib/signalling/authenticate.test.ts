/** The application decides who may use the API. */
import { createServer } from 'node:http';
import t from 'tap';
import type { Test } from 'tap';

import type { Authenticate, AuthDecision, AuthRequest } from '../../../lib/session/authenticate.js';
import { janusHttp } from '../../../lib/signalling/http.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { Json, TestGateway } from '../support/signalling.js';
import { HttpClient, listen, LobbyPlugin, OddPlugin, testGateway, WsClient } from '../support/signalling.js';

interface Setup {
  gateway: TestGateway;
  http: HttpClient;
  url: string;
}

async function setUp(
  t: Test,
  authenticate: Authenticate,
  { answerTimeout = 10_000, apiSecret }: { answerTimeout?: number; apiSecret?: string } = {},
): Promise<Setup> {
  const gateway = testGateway(t, { authenticate, apiSecret });
  const server = createServer(janusHttp(gateway, { longPollTimeout: 1, answerTimeout }));
  janusWebSocket(gateway, server, { answerTimeout });
  const url = await listen(t, server);
  return { gateway, http: new HttpClient(`${url}/janus`), url };
}

/** Lets the test decide, in whatever order, about what was asked. */
class Judge {
  readonly asked: AuthRequest[] = [];
  readonly #decide: ((decision: AuthDecision) => void)[] = [];

  readonly authenticate: Authenticate = (request) => {
    this.asked.push(request);
    return new Promise((resolve) => this.#decide.push(resolve));
  };

  /** Ends when that many were asked about, those before included. */
  async until(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise(setImmediate);
  }

  decide(index: number, decision: AuthDecision): void {
    this.#decide[index]?.(decision);
  }

  /** Allows what is asked after the first `count`, whatever it is. */
  allowFrom(count: number): void {
    let next = count;
    const timer = setInterval(() => {
      while (next < this.#decide.length) this.decide(next++, true);
    }, 1);
    timer.unref();
  }
}

t.test('the application hears who asks for what, and of no info and no ping', async (t) => {
  const heard: [verb: string, transport: string, cookie: unknown, rest: object][] = [];
  const { http, url } = await setUp(t, ({ verb, transport, request, ...rest }) => {
    heard.push([verb, transport, request?.headers.cookie, rest]);
    return true;
  });
  const client = new HttpClient(http.base, { Cookie: 'sid=1' });

  await client.request('', 'ping');
  await client.request('', 'info');
  await client.get('/info');
  const session = await client.create({ token: 't' });
  await client.attach(session, OddPlugin.package, { apisecret: 5 });
  await client.request(session, 'attach', { plugin: 5 });
  await client.get(`${session}?token=q`);
  const ws = await WsClient.connect(t, `${url}/janus`, ['janus-protocol'], { Cookie: 'sid=2' });
  await ws.request('CREATE');
  await ws.request('dance', { session_id: 5 });

  const WS = 'janus.transport.websockets';
  const HTTP = 'janus.transport.http';
  t.same(heard, [
    ['create', HTTP, 'sid=1', { secret: undefined, token: 't' }],
    ['attach', HTTP, 'sid=1', { secret: 5, token: undefined, plugin: OddPlugin.package }],
    ['attach', HTTP, 'sid=1', { secret: undefined, token: undefined }],
    ['poll', HTTP, 'sid=1', { secret: undefined, token: 'q' }],
    ['create', WS, 'sid=2', { secret: undefined, token: undefined }],
    ['dance', WS, 'sid=2', { secret: undefined, token: undefined }],
  ]);
});

t.test('it decides at once or later', async (t) => {
  for (const later of [false, true]) {
    let allowed = true;
    const { http, url } = await setUp(t, () => (later ? new Promise((go) => setImmediate(go, allowed)) : allowed));
    const session = await http.create();
    const ws = await WsClient.connect(t, `${url}/janus`);
    const session_id = await ws.create();
    t.equal((await http.get(session)).status, 200);

    allowed = false;

    t.match(await http.request('', 'create'), { error: { code: 403 } });
    t.match(await http.request('/5', 'keepalive'), { error: { code: 403 } }, 'before it is said whether it exists');
    t.match(await ws.request('keepalive', { session_id }), { session_id, error: { code: 403 } });
    t.match(await http.get(session), { status: 403, text: '' });
    t.match(await ws.request('ping'), { janus: 'pong' });
  }
});

t.test('it may name the plugins that may be attached to', async (t) => {
  const { http } = await setUp(t, () => ({ plugins: [LobbyPlugin.package] }));
  const session = await http.create();

  t.match(await http.request(session, 'attach', { plugin: LobbyPlugin.package }), { janus: 'success' });
  t.match(await http.request(session, 'attach', { plugin: OddPlugin.package }), { error: { code: 405 } });
});

t.test('it is asked when the secret is right, and both must agree', async (t) => {
  let asked = 0;
  let decision: AuthDecision = true;
  const { http } = await setUp(
    t,
    () => {
      asked += 1;
      return decision;
    },
    { apiSecret: 'sesame' },
  );

  t.match(await http.request('', 'create'), { error: { code: 403 } });
  t.match(await http.request('', 'create', { apisecret: 'wrong' }), { error: { code: 403 } });
  t.equal(asked, 0);
  const session = await http.create({ apisecret: 'sesame' });
  decision = { plugins: [] };
  t.match(await http.request(session, 'attach', { plugin: LobbyPlugin.package, apisecret: 'sesame' }), {
    error: { code: 405 },
  });
  decision = false;
  t.match(await http.request('', 'create', { apisecret: 'sesame' }), { error: { code: 403 } });
  t.equal(asked, 3);
});

const FAILURES: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('no database');
  },
  rejects: () => Promise.reject(new Error('no database')),
  'takes too long': () => new Promise(() => undefined),
  'returns nothing': () => undefined,
  'returns null': () => null,
  'returns 1': () => 1,
  'returns an object': () => ({ plugin: 'x' }),
  'resolves with nothing': () => Promise.resolve(),
};

for (const [how, fail] of Object.entries(FAILURES)) {
  t.test(`a decision that ${how} is a refusal, and is logged`, async (t) => {
    const { gateway, http, url } = await setUp(t, fail as unknown as Authenticate, { answerTimeout: 20 });
    const ws = await WsClient.connect(t, `${url}/janus`);

    t.match(await http.request('', 'create'), { error: { code: 403 } });
    t.match(await ws.request('create'), { error: { code: 403 } });
    t.equal((await http.get('/5')).status, 403);

    t.equal(gateway.log.filter(({ level, message }) => level === 'error' && /authenticate/.test(message)).length, 3);
    t.equal(gateway.sessions.size, 0);
  });
}

t.test('requests of a socket are answered in order, whatever order they are decided in', async (t) => {
  const judge = new Judge();
  const { url } = await setUp(t, judge.authenticate);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const session_id = 7301;

  ws.send({ janus: 'create', transaction: '0', id: session_id });
  ws.send({ janus: 'ping', transaction: '1' });
  ws.send('{"a"');
  ws.send({ janus: 'attach', transaction: '3', session_id, plugin: LobbyPlugin.package });
  ws.send({ janus: 'ping' });
  ws.send({ janus: 'destroy', transaction: '5', session_id });
  ws.send({ janus: 'keepalive', transaction: '6', session_id });
  await judge.until(4);
  for (const index of [3, 2, 1, 0]) {
    judge.decide(index, true);
    await new Promise(setImmediate);
  }

  t.match(await ws.next(), { janus: 'success', transaction: '0', data: { id: session_id } });
  t.match(await ws.next(), { janus: 'pong', transaction: '1' });
  t.match(await ws.next(), { error: { code: 454 } });
  t.match(await ws.next(), { janus: 'success', transaction: '3' });
  t.match(await ws.next(), { error: { code: 456 } });
  t.match(await ws.next(), { janus: 'success', transaction: '5' });
  t.match(await ws.next(), { transaction: '6', error: { code: 458 } });
  t.match(await ws.request('ping'), { janus: 'pong' });
});

t.test('acks come before events, and what was asked first is done first', async (t) => {
  const judge = new Judge();
  judge.allowFrom(0);
  const { gateway, url } = await setUp(t, judge.authenticate);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const ids = await ws.attach(await ws.create(), OddPlugin.package);

  ws.send({ janus: 'message', transaction: 'm1', ...ids, body: { request: 'start' } });
  ws.send({ janus: 'message', transaction: 'm2', ...ids, body: { request: 'push-first' } });
  ws.send({ janus: 'message', transaction: 'm3', ...ids, body: { request: 'wait' } });
  ws.send({ janus: 'detach', transaction: 'd', ...ids });
  const got: string[] = [];
  while (!got.includes('detached')) {
    const { janus, transaction } = await ws.next();
    got.push(transaction === undefined ? janus : `${String(janus)} ${String(transaction)}`);
  }

  const place = (what: string): number => got.indexOf(what);
  t.same(
    got.filter((what) => /^(?:ack|success)/.test(what)),
    ['ack m1', 'success m2', 'ack m3', 'success d'],
  );
  t.ok(place('ack m1') < place('event m1'), JSON.stringify(got));
  t.ok(place('success m2') < place('event'), JSON.stringify(got));
  t.ok(place('success d') < place('detached'), JSON.stringify(got));
  t.ok(gateway.odd.calls.includes('begin m3'), 'the request before detach was begun');
  gateway.odd.release();
});

t.test('a plugin that takes its time holds up no request behind it', async (t) => {
  const judge = new Judge();
  judge.allowFrom(0);
  const { gateway, url } = await setUp(t, judge.authenticate);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const ids = await ws.attach(await ws.create(), OddPlugin.package);

  ws.send({ janus: 'message', transaction: 'late', ...ids, body: { request: 'late' } });

  t.match(await ws.request('keepalive', { session_id: ids.session_id }), { janus: 'ack' });
  gateway.odd.release();
  t.match(await ws.next(), { janus: 'success', transaction: 'late' });
});

t.test('a client that leaves meanwhile leaves nothing behind', async (t) => {
  const judge = new Judge();
  const { gateway, url } = await setUp(t, judge.authenticate);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const other = await WsClient.connect(t, `${url}/janus`);
  other.send({ janus: 'create', transaction: 'o', id: 7301 });
  await judge.until(1);
  judge.decide(0, true);
  await other.next();
  ws.send({ janus: 'create', transaction: '0' });
  ws.send({ janus: 'claim', transaction: '1', session_id: 7301 });
  await judge.until(3);
  const [socket] = [judge.asked[1]?.request?.socket];

  ws.socket.terminate();
  while (socket?.destroyed !== true) await new Promise(setImmediate);
  // The WebSocket hears of it after its socket.
  await new Promise(setImmediate);
  judge.decide(1, true);
  judge.decide(2, true);
  await new Promise(setImmediate);

  t.same(
    [...gateway.sessions.values()].map(({ id }) => id),
    [7301],
  );
  judge.allowFrom(3);
  const ids = await other.attach(7301, OddPlugin.package);
  t.match(await other.request('message', { ...ids, body: { request: 'push-first' } }), { janus: 'success' });
  t.match(await other.next(), { janus: 'event' }, 'nobody took the session away');
});

t.test('no more is read of a client than can be decided about', async (t) => {
  const judge = new Judge();
  const { url } = await setUp(t, judge.authenticate);
  const ws = await WsClient.connect(t, `${url}/janus`);
  const other = await WsClient.connect(t, `${url}/janus`);
  const COUNT = 1000;

  const padding = 'x'.repeat(10_000);
  for (let i = 0; i < COUNT; i++) ws.send({ janus: 'keepalive', transaction: String(i), session_id: 5, padding });
  await judge.until(64);
  // Time enough to read many more.
  for (let i = 0; i < 200; i++) await other.request('ping');

  t.ok(judge.asked.length < 150, `${String(judge.asked.length)} were asked about at once`);
  judge.allowFrom(0);
  for (let i = 0; i < COUNT; i++) {
    const { transaction }: Json = await ws.next();
    if (transaction !== String(i)) t.fail(`${String(transaction)} came instead of ${String(i)}`);
  }
});

t.test('a request over HTTP that is decided about too late does not stop the events of its session', async (t) => {
  const judge = new Judge();
  const { gateway, http } = await setUp(t, judge.authenticate, { answerTimeout: 50 });
  const asked = http.request('', 'create', { id: 7301 });
  await judge.until(1);
  judge.decide(0, true);
  await asked;

  t.match(await http.request('/7301', 'keepalive'), { error: { code: 403 } });
  judge.decide(1, true);
  gateway.sessions.get(7301)?.deliver({ janus: 'event', n: 1 });
  judge.allowFrom(2);

  t.match((await http.get('/7301')).json, { janus: 'event', n: 1 });
});

t.test('the end of a gateway meanwhile is no failure', async (t) => {
  const judge = new Judge();
  const { gateway, http } = await setUp(t, judge.authenticate);
  const created = http.request('', 'create');
  const kept = http.request('/5', 'keepalive');
  await judge.until(2);

  gateway.sessions.close();
  judge.decide(0, true);
  judge.decide(1, true);

  t.match(await created, { error: { code: 472 } });
  t.match(await kept, { error: { code: 458 } });
});

t.test('a client that waits for the application is not taken for one that is gone', async (t) => {
  const gateway = testGateway(t, { authenticate: () => new Promise(() => undefined) });
  const server = createServer();
  janusWebSocket(gateway, server, { answerTimeout: 600, pingInterval: 20, pongTimeout: 100 });
  const client = await WsClient.connect(t, `${await listen(t, server)}/janus`);

  for (let i = 0; i < 100; ++i) client.send({ janus: 'create', transaction: String(i) });

  for (let i = 0; i < 100; ++i) {
    t.match(await client.next(), { transaction: String(i), error: { code: 403 } });
  }
});
