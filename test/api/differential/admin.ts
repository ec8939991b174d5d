import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Http, Scenario, Step } from './play.js';

const create: Step = { ask: { janus: 'create' }, as: 'session' };
const attach = (plugin: string): Step => ({
  ask: { janus: 'attach', session_id: '$session', plugin, opaque_id: 'me' },
  as: 'handle',
});
const post = (path: string, body?: object | string): Http => ({
  http: 'POST',
  path,
  admin: true,
  ...(body === undefined ? {} : { body: typeof body === 'string' ? body : { transaction: 'x', ...body } }),
});
/** A request of the server, with the secret. */
const server = (body: object): Http => post('', { admin_secret: 'admin', ...body });
const session = (body: object): Http => post('/$session', { admin_secret: 'admin', ...body });
const handle = (body: object): Http => post('/$session/$handle', { admin_secret: 'admin', ...body });
const get = (path: string): Http => ({ http: 'GET', path, admin: true });

/** A setting and what is no value of it; set back at the end. */
const setting = (janus: string, field: string, good: readonly unknown[], bad: readonly unknown[]): Http[] => [
  server({ janus }),
  ...[...bad, ...good].map((value) => server({ janus, [field]: value })),
];

const folder = mkdtempSync(join(tmpdir(), 'headgate-captures-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
/** Each server has its own. */
const CAPTURES = `${folder}/$handle`;

/** A capture that is continued once. */
const captures = (format: string, filename: string): Http[] => [
  handle({ janus: `start_${format}`, folder: CAPTURES, filename }),
  handle({ janus: 'start_pcap', folder: CAPTURES, filename: 'other' }),
  handle({ janus: 'start_text2pcap', folder: CAPTURES, filename: 'other' }),
  handle({ janus: 'handle_info' }),
  handle({ janus: `stop_${format}` }),
  handle({ janus: `stop_${format}` }),
  handle({ janus: 'handle_info' }),
];

/** The admin API, over HTTP. Needs `admin_secret = "admin"`. */
export const adminScenarios: readonly Scenario[] = [
  {
    name: 'admin: without the secret, and paths',
    steps: [
      get('/info'),
      get('/ping'),
      get(''),
      get('/12345'),
      post('', { janus: 'info' }),
      post('', { janus: 'ping' }),
      post('', { janus: 'get_status' }),
      post('', { janus: 'get_status', admin_secret: 'wrong' }),
      post('', { janus: 'get_status', admin_secret: 5 }),
      post('', { janus: 'list_sessions' }),
      post('/12345', { janus: 'list_handles' }),
      post(''),
      post('', 'no JSON'),
      post('', '[]'),
      post('', '{}'),
      post('', '{"janus":"get_status"}'),
      post('', { janus: 5 }),
      post('', { janus: 'get_status', transaction: 5 }),
      { http: 'OPTIONS', path: '', admin: true },
    ],
  },
  {
    name: 'admin: the server',
    steps: [
      server({ janus: 'nothing' }),
      server({ janus: 'get_status' }),
      server({ janus: 'GET_STATUS' }),
      ...setting('set_session_timeout', 'timeout', [30, 0, 60], ['x', -1, 1.5]),
      ...setting('set_log_level', 'level', [0, 4, 2], ['x', -1, 8]),
      ...setting('set_locking_debug', 'debug', [true, false], ['x', 1]),
      ...setting('set_refcount_debug', 'debug', [true, false], ['x', 1]),
      ...setting('set_libnice_debug', 'debug', [true, false], ['x', 1]),
      ...setting('set_log_timestamps', 'timestamps', [true, false], ['x', 1]),
      ...setting('set_log_colors', 'colors', [true, false], ['x', 1]),
      ...setting('set_min_nack_queue', 'min_nack_queue', [500, 5000, 200], ['x', -1]),
      ...setting('set_nack_optimizations', 'nack_optimizations', [true, false], ['x', 1]),
      ...setting('set_no_media_timer', 'no_media_timer', [5, 0, 1], ['x', -1]),
      ...setting('set_slowlink_threshold', 'slowlink_threshold', [5, 0], ['x', -1]),
      ...setting('accept_new_sessions', 'accept', [true], ['x', 1]),
      server({ janus: 'message_plugin' }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.streaming' }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.nothing', request: {} }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.streaming', request: 'text' }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.streaming', request: {} }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.streaming', request: { request: 'list' } }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.streaming', request: { request: 'info', id: 2 } }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.streaming', request: { request: 'watch', id: 2 } }),
      server({ janus: 'message_plugin', plugin: 'janus.plugin.echotest', request: { audio: true } }),
      server({ janus: 'query_transport' }),
      server({ janus: 'query_transport', transport: 'janus.transport.nothing', request: {} }),
      server({ janus: 'query_transport', transport: 'janus.transport.http' }),
      server({ janus: 'query_transport', transport: 'janus.transport.http', request: {} }),
      server({ janus: 'query_transport', transport: 'janus.transport.http', request: { request: 'nothing' } }),
      ...['janus.transport.http', 'janus.transport.websockets'].flatMap((transport) =>
        [
          { request: 5 },
          { request: 'configure' },
          { request: 'configure', json: 'compact' },
          { request: 'configure', json: 'plain', events: true },
          { request: 'configure', json: 'indented', events: false },
          { request: 'configure', json: 5 },
          { request: 'configure', events: 'x' },
        ].map((request) => server({ janus: 'query_transport', transport, request })),
      ),
      server({ janus: 'query_eventhandler' }),
      server({ janus: 'query_eventhandler', handler: 'janus.eventhandler.nothing', request: {} }),
      server({ janus: 'query_logger' }),
      server({ janus: 'query_logger', logger: 'janus.logger.nothing', request: {} }),
      server({ janus: 'custom_event' }),
      server({ janus: 'custom_event', schema: 'me', data: 'text' }),
      server({ janus: 'custom_event', schema: 'me', data: { a: 1 } }),
      server({ janus: 'custom_logline' }),
      server({ janus: 'custom_logline', line: 'text', level: 9 }),
      server({ janus: 'custom_logline', line: 'text', level: 7 }),
      server({ janus: 'add_token', token: 'x' }),
      server({ janus: 'list_tokens' }),
      server({ janus: 'allow_token', token: 'x', plugins: ['janus.plugin.echotest'] }),
      server({ janus: 'disallow_token', token: 'x', plugins: ['janus.plugin.echotest'] }),
      server({ janus: 'remove_token', token: 'x' }),
      server({ janus: 'resolve_address' }),
      server({ janus: 'resolve_address', address: 5 }),
      server({ janus: 'resolve_address', address: '127.0.0.1' }),
      server({ janus: 'test_stun' }),
      server({ janus: 'test_stun', address: 5, port: 3478 }),
      server({ janus: 'loops_info' }),
    ],
  },
  {
    name: 'admin: a session and its handle',
    steps: [
      create,
      attach('janus.plugin.echotest'),
      session({ janus: 'list_handles' }),
      session({ janus: 'nothing' }),
      session({ janus: 'list_sessions' }),
      session({ janus: 'set_session_timeout' }),
      session({ janus: 'set_session_timeout', timeout: 'x' }),
      session({ janus: 'set_session_timeout', timeout: -2 }),
      session({ janus: 'set_session_timeout', timeout: 0 }),
      handle({ janus: 'handle_info', plugin_only: true }),
      session({ janus: 'set_session_timeout', timeout: 120 }),
      handle({ janus: 'handle_info', plugin_only: true }),
      session({ janus: 'set_session_timeout', timeout: -1 }),
      post('/12345', { admin_secret: 'admin', janus: 'list_handles' }),
      post('/12345/6', { admin_secret: 'admin', janus: 'handle_info' }),
      post('/$session/6', { admin_secret: 'admin', janus: 'handle_info' }),
      post('', { admin_secret: 'admin', janus: 'list_handles', session_id: '$session' }),
      post('', { admin_secret: 'admin', janus: 'handle_info', session_id: '$session', handle_id: '$handle' }),
      post('/$session', { admin_secret: 'admin', janus: 'list_handles', session_id: 5 }),
      handle({ janus: 'nothing' }),
      handle({ janus: 'handle_info' }),
      handle({ janus: 'handle_info', plugin_only: 'x' }),
      handle({ janus: 'handle_info', plugin_only: true }),
      handle({ janus: 'stop_pcap' }),
      handle({ janus: 'stop_text2pcap' }),
      handle({ janus: 'start_pcap', folder: 5 }),
      handle({ janus: 'start_pcap', filename: 5 }),
      handle({ janus: 'start_pcap', truncate: -1 }),
      handle({ janus: 'start_pcap', truncate: 'x' }),
      handle({ janus: 'start_text2pcap', truncate: 1.5 }),
      handle({ janus: 'start_pcap', folder: '', filename: 'x' }),
      handle({ janus: 'start_pcap', folder: CAPTURES, filename: '' }),
      handle({ janus: 'start_pcap', folder: '/proc/1', filename: 'x' }),
      ...captures('pcap', 'a.pcap'),
      ...captures('text2pcap', 'a.txt'),
      handle({ janus: 'start_pcap', folder: `${CAPTURES}/deep/er`, filename: 'a.pcap', truncate: 64 }),
      handle({ janus: 'stop_text2pcap' }),
      handle({ janus: 'start_text2pcap', folder: CAPTURES, filename: 'b.txt' }),
      handle({ janus: 'hangup_webrtc' }),
      handle({ janus: 'detach_handle' }),
      handle({ janus: 'detach_handle' }),
      session({ janus: 'list_handles' }),
      session({ janus: 'destroy_session' }),
      session({ janus: 'list_handles' }),
    ],
  },
  {
    name: 'admin: draining',
    steps: [
      create,
      server({ janus: 'accept_new_sessions', accept: false }),
      { ask: { janus: 'create' } },
      { ask: { janus: 'create', id: 4711 } },
      { ask: { janus: 'keepalive', session_id: '$session' } },
      attach('janus.plugin.echotest'),
      { ask: { janus: 'info' } },
      server({ janus: 'accept_new_sessions', accept: true }),
      { ask: { janus: 'create' } },
    ],
  },
  {
    name: 'admin: a handle of the streaming plugin, idle',
    steps: [create, attach('janus.plugin.streaming'), handle({ janus: 'handle_info' })],
  },
  {
    name: 'admin: a handle with a peer',
    steps: [
      create,
      attach('janus.plugin.echotest'),
      {
        ask: {
          janus: 'message',
          session_id: '$session',
          handle_id: '$handle',
          body: { audio: true },
          jsep: { type: 'offer', sdp: '$offer' },
        },
      },
      handle({ janus: 'start_pcap', folder: CAPTURES, filename: 'peer.pcap' }),
      handle({ janus: 'handle_info' }),
      handle({ janus: 'hangup_webrtc' }),
      handle({ janus: 'stop_pcap' }),
    ],
  },
];
