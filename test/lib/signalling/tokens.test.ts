/** Tokens, stored and signed: what they open and what they do not. */
import { createServer } from 'node:http';
import t from 'tap';
import type { Test } from 'tap';

import { MemoryTokens } from '../../../lib/session/tokens.js';
import { apiOf } from '../../../lib/signalling/janus-api.js';
import { janusHttp } from '../../../lib/signalling/http.js';
import { signToken } from '../../../lib/signed-token.js';
import type { TestGateway } from '../support/signalling.js';
import { HttpClient, listen, LobbyPlugin, OddPlugin, testGateway } from '../support/signalling.js';

async function setUp(
  t: Test,
  options: Parameters<typeof testGateway>[1],
): Promise<{ gateway: TestGateway; http: HttpClient }> {
  const gateway = testGateway(t, options);
  const server = createServer(janusHttp(gateway, { longPollTimeout: 1 }));
  return { gateway, http: new HttpClient(`${await listen(t, server)}/janus`) };
}

/** A token signed with the secret of these tests. */
function signed(items: string[], { realm = 'janus', secret = 'sesame', expires = Date.now() + 60_000 } = {}): string {
  return signToken(secret, { realm, items, expires });
}

t.test('with stored tokens, everything but info and ping needs one', async (t) => {
  const tokens = new MemoryTokens();
  tokens.add('good', []);
  const { gateway, http } = await setUp(t, { tokens });

  t.equal(apiOf(gateway).tokens, tokens, 'the admin API can reach them');
  t.equal((await http.request('', 'ping')).janus, 'pong');
  t.match(await http.request('', 'info'), { api_secret: false, auth_token: true });
  for (const token of [undefined, 'bad', '', 5, null, ['good'], '__proto__']) {
    t.match(await http.request('', 'create', { token }), { error: { code: 403 } }, JSON.stringify(token));
  }
  const session = await http.create({ token: 'good' });
  t.match(await http.request(session, 'keepalive', { token: 'good' }), { janus: 'ack' });
  t.match(await http.request(session, 'keepalive', { apisecret: 'good' }), { error: { code: 403 } });
  t.equal((await http.get(session)).status, 403);
  t.equal((await http.get(`${session}?token=bad`)).status, 403);
  t.equal((await http.get(`${session}?token=good`)).status, 200);
  tokens.remove('good');
  t.match(await http.request(session, 'keepalive', { token: 'good' }), { error: { code: 403 } });
});

t.test('a stored token attaches to its plugins and no others, as they are at that moment', async (t) => {
  const tokens = new MemoryTokens();
  tokens.add('good', [LobbyPlugin.package]);
  const { http } = await setUp(t, { tokens });
  const token = 'good';
  const session = await http.create({ token });
  const attach = (plugin: string) => http.request(session, 'attach', { plugin, token });

  t.match(await attach(LobbyPlugin.package), { janus: 'success' });
  t.match(await attach(OddPlugin.package), { error: { code: 405 } });
  t.match(await attach('nobody'), { error: { code: 460 } });
  tokens.disallow(token, [LobbyPlugin.package]);
  tokens.allow(token, [OddPlugin.package]);

  t.match(await attach(LobbyPlugin.package), { error: { code: 405 } });
  t.match(await attach(OddPlugin.package), { janus: 'success' });
});

t.test('with a secret and tokens either is enough', async (t) => {
  const tokens = new MemoryTokens();
  tokens.add('good', [LobbyPlugin.package]);
  const { http } = await setUp(t, { tokens, apiSecret: 'sesame' });

  t.match(await http.request('', 'info'), { api_secret: true, auth_token: true });
  t.match(await http.request('', 'create', { apisecret: 'wrong', token: 'wrong' }), { error: { code: 403 } });
  t.match(await http.request('', 'create', { apisecret: 'wrong', token: 'good' }), { janus: 'success' });
  const session = await http.create({ apisecret: 'sesame', token: 'wrong' });
  t.equal((await http.get(`${session}?apisecret=sesame`)).status, 200);
  t.equal((await http.get(`${session}?token=good`)).status, 200);
  const plugin = OddPlugin.package;
  t.match(await http.request(session, 'attach', { plugin, token: 'good' }), { error: { code: 405 } });
  t.match(
    await http.request(session, 'attach', { plugin, token: 'good', apisecret: 'sesame' }),
    { janus: 'success' },
    'the secret opens every plugin',
  );
});

t.test('a signed token opens the API until its time is over, and the plugins it names', async (t) => {
  const { http, gateway } = await setUp(t, { tokenAuthSecret: 'sesame' });
  const token = signed([LobbyPlugin.package]);

  t.equal(apiOf(gateway).tokens, undefined);
  t.match(await http.request('', 'info'), { auth_token: true });
  for (const wrong of [
    undefined,
    signed([LobbyPlugin.package], { secret: 'other' }),
    signed([LobbyPlugin.package], { realm: LobbyPlugin.package }),
    signed([LobbyPlugin.package], { expires: Date.now() - 5_000 }),
    token.replace(LobbyPlugin.package, OddPlugin.package),
  ]) {
    t.match(await http.request('', 'create', { token: wrong }), { error: { code: 403 } }, String(wrong));
  }
  const session = await http.create({ token });
  t.match(await http.request(session, 'attach', { plugin: LobbyPlugin.package, token }), { janus: 'success' });
  t.match(await http.request(session, 'attach', { plugin: OddPlugin.package, token }), { error: { code: 405 } });
  t.equal((await http.get(`${session}?token=${encodeURIComponent(token)}`)).status, 200);
  t.equal((await http.get(`${session}?token=${encodeURIComponent(`${token}x`)}`)).status, 403);
});

t.test('with a token secret there are no stored tokens', async (t) => {
  const tokens = new MemoryTokens();
  tokens.add('good', []);
  const { http } = await setUp(t, { tokens, tokenAuthSecret: 'sesame' });

  t.match(await http.request('', 'create', { token: 'good' }), { error: { code: 403 } });
  t.match(await http.request('', 'create', { token: signed([]) }), { janus: 'success' });
});

t.test('a plugin sees the token of the client that attached', async (t) => {
  const { gateway, http } = await setUp(t, {});
  const seen: unknown[] = [];
  gateway.odd.onAttached = ({ token }) => seen.push(token);
  const session = await http.create();

  for (const token of ['mine', undefined, 5]) await http.attach(session, OddPlugin.package, { token });

  t.same(seen, ['mine', undefined, undefined]);
});
