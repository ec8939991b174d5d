/** Clients are kept out by their address. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import t from 'tap';
import { WebSocket } from 'ws';

import { readAcl } from '../../../lib/signalling/acl.js';
import { janusHttp } from '../../../lib/signalling/http.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import { HttpClient, listen, testGateway, WsClient } from '../support/signalling.js';

function from(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

t.test('without a list all may come, with an empty one nobody', async (t) => {
  t.ok(readAcl({})(from('192.0.2.1')));
  t.ok(readAcl({})(from(undefined)));
  t.notOk(readAcl({ acl: [] })(from('192.0.2.1')));
});

t.test('an address may come if it begins as listed, or is the one listed', async (t) => {
  const mayCome = readAcl({ acl: ['127.', '192.0.2.1', '::FFFF:10.1', '2001:DB8:', '::1'] });

  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '::FFFF:192.0.2.1', '192.0.2.1', '10.1.2.3', '10.100.1.1']) {
    t.ok(mayCome(from(address)), address);
  }
  t.ok(mayCome(from('2001:db8::5')));
  t.ok(mayCome(from('::1')));
  for (const address of ['128.0.0.1', '192.0.2.17', '192.0.2.2', '10.2.0.1', '2001:db9::5', '::127.0.0.1', '::12']) {
    t.notOk(mayCome(from(address)), address);
  }
  t.notOk(mayCome(from(undefined)));
});

t.test('behind a proxy the last address of X-Forwarded-For counts, and no other', async (t) => {
  const mayCome = readAcl({ acl: ['127.', '2001:db8:'], aclForwarded: true });

  for (const forwarded of ['127.0.0.1', '9.9.9.9, 127.0.0.1', '127.0.0.1:5000', '[2001:db8::1]:80', '2001:db8::1']) {
    t.ok(mayCome(from('9.9.9.9', forwarded)), forwarded);
  }
  for (const forwarded of [undefined, '', '127.0.0.1, 9.9.9.9', '127.0.0.1,', '127.evil', '127.']) {
    t.notOk(mayCome(from('127.0.0.1', forwarded)), String(forwarded));
  }
});

t.test('over HTTP the others get 403 whatever they ask, over WebSocket they are not let in', async (t) => {
  const gateway = testGateway(t);
  for (const [acl, allowed] of [
    [['127.'], true],
    [['192.0.2.'], false],
  ] as const) {
    const server = createServer(janusHttp(gateway, { acl }));
    janusWebSocket(gateway, server, { acl });
    const http = new HttpClient(`${await listen(t, server)}/janus`);

    t.equal((await http.get('/info')).status, allowed ? 200 : 403);
    t.equal((await http.post('', { janus: 'create', transaction: 't' })).status, allowed ? 200 : 403);
    t.equal((await http.get('', { method: 'OPTIONS' })).status, allowed ? 200 : 403);
    if (allowed) {
      t.match(await (await WsClient.connect(t, http.base)).request('ping'), { janus: 'pong' });
    } else {
      const socket = new WebSocket(http.base.replace(/^http/, 'ws'), ['janus-protocol']);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
      socket.on('error', () => undefined).terminate();
      t.equal(response.statusCode, 403);
    }
  }
  t.equal(gateway.sessions.size, 1);
});

t.test('behind a proxy both transports look at the header', async (t) => {
  const gateway = testGateway(t);
  const options = { acl: ['192.0.2.'], aclForwarded: true };
  const server = createServer(janusHttp(gateway, options));
  janusWebSocket(gateway, server, options);
  const base = `${await listen(t, server)}/janus`;
  const headers = { 'X-Forwarded-For': '192.0.2.7' };

  t.equal((await new HttpClient(base).get('/info')).status, 403);
  t.equal((await new HttpClient(base, headers).get('/info')).status, 200);
  const ws = await WsClient.connect(t, base, ['janus-protocol'], headers);
  t.match(await ws.request('ping'), { janus: 'pong' });
});

t.test('a list that cannot be one is refused', async (t) => {
  const gateway = testGateway(t);

  for (const acl of ['127.', ['127.0.0.0/8'], ['localhost'], [''], [5]]) {
    t.throws(() => janusHttp(gateway, { acl: acl as string[] }), { code: 'HG_ERR_OPTION' }, JSON.stringify(acl));
  }
});
