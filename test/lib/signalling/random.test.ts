/** Whatever a client sends, there is an answer, and nothing is left behind. */
import t from 'tap';

import type { SessionOwner } from '../../../lib/session/owner.js';
import { MemoryTokens } from '../../../lib/session/tokens.js';
import { adminApiOf } from '../../../lib/signalling/admin-api.js';
import { apiOf } from '../../../lib/signalling/janus-api.js';
import { randomOf } from '../../support/random.js';
import type { Json } from '../support/signalling.js';
import { LobbyPlugin, OddPlugin, SDP, testGateway } from '../support/signalling.js';

/** Of each seed; a million in all when `npm run test:soak` says so. */
const MESSAGES = Number(process.env['HEADGATE_TEST_MESSAGES'] ?? 7_000);
/** Without those that look for other machines. */
const ADMIN_VERBS = [
  'get_status',
  'list_sessions',
  'list_handles',
  'handle_info',
  'set_session_timeout',
  'set_log_level',
  'set_min_nack_queue',
  'set_no_media_timer',
  'set_slowlink_threshold',
  'set_libnice_debug',
  'accept_new_sessions',
  'message_plugin',
  'query_transport',
  'query_eventhandler',
  'custom_event',
  'custom_logline',
  'add_token',
  'allow_token',
  'disallow_token',
  'list_tokens',
  'detach_handle',
  'hangup_webrtc',
  'start_pcap',
  'stop_pcap',
];

for (const seed of [1, 2, 3]) {
  t.test(`seed ${String(seed)}`, async (t) => {
    const tokens = new MemoryTokens();
    const settings = { apiSecret: 'secret', adminSecret: 'admin', tokens };
    const gateway = testGateway(t, { maxSessions: 50, maxHandles: 20, ...settings });
    tokens.add('token', [LobbyPlugin.package, OddPlugin.package]);
    const api = apiOf(gateway);
    const admin = adminApiOf(gateway, 'random');
    const owner: SessionOwner = {
      transport: 'test',
      acquired: () => undefined,
      deliver: (event) => void JSON.stringify(event),
      released: () => undefined,
    };
    const next = randomOf(seed);
    const oneOf = <T>(items: readonly T[]): T => items[next(items.length)] as T;
    const ids = [1, 2, 3];
    const junk = (): Json =>
      oneOf([
        null,
        0,
        -1,
        1.5,
        2 ** 60,
        '',
        'x',
        true,
        [],
        {},
        [[]],
        { a: { b: 1 } },
        JSON.parse('{"__proto__":{"x":1}}'),
        SDP,
      ]);
    const maybe = (value: Json): Json => (next(8) === 0 ? junk() : value);
    const verbs = [
      'create',
      'attach',
      'message',
      'trickle',
      'hangup',
      'detach',
      'destroy',
      'keepalive',
      'claim',
      'info',
      'x',
    ];
    const requests = Object.keys({ ...gateway.odd.requests, ...gateway.lobby.requests }).filter(
      (name) => name !== 'late',
    );
    const candidate = (): Json => maybe({ candidate: maybe('c'), sdpMid: maybe('0') });
    const message = (): Json => {
      const sent: Json = { janus: maybe(oneOf([...verbs, 'message', 'message', 'trickle'])), transaction: maybe('t') };
      Object.assign(sent, oneOf([{ apisecret: 'secret' }, { token: 'token' }]));
      if (next(20) === 0) Object.assign(sent, { apisecret: junk(), token: junk() });
      if (next(10) > 0) sent.session_id = maybe(oneOf(ids));
      if (next(3) > 0)
        sent.handle_id = maybe(oneOf([...(gateway.sessions.get(sent.session_id)?.handles.keys() ?? [5])]));
      if (sent.janus === 'create')
        return { ...sent, session_id: undefined, handle_id: undefined, id: maybe(oneOf(ids)) };
      if (next(2) === 0) sent.plugin = maybe(oneOf([LobbyPlugin.package, OddPlugin.package]));
      if (next(4) > 0) sent.body = maybe({ request: maybe(oneOf(requests)), name: maybe('Ada'), text: maybe('x') });
      if (next(4) === 0) sent.jsep = maybe({ type: maybe(oneOf(['offer', 'answer'])), sdp: maybe(SDP), svc: junk() });
      if (next(3) === 0) sent.candidate = candidate();
      if (next(9) === 0) sent.candidates = maybe([candidate(), candidate()]);
      return sent;
    };

    const adminMessage = (): Json => {
      const sent: Json = { janus: maybe(oneOf(ADMIN_VERBS)), transaction: maybe('t'), admin_secret: maybe('admin') };
      if (next(2) === 0) sent.session_id = maybe(oneOf(ids));
      if (next(2) === 0)
        sent.handle_id = maybe(oneOf([...(gateway.sessions.get(sent.session_id)?.handles.keys() ?? [5])]));
      for (const field of ['timeout', 'level', 'min_nack_queue', 'no_media_timer', 'slowlink_threshold'])
        if (next(3) === 0) sent[field] = maybe(next(10));
      // Not for ever: nothing else would happen.
      sent.accept = sent.janus === 'accept_new_sessions' ? (next(9) > 0 ? true : junk()) : undefined;
      for (const field of ['plugin', 'transport', 'handler', 'schema', 'line', 'token', 'folder', 'filename'])
        if (next(3) === 0) sent[field] = maybe(oneOf([LobbyPlugin.package, 'token', 'x']));
      for (const field of ['request', 'data']) if (next(3) === 0) sent[field] = maybe({ request: oneOf(requests) });
      if (next(3) === 0) sent.plugins = maybe([LobbyPlugin.package, junk()]);
      return sent;
    };

    const kinds = new Map<string, number>();
    for (let count = 0; count < MESSAGES; count++) {
      const origin = { transport: 'test', ownerFor: () => owner };
      const isAdmin = next(5) === 0;
      const sent = next(50) === 0 ? junk() : isAdmin ? adminMessage() : message();
      const pending = (isAdmin ? admin : api).handle(sent, origin);
      const outcome = pending instanceof Promise ? await pending : pending;
      const { janus } = outcome.reply as Json;
      JSON.stringify(outcome.reply);
      outcome.after();
      kinds.set(janus, (kinds.get(janus) ?? 0) + 1);
      if (next(20) === 0) {
        gateway.odd.release();
        const live = gateway.peers.filter(({ closed }) => !closed);
        gateway.peers.splice(0, gateway.peers.length, ...live);
        oneOf([...live, undefined])?.emit(oneOf(['up', 'negotiated']));
        oneOf([...live, undefined])?.close('Close PC');
        await new Promise(setImmediate);
      }
    }

    t.same(
      [...kinds.keys()].filter((kind) => !['success', 'ack', 'error', 'server_info'].includes(kind)),
      [],
    );
    t.notOk(gateway.log.some(({ message }) => message === 'a request failed'));
    t.ok((kinds.get('success') ?? 0) > 100 && (kinds.get('ack') ?? 0) > 100, JSON.stringify([...kinds]));
    for (const session of [...gateway.sessions.values()]) session.close('admin');
    gateway.odd.release();
    await new Promise(setImmediate);
    t.equal(gateway.sessions.size, 0);
    t.ok(
      gateway.peers.every(({ closed }) => closed),
      'no peer is left',
    );
  });
}
