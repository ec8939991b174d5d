import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';

import type { JanusHttpOptions } from '../../../lib/signalling/http.js';
import { janusHttp } from '../../../lib/signalling/http.js';
import type { TestGateway } from '../support/signalling.js';
import { HttpClient, listen, LobbyPlugin, OddPlugin, testGateway } from '../support/signalling.js';

interface Setup {
  gateway: TestGateway;
  http: HttpClient;
  /** Without `/janus`. */
  url: string;
}

async function setUp(t: Test, options: JanusHttpOptions = {}): Promise<Setup> {
  const gateway = testGateway(t);
  const url = await listen(t, createServer(janusHttp(gateway, options)));
  return { gateway, http: new HttpClient(`${url}/janus`), url };
}

t.test('each kind of path has its status', async (t) => {
  const { http, url } = await setUp(t, { longPollTimeout: 1 });
  const session = await http.create();
  const handle = await http.attach(session);
  const get = async (path: string): Promise<[number, string]> => {
    const { status, text } = await http.get(path);
    return [status, text];
  };

  t.match(await http.get('/info'), { status: 200, json: { janus: 'server_info', transaction: String } });
  t.match(await http.get('/info/'), { status: 200, json: { janus: 'server_info' } });
  t.match(await http.get('/ping'), { status: 200, json: { janus: 'pong', transaction: String } });
  t.match(await http.get(session), { status: 200, json: { janus: 'keepalive' } });
  t.same(await get(''), [404, '']);
  t.same(await get('/'), [404, '']);
  t.same(await get('/abc'), [404, '']);
  t.same(await get('/5'), [404, '']);
  t.same(await get('/-5'), [404, '']);
  t.same(await get('/99999999999999999999'), [404, '']);
  t.same(await get('/info/5'), [404, '']);
  t.same(await get(`${handle}/5`), [404, '']);
  t.equal((await fetch(`${url}/elsewhere`)).status, 404);
  t.equal((await fetch(`${url}/janusx`)).status, 404);
  t.equal((await http.post('/info', {})).status, 400);
  t.equal((await http.post('/ping/', {})).status, 400);
  t.equal((await http.post(`${handle}/5`, {})).status, 404);
});

t.test('a GET on a handle is sent to its session', async (t) => {
  const { http } = await setUp(t);
  const session = await http.create();
  const handle = await http.attach(session);

  for (const path of [handle, `${handle}/`, `${handle}?rid=1&maxev=2`]) {
    const { status, headers, text } = await http.get(path);
    t.same([status, headers.get('location'), text], [302, `/janus${session}`, ''], path);
  }
  t.equal((await http.get('/5/6')).headers.get('location'), '/janus/5');
});

t.test('a redirect never leads to another host', async (t) => {
  const gateway = testGateway(t);
  const url = await listen(t, createServer(janusHttp(gateway, { path: '/' })));
  const location = await new Promise((resolve, reject) => {
    // fetch would normalise the path.
    httpRequest(`${url}`, { path: '/5/6' }, (res) => resolve(res.headers.location))
      .on('error', reject)
      .end();
  });
  const evil = await new Promise((resolve, reject) => {
    httpRequest(`${url}`, { path: '//evil.example/5' }, (res) => resolve(res.statusCode))
      .on('error', reject)
      .end();
  });

  t.equal(location, '/5');
  t.equal(evil, 404);
});

t.test('ids may be in the path, in the body, or in both if they agree', async (t) => {
  const { http } = await setUp(t);
  const session = await http.create();
  const handle = await http.attach(session);
  const [, sessionId, handleId] = handle.split('/').map(Number);
  const body = { request: 'wait', name: 'x' };

  for (const path of [handle, `${handle}/`, session, '', '/']) {
    const ids = path === '' || path === '/' ? { session_id: sessionId } : {};
    const reply = await http.request(path, 'message', {
      body,
      ...ids,
      ...(path.startsWith(handle) ? {} : { handle_id: handleId }),
    });
    t.match(reply, { janus: 'success', session_id: sessionId, sender: handleId }, path);
  }
  t.match(await http.request(handle, 'hangup', { session_id: sessionId, handle_id: handleId }), { janus: 'success' });
  t.match(await http.request(session, 'keepalive', { session_id: '7' }), { janus: 'ack' });
  t.same(Object.keys(await http.request(session, 'keepalive', { session_id: 7 })), ['janus', 'error']);
  t.match(await http.request(session, 'keepalive', { session_id: 7 }), { error: { code: 457 } });
  t.match(await http.request(handle, 'hangup', { handle_id: 7 }), { error: { code: 457 } });
  t.match(await http.request('/abc', 'keepalive'), { error: { code: 457 } });
});

t.test('any content type will do', async (t) => {
  const { http } = await setUp(t);
  const ping = { janus: 'ping', transaction: 't' };

  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'nonsense', 'a/b; c']) {
    const { status, json, headers } = await http.post('', ping, { 'content-type': type });
    t.same([status, json.janus, headers.get('content-type')], [200, 'pong', 'application/json'], type);
  }
});

t.test('what is no JSON object is told so, with status 200', async (t) => {
  const { http } = await setUp(t);

  for (const [text, code] of [
    ['{"a"', 454],
    ['"x"', 454],
    ['null', 454],
    ['  ', 454],
    ['{"janus":"ping","transaction":"t"} x', 454],
    ['[1]', 455],
    ['[]', 455],
  ] as const) {
    t.match(await http.post('', text), { status: 200, json: { janus: 'error', error: { code } } }, text);
  }
  t.match((await http.post('', '{\n"a":\n?')).json.error.reason, /line 3/);
});

t.test('a body that is too long is told so, and is not kept', async (t) => {
  const { http } = await setUp(t, { maxBody: 2048 });
  const body = (length: number): string => JSON.stringify({ janus: 'ping', transaction: 'x'.repeat(length - 33) });

  t.equal(body(2048).length, 2048);
  t.match((await http.post('', body(2048))).json, { janus: 'pong' });
  t.match((await http.post('', body(2049))).json, { error: { code: 450, reason: /2048 bytes/ } });
  t.match((await http.post('', body(30_000))).json, { error: { code: 450 } });
});

t.test('a POST without a body is not answered', async (t) => {
  const { http } = await setUp(t);

  await t.rejects(http.post('', ''));
  const chunked = new ReadableStream({ start: (controller) => controller.close() });
  await t.rejects(fetch(http.base, { method: 'POST', body: chunked, duplex: 'half' }));
  t.equal((await http.request('', 'ping')).janus, 'pong');
});

t.test('a client that leaves in the middle of its body harms nobody', async (t) => {
  const { http, url, gateway } = await setUp(t);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) =>
    socket.write('POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"janus"', resolve),
  );
  socket.destroy();

  t.equal((await http.request('', 'ping')).janus, 'pong');
  t.same(
    gateway.log.filter(({ level }) => level === 'error'),
    [],
  );
});

t.test('other methods are of no use', async (t) => {
  const { http } = await setUp(t);

  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    t.match(await http.get('/5', { method }), { status: 200, json: { janus: 'error', error: { code: 450 } } }, method);
  }
  t.match(await http.get('/info', { method: 'HEAD' }), { status: 200, text: '' });
});

t.test('a plugin that takes too long costs the connection, nothing else', async (t) => {
  const { http, gateway } = await setUp(t, { answerTimeout: 5 });
  const handle = await http.attach(await http.create(), OddPlugin.package);

  await t.rejects(http.message(handle, { request: 'late' }));
  gateway.odd.release();

  t.match(await http.message(handle, { request: 'echo' }), { janus: 'success' });
});

t.test('JSON is indented by three spaces unless asked otherwise', async (t) => {
  const ping = { janus: 'ping', transaction: 't' };
  const text = async (options: JanusHttpOptions): Promise<string> =>
    (await (await setUp(t, options)).http.post('', ping)).text;

  t.equal(await text({}), '{\n   "janus": "pong",\n   "transaction": "t"\n}');
  t.equal(await text({ json: 'plain' }), '{"janus": "pong", "transaction": "t"}');
  t.equal(await text({ json: 'compact' }), '{"janus":"pong","transaction":"t"}');
});

t.test('options that are wrong are named', async (t) => {
  const gateway = testGateway(t);

  t.throws(() => janusHttp(gateway, { path: 'janus' }), { code: 'HG_ERR_OPTION', message: /janusHttp\.path/ });
  t.throws(() => janusHttp(gateway, { jsn: 'plain' } as object), { code: 'HG_ERR_OPTION', message: /janusHttp\.jsn/ });
});

t.test('the path can be another', async (t) => {
  const gateway = testGateway(t);
  for (const [path, base] of [
    ['/api/janus/', '/api/janus'],
    ['/', ''],
  ] as const) {
    const http = new HttpClient((await listen(t, createServer(janusHttp(gateway, { path })))) + base);
    t.equal((await http.get('/info')).status, 200, path);
    const session = await http.create();
    t.equal((await http.get(`${session}/5`)).headers.get('location'), `${base}${session}`);
  }
});

t.test('what is not ours goes to the next handler', async (t) => {
  const gateway = testGateway(t);
  const handler = janusHttp(gateway);
  const url = await listen(t, (req, res) => handler(req, res, () => res.end('next')));

  t.equal(await (await fetch(`${url}/other`)).text(), 'next');
  t.equal((await fetch(`${url}/janus/info`)).status, 200);
});

t.test('CORS: every origin is welcome unless one is chosen', async (t) => {
  const { http } = await setUp(t);

  const { headers } = await http.get('/info', { headers: { origin: 'http://page.example' } });
  t.equal(headers.get('access-control-allow-origin'), '*');
  t.equal(headers.get('access-control-max-age'), '86400');
  t.equal(headers.get('access-control-allow-credentials'), null);
  for (const path of ['', '/nowhere', '/1/2/3']) {
    t.equal((await http.get(path)).headers.get('access-control-allow-origin'), '*', 'on each answer');
  }
});

t.test('CORS: a preflight is told what it asked for', async (t) => {
  const { http } = await setUp(t, { allowOrigin: 'http://page.example' });

  for (const path of ['', '/5', '/5/6', '/5/6/7']) {
    const { status, text, headers } = await http.get(path, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://page.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, x-y',
      },
    });
    t.same([status, text], [200, ''], path);
    t.equal(headers.get('access-control-allow-origin'), 'http://page.example');
    t.equal(headers.get('access-control-allow-credentials'), 'true');
    t.equal(headers.get('access-control-allow-methods'), 'POST');
    t.equal(headers.get('access-control-allow-headers'), 'content-type, x-y');
    t.equal(headers.get('vary'), 'Origin');
  }
});

t.test('CORS: other origins are kept out if asked', async (t) => {
  const { http } = await setUp(t, { allowOrigin: 'http://page.example', enforceCors: true });
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await http.get('/info', { headers })).status;

  t.equal(await status({ origin: 'http://page.example' }), 200);
  t.equal(await status({ origin: 'http://page.example:8080' }), 200);
  t.equal(await status({ referer: 'http://page.example/index.html' }), 200);
  t.equal(await status({}), 403);
  t.equal(await status({ origin: 'http://evil.example' }), 403);
  t.equal(await status({ origin: 'http://page.example.evil' }), 403);
  t.match(await http.get('', { method: 'OPTIONS' }), { status: 403, text: '' });
});

t.test('sessions of a page that never comes back do not pile up', async (t) => {
  const { http, gateway } = await setUp(t);
  await http.attach(await http.create(), LobbyPlugin.package);
  await http.create();

  gateway.sessions.sweep(performance.now() + 60_000);

  t.equal(gateway.sessions.size, 0);
});
