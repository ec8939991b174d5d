import { createServer } from 'node:http';
import t from 'tap';

import { janusHttp } from '../../../lib/signalling/http.js';
import { HttpClient, listen, testGateway } from '../support/signalling.js';

t.test('with an API secret, everything but info and ping needs it', async (t) => {
  const gateway = testGateway(t, { apiSecret: 'sesame' });
  const http = new HttpClient(`${await listen(t, createServer(janusHttp(gateway)))}/janus`);
  const apisecret = 'sesame';

  t.equal((await http.request('', 'ping')).janus, 'pong');
  t.match(await http.request('', 'info'), { janus: 'server_info', api_secret: true });
  t.match(await http.request('', 'create'), { transaction: 't3', error: { code: 403 } });
  t.match(await http.request('', 'create', { apisecret: 5 }), { error: { code: 403 } });
  t.match(await http.request('', 'nonsense'), { error: { code: 457 } });
  const session = await http.create({ apisecret });
  const id = Number(session.slice(1));

  t.match(await http.request(session, 'keepalive'), { session_id: id, error: { code: 403 } });
  t.match(await http.request(session, 'keepalive', { apisecret: 'wrong' }), { error: { code: 403 } });
  t.match(
    await http.request('/5', 'keepalive'),
    { error: { code: 403 } },
    'before it is said whether the session exists',
  );
  t.equal((await http.request(session, 'keepalive', { apisecret })).janus, 'ack');
});

t.test('a long poll shows its secret in the query, or gets status 403', async (t) => {
  const gateway = testGateway(t, { apiSecret: 'sesame' });
  const url = await listen(t, createServer(janusHttp(gateway, { longPollTimeout: 1 })));
  const http = new HttpClient(`${url}/janus`);
  const session = await http.create({ apisecret: 'sesame' });

  t.match(await http.get(session), { status: 403, text: '' });
  t.match(await http.get(`${session}?apisecret=wrong`), { status: 403, text: '' });
  t.match(await http.get(`${session}?apisecret=sesame`), { status: 200, json: { janus: 'keepalive' } });
});
