/** The admin API over HTTP and WebSocket. */
import { createServer } from 'node:http';
import express from 'express';
import t from 'tap';

import { janusAdminHttp } from '../../../lib/signalling/admin-http.js';
import { janusAdminWebSocket } from '../../../lib/signalling/admin-websocket.js';
import { janusHttp } from '../../../lib/signalling/http.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import { HttpClient, listen, LobbyPlugin, testGateway, WsClient } from '../support/signalling.js';

const SECRET = { admin_secret: 'adm' };

t.test('HTTP: paths, methods and bodies', async (t) => {
  const gateway = testGateway(t, { adminSecret: 'adm' });
  const http = new HttpClient(`${await listen(t, janusAdminHttp(gateway))}/admin`);

  t.match((await http.get('/info')).json, { janus: 'server_info', transaction: String });
  t.match((await http.get('/ping')).json, { janus: 'pong', transaction: String });
  for (const path of ['', '/nope', '/1', '/1/2']) t.equal((await http.get(path)).json.error.code, 454, `GET ${path}`);
  t.equal((await http.get('/1/2/3')).status, 404);
  t.equal((await http.get('', { method: 'PUT' })).json.error.code, 450);
  t.equal((await http.get('', { method: 'OPTIONS' })).status, 200);
  t.equal((await http.get('', { method: 'POST' })).json.error.code, 454);
  t.equal((await http.post('', '{bad')).json.error.code, 454);
  t.equal((await http.post('', '[]')).json.error.code, 455);
  t.same(await http.request('', 'list_sessions'), {
    janus: 'error',
    transaction: 't1',
    error: { code: 403, reason: '"admin_secret" is missing or wrong' },
  });
  t.match(await http.request('', 'list_sessions', SECRET), { janus: 'success', sessions: [] });
});

t.test('HTTP: sessions and handles in the path, beside the Janus API', async (t) => {
  const gateway = testGateway(t, { adminSecret: 'adm' });
  const app = express();
  app.use(express.json());
  app.use('/janus', janusHttp(gateway));
  app.use('/secret/place', janusAdminHttp(gateway));
  const base = await listen(t, createServer(app));
  const [core, admin] = [new HttpClient(`${base}/janus`), new HttpClient(`${base}/secret/place`)];
  const session = await core.create();
  const handle = await core.attach(session);

  t.match(await admin.request(session, 'list_handles', SECRET), { handles: [Number(handle.split('/')[2])] });
  t.match(await admin.request(handle, 'handle_info', SECRET), { info: { plugin: LobbyPlugin.package } });
  t.equal((await admin.post('', '{bad', { 'content-type': 'application/json' })).json.error.code, 454);
  t.equal((await core.request(session, 'list_handles', SECRET)).error.code, 453, 'the core knows nothing of it');

  const query = { ...SECRET, transport: 'janus.transport.http', request: { request: 'configure', json: 'compact' } };
  t.match(await admin.request('', 'query_transport', query), { response: { result: 200 } });
  t.notMatch((await core.get('/ping')).text, /\s/);
});

t.test('both mounts need a secret of the gateway', async (t) => {
  const gateway = testGateway(t);

  t.throws(() => janusAdminHttp(gateway), { code: 'HG_ERR_OPTION', message: /adminSecret/ });
  t.throws(() => janusAdminWebSocket(gateway, createServer()), { code: 'HG_ERR_OPTION', message: /adminSecret/ });
  t.throws(() => janusAdminHttp(testGateway(t, { adminSecret: 'x' }), { longPollTimeout: 5 } as object), {
    code: 'HG_ERR_OPTION',
  });
});

t.test('WebSocket: its own path and subprotocol', async (t) => {
  const gateway = testGateway(t, { adminSecret: 'adm' });
  const server = createServer();
  const url = await listen(t, server);
  janusWebSocket(gateway, server);
  const mounted = janusAdminWebSocket(gateway, server);
  await t.rejects(WsClient.connect(t, `${url}/admin`, ['janus-protocol']), /400/);
  const client = await WsClient.connect(t, `${url}/admin`, ['janus-admin-protocol']);
  const core = await WsClient.connect(t, `${url}/janus`);
  const at = await core.attach(await core.create());

  t.equal(client.socket.protocol, 'janus-admin-protocol');
  t.match(await client.request('ping'), { janus: 'pong' });
  t.equal((await client.request('list_sessions')).error.code, 403);
  client.send('{bad');
  t.equal((await client.next()).error.code, 454);
  t.match(await client.request('handle_info', { ...SECRET, ...at }), { janus: 'success', handle_id: at.handle_id });
  const query = { ...SECRET, transport: 'janus.transport.websockets', request: { request: 'connections' } };
  t.match(await client.request('query_transport', query), { response: { result: 200, connections: 1 } });

  gateway.sessions.close();
  await new Promise<void>((resolve) => (mounted.closed ? mounted.once('close', resolve) : resolve()));
  t.ok(mounted.closed, 'closes with the gateway');
});
