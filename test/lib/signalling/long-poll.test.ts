import { createServer } from 'node:http';
import t from 'tap';
import type { Test } from 'tap';

import { janusHttp } from '../../../lib/signalling/http.js';
import { Mailbox } from '../../../lib/signalling/mailbox.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { TestGateway } from '../support/signalling.js';
import { HttpClient, listen, OddPlugin, testGateway, WsClient } from '../support/signalling.js';

interface Setup {
  gateway: TestGateway;
  http: HttpClient;
  url: string;
  session: string;
  handle: string;
  mailbox: Mailbox;
  /** Pushes an event to the client. */
  push: (n: number) => void;
}

async function setUp(t: Test, longPollTimeout = 30_000): Promise<Setup> {
  const gateway = testGateway(t);
  const server = createServer(janusHttp(gateway, { longPollTimeout }));
  const url = await listen(t, server);
  janusWebSocket(gateway, server);
  const http = new HttpClient(`${url}/janus`);
  const session = await http.create();
  const handle = await http.attach(session, OddPlugin.package);
  const found = gateway.sessions.get(Number(session.slice(1)));
  const [client] = found?.handles.values() ?? [];
  if (!(found?.owner instanceof Mailbox) || client === undefined) throw new Error('no mailbox');
  return { gateway, http, url, session, handle, mailbox: found.owner, push: (n) => client.push({ n }) };
}

/** Ends when that many polls wait. */
async function parked(mailbox: Mailbox, count: number): Promise<void> {
  while (mailbox.polls !== count) await new Promise(setImmediate);
}

const numberOf = (event: { plugindata: { data: { n: number } } }): number => event.plugindata.data.n;

t.test('events that wait are delivered at once, in order, each once', async (t) => {
  const { http, session, push } = await setUp(t);
  for (const n of [1, 2, 3, 4]) push(n);

  const one = await http.get(`${session}?rid=1&maxev=1`);
  const two = await http.get(`${session}?maxev=2`);
  const rest = await http.get(`${session}?maxev=10`);

  t.equal(numberOf(one.json), 1);
  t.same(two.json.map(numberOf), [2, 3]);
  t.same(rest.json.map(numberOf), [4]);
});

t.test('one event is an object unless maxev is 2 or more', async (t) => {
  const { http, session, push } = await setUp(t);

  for (const query of ['', '?maxev=1', '?maxev=0', '?maxev=-3', '?maxev=x', '?maxev=']) {
    push(1);
    t.equal(numberOf((await http.get(session + query)).json), 1, query);
  }
  push(1);
  t.equal((await http.get(`${session}?maxev=2`)).json.length, 1);
});

t.test('a poll without events waits for one', async (t) => {
  const { http, session, mailbox, push } = await setUp(t);
  const poll = http.get(`${session}?maxev=1`);
  await parked(mailbox, 1);

  push(7);

  t.equal(numberOf((await poll).json), 7);
});

t.test('a poll that waited long enough gets a keepalive', async (t) => {
  const { http, session } = await setUp(t, 5);

  t.equal((await http.get(session)).text, '{\n   "janus": "keepalive"\n}');
  t.same((await http.get(`${session}?maxev=5`)).json, [{ janus: 'keepalive' }]);
});

t.test('of several polls the oldest gets the event', async (t) => {
  const { http, session, mailbox, push } = await setUp(t);
  const first = http.get(session);
  await parked(mailbox, 1);
  const second = http.get(`${session}?maxev=3`);
  await parked(mailbox, 2);

  push(1);
  push(2);

  t.equal(numberOf((await first).json), 1);
  t.same((await second).json.map(numberOf), [2]);
});

t.test('more polls than anybody needs send the oldest away', async (t) => {
  const { http, session, mailbox } = await setUp(t);
  const first = http.get(session);
  await parked(mailbox, 1);
  const leave = new AbortController();
  const others = Array.from({ length: Mailbox.MAX_POLLS }, () => http.get(session, { signal: leave.signal }));

  t.same((await first).json, { janus: 'keepalive' });

  leave.abort();
  await Promise.allSettled(others);
});

t.test('a client that leaves while it waits loses no event', async (t) => {
  const { http, session, mailbox, push } = await setUp(t);
  const leave = new AbortController();
  const lost = http.get(session, { signal: leave.signal });
  await parked(mailbox, 1);

  leave.abort();
  await t.rejects(lost);
  await parked(mailbox, 0);
  push(1);

  t.equal(numberOf((await http.get(session)).json), 1);
});

t.test('an event whose answer could not be sent is delivered again', async (t) => {
  const gateway = testGateway(t);
  const handler = janusHttp(gateway);
  let cut = true;
  const url = await listen(t, (req, res) => {
    if (cut && req.method === 'GET') {
      // The line breaks just when the answer is written.
      const write = res.end.bind(res) as (...args: unknown[]) => typeof res;
      res.end = ((...args: unknown[]) => {
        res.destroy();
        return write(...args);
      }) as typeof res.end;
      cut = false;
    }
    handler(req, res);
  });
  const http = new HttpClient(`${url}/janus`);
  const session = await http.create();
  gateway.sessions
    .get(Number(session.slice(1)))
    ?.attach(gateway.odd)
    .push({ n: 1 });

  await t.rejects(http.get(session));

  t.equal(numberOf((await http.get(session)).json), 1);
});

t.test('a poll keeps the session alive', async (t) => {
  const { gateway, http, session } = await setUp(t, 1);
  const found = gateway.sessions.get(Number(session.slice(1)));
  const before = found?.lastActivity ?? Infinity;

  await http.get(session);

  t.ok((found?.lastActivity ?? 0) > before);
});

t.test('a poll that waits ends with its session', async (t) => {
  const { http, session, mailbox } = await setUp(t);
  const poll = http.get(`${session}?maxev=5`);
  await parked(mailbox, 1);

  t.match(await http.request(session, 'destroy'), { janus: 'success' });

  t.same((await poll).json, [{ janus: 'keepalive' }]);
  t.equal((await http.get(session)).status, 404);
});

t.test('a poll that waits hears of the timeout', async (t) => {
  const { gateway, http, session, mailbox } = await setUp(t);
  const poll = http.get(session);
  await parked(mailbox, 1);

  gateway.sessions.sweep(performance.now() + 60_000);

  t.same((await poll).json, { janus: 'timeout', session_id: Number(session.slice(1)) });
  t.match(await http.request(session, 'keepalive'), { error: { code: 458 } });
});

t.test('direct replies never come by poll, events never with the reply', async (t) => {
  const { http, session, handle } = await setUp(t);

  t.match(await http.message(handle, { request: 'push-first' }), {
    janus: 'success',
    plugindata: { data: { answered: true } },
  });
  t.match(await http.message(handle, { request: 'start' }), { janus: 'ack' });
  t.match(await http.request(handle, 'detach'), { janus: 'success' });

  const { json } = await http.get(`${session}?maxev=10`);
  t.match(json, [
    { janus: 'event', plugindata: { data: { pushed: true } } },
    { janus: 'event', transaction: 't4', plugindata: { data: { started: null } } },
    { janus: 'detached', sender: Number(handle.split('/')[2]) },
  ]);
  t.equal(json.length, 3);
});

t.test('a hangup is answered before its events come', async (t) => {
  const { gateway, http, session, handle } = await setUp(t);
  t.match(await http.request(handle, 'hangup'), { janus: 'success' });
  await http.message(handle, { request: 'offer' });
  await http.get(session);

  t.match(await http.request(handle, 'hangup'), { janus: 'success' });

  t.match((await http.get(`${session}?maxev=5`)).json, [
    { janus: 'event', plugindata: { data: { over: true } } },
    { janus: 'hangup', reason: 'Janus API' },
  ]);
  t.equal(gateway.peers.length, 1);
});

t.test('a session that a WebSocket claims takes its events along', async (t) => {
  const { http, url, session, mailbox, push } = await setUp(t);
  const session_id = Number(session.slice(1));
  const ws = await WsClient.connect(t, `${url}/janus`);
  const poll = http.get(session);
  await parked(mailbox, 1);

  t.match(await ws.request('claim', { session_id }), { janus: 'success' });
  t.same((await poll).json, { janus: 'keepalive' });
  push(1);

  t.equal(numberOf(await ws.next()), 1);
  t.equal((await http.get(session)).status, 404, 'there is nothing to poll for');
  t.match(await http.request(session, 'claim'), { janus: 'success' });
  push(2);
  t.equal(numberOf((await http.get(session)).json), 2);
});

t.test('events that waited for a poll go to the WebSocket that claims the session, after the reply', async (t) => {
  const { url, session, push } = await setUp(t);
  const ws = await WsClient.connect(t, `${url}/janus`);
  push(1);

  t.match(await ws.request('claim', { session_id: Number(session.slice(1)) }), { janus: 'success' });

  t.equal(numberOf(await ws.next()), 1);
});
