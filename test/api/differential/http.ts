import type { Http, Scenario } from './play.js';

const post = (path: string, body?: object | string): Http => ({
  http: 'POST',
  path,
  ...(body === undefined ? {} : { body }),
});
const get = (path: string, headers?: Record<string, string>): Http => ({
  http: 'GET',
  path,
  ...(headers ? { headers } : {}),
});
const create: Http = { ...post('', { janus: 'create', transaction: 'c' }), as: 'session' };
const attach: Http = {
  ...post('/$session', { janus: 'attach', plugin: 'janus.plugin.echotest', transaction: 'a' }),
  as: 'handle',
};

/** What is peculiar to HTTP. */
export const httpScenarios: readonly Scenario[] = [
  {
    name: 'paths and methods',
    steps: [
      get('/info'),
      get('/info/'),
      get('/ping'),
      get(''),
      get('/'),
      get('/nothing'),
      get('/12345'),
      get('/12345/678'),
      get('/1/2/3'),
      post('/info', { janus: 'info', transaction: 'x' }),
      post('/ping', { janus: 'ping', transaction: 'x' }),
      post('', { janus: 'info', transaction: 'x' }),
      post('', { janus: 'ping', transaction: 'x' }),
      post('/', { janus: 'ping', transaction: 'x' }),
      post('/1/2/3', { janus: 'ping', transaction: 'x' }),
      post('/nothing', { janus: 'keepalive', transaction: 'x' }),
      post('/12345', { janus: 'keepalive', transaction: 'x' }),
      post('/12345/6', { janus: 'message', body: {}, transaction: 'x' }),
      post('', 'no JSON'),
      post('', '[]'),
      post('', '5'),
      post(''),
      { http: 'PUT', path: '', body: '{}' },
      { http: 'DELETE', path: '/info' },
      { http: 'OPTIONS', path: '' },
      {
        http: 'OPTIONS',
        path: '/1/2',
        headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a, x-b' },
      },
    ],
  },
  {
    name: 'a session',
    steps: [
      create,
      attach,
      get('/$session/$handle'),
      post('/$session', { janus: 'keepalive', transaction: 'x', session_id: '$session' }),
      post('/$session', { janus: 'keepalive', transaction: 'x', session_id: 5 }),
      post('', { janus: 'keepalive', transaction: 'x', session_id: '$session' }),
      post('/$session/', { janus: 'keepalive', transaction: 'x' }),
      post('/$session/$handle', { janus: 'message', transaction: 'x', body: {}, handle_id: 6 }),
      post('/$session/nothing', { janus: 'message', transaction: 'x', body: {} }),
      post('/$session', { janus: 'message', transaction: 'x', body: {}, handle_id: '$handle' }),
      get('/$session?maxev=1'),
      // What Janus sends next, and when, is up to its threads.
      post('/$session/$handle', { janus: 'detach', transaction: 'x' }),
      { ...get('/$session'), http: 'OPTIONS' },
      post('/$session', { janus: 'claim', transaction: 'x' }),
      post('/$session', { janus: 'destroy', transaction: 'x' }),
      get('/$session'),
      post('/$session', { janus: 'keepalive', transaction: 'x' }),
    ],
  },
  {
    name: 'a session that a WebSocket claims, and HTTP again',
    steps: [
      create,
      attach,
      post('/$session/$handle', { janus: 'message', transaction: 'before', body: { audio: true } }),
      get('/$session'),
      { ask: { janus: 'claim', session_id: 12345 } },
      { ask: { janus: 'claim', session_id: '$session', handle_id: '$handle' } },
      { ask: { janus: 'claim', session_id: '$session' } },
      { ask: { janus: 'claim', session_id: '$session' } },
      { ask: { janus: 'message', session_id: '$session', handle_id: '$handle', body: { audio: true } } },
      get('/$session'),
      get('/$session?maxev=5'),
      post('/$session', { janus: 'keepalive', transaction: 'x' }),
      post('/$session', { janus: 'claim', transaction: 'x' }),
      post('/$session/$handle', { janus: 'message', transaction: 'after', body: { audio: true } }),
      get('/$session?maxev=5'),
      { ask: { janus: 'keepalive', session_id: '$session' } },
      { ask: { janus: 'destroy', session_id: '$session' } },
      get('/$session'),
      { ask: { janus: 'claim', session_id: '$session' } },
    ],
  },
];
