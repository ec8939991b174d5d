import { createHmac } from 'node:crypto';
import type { Http, Scenario, Step } from './play.js';

/** Of signed tokens, on both sides. */
export const TOKEN_SECRET = 'sign';
const sign = (text: string): string => `${text}:${createHmac('sha1', TOKEN_SECRET).update(text).digest('base64')}`;
const LATER = 4_000_000_000;

const admin = (body: object): Http => ({
  http: 'POST',
  path: '',
  admin: true,
  body: { transaction: 'x', admin_secret: 'admin', ...body },
});
const ask = (body: object): Step => ({ ask: body });
const echotest = 'janus.plugin.echotest';
const streaming = 'janus.plugin.streaming';

/** What one may do who shows this. */
const entering = (name: string, credentials: object): Scenario => ({
  name,
  steps: [
    ask({ janus: 'ping', ...credentials }),
    ask({ janus: 'info', ...credentials }),
    ask({ janus: 'create', ...credentials }),
    { ask: { janus: 'create', apisecret: 'secret', token: '$valid' }, as: 'session' },
    ask({ janus: 'keepalive', session_id: '$session', ...credentials }),
    ask({ janus: 'keepalive', session_id: 12345, ...credentials }),
    ask({ janus: 'attach', session_id: '$session', plugin: echotest, ...credentials }),
    ask({ janus: 'attach', session_id: '$session', plugin: streaming, ...credentials }),
    ask({ janus: 'attach', session_id: '$session', plugin: 'janus.plugin.nothing', ...credentials }),
    ask({ janus: 'nothing', session_id: '$session', ...credentials }),
    ask({ janus: 'nothing', ...credentials }),
    ask({ janus: 'destroy', session_id: '$session', ...credentials }),
  ],
});

/** With `api_secret = "secret"` and `token_auth`. */
export const storedTokenScenarios: readonly Scenario[] = [
  {
    name: 'stored tokens, by the admin API',
    steps: [
      admin({ janus: 'list_tokens' }),
      admin({ janus: 'add_token' }),
      admin({ janus: 'add_token', token: 5 }),
      admin({ janus: 'add_token', token: 'one', plugins: 'text' }),
      admin({ janus: 'add_token', token: 'one', plugins: [5] }),
      admin({ janus: 'add_token', token: 'one', plugins: ['janus.plugin.nothing'] }),
      admin({ janus: 'add_token', token: 'one', plugins: [echotest] }),
      admin({ janus: 'list_tokens' }),
      admin({ janus: 'allow_token', token: 'nobody', plugins: [echotest] }),
      admin({ janus: 'allow_token', token: 'one', plugins: [] }),
      admin({ janus: 'allow_token', token: 'one' }),
      admin({ janus: 'allow_token', token: 'one', plugins: [streaming] }),
      admin({ janus: 'disallow_token', token: 'nobody', plugins: [echotest] }),
      admin({ janus: 'disallow_token', token: 'one', plugins: [streaming] }),
      admin({ janus: 'remove_token' }),
      admin({ janus: 'remove_token', token: 'nobody' }),
    ],
  },
  entering('no secret, no token', {}),
  entering('the secret', { apisecret: 'secret' }),
  entering('a wrong secret', { apisecret: 'wrong' }),
  entering('a secret that is a number', { apisecret: 5 }),
  entering('a stored token', { token: 'one' }),
  entering('an unknown token', { token: 'two' }),
  entering('a token that is a number', { token: 5 }),
  entering('a wrong secret and a stored token', { apisecret: 'wrong', token: 'one' }),
  {
    name: 'long polls',
    steps: [
      { http: 'POST', path: '', body: { janus: 'create', transaction: 'x', apisecret: 'secret' }, as: 'session' },
      { http: 'POST', path: '/$session', body: { janus: 'keepalive', transaction: 'x' } },
      { http: 'GET', path: '/$session' },
      { http: 'GET', path: '/$session?apisecret=wrong' },
      { http: 'GET', path: '/12345?apisecret=secret' },
      { http: 'GET', path: '/12345' },
      { http: 'GET', path: '/info' },
    ],
  },
];

/** With `token_auth` and `token_auth_secret`. */
export const signedTokenScenarios: readonly Scenario[] = [
  entering('a signed token for the echo test', { token: sign(`${String(LATER)},janus,${echotest}`) }),
  entering('a signed token for two plugins', { token: sign(`${String(LATER)},janus,${echotest},${streaming}`) }),
  entering('a signed token for no plugin', { token: sign(`${String(LATER)},janus`) }),
  entering('a signed token of another realm', { token: sign(`${String(LATER)},other,${echotest}`) }),
  entering('a signed token that is over', { token: sign(`1000000000,janus,${echotest}`) }),
  entering('a signed token with no number', { token: sign(`soon,janus,${echotest}`) }),
  entering('a signed token that was changed', {
    token: sign(`${String(LATER)},janus,x`).replace(',x', `,${echotest}`),
  }),
  entering('a token that is not signed', { token: `${String(LATER)},janus,${echotest}` }),
  entering('an empty token', { token: '' }),
  entering('no token', {}),
  {
    name: 'signed tokens, by the admin API',
    steps: [admin({ janus: 'add_token', token: 'one' }), admin({ janus: 'list_tokens' })],
  },
];
/** Lets everything be done, in both. */
export const VALID_TOKEN = sign(`${String(LATER)},janus,${echotest},${streaming}`);
