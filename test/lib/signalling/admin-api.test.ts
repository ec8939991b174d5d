/** The verbs of the admin API, without a transport. The codes are those Janus 1.1.2 answers with. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import t, { type Test } from 'tap';

import { UsageError } from '../../../lib/errors.js';
import { MemoryTokens } from '../../../lib/session/tokens.js';
import type { SessionOwner } from '../../../lib/session/owner.js';
import { adminApiOf } from '../../../lib/signalling/admin-api.js';
import { mappedAddress } from '../../../lib/signalling/admin/stun.js';
import { apiOf } from '../../../lib/signalling/janus-api.js';

import { StreamingPlugin } from '../../../lib/plugins/index.js';
import type { CaptureOptions } from '../../../lib/peer/capture.js';
import type { Peer, PeerOptions } from '../../../lib/peer/peer.js';
import { MediaBench, StreamingBench, turn } from '../../support/media-bench.js';
import type { Json, TestGateway } from '../support/signalling.js';
import { LobbyPlugin, OddPlugin, testGateway } from '../support/signalling.js';

const SECRET = 'adm';

class Admin {
  constructor(readonly gateway: TestGateway) {}

  async raw(request: unknown, path = { sessionId: 0, handleId: 0 }): Promise<Json> {
    return (await adminApiOf(this.gateway).handle(request, undefined, path)).reply;
  }

  ask(janus: string, rest: object = {}): Promise<Json> {
    return this.raw({ janus, transaction: 't', admin_secret: SECRET, ...rest });
  }

  async code(janus: string, rest: object = {}): Promise<number> {
    return (await this.ask(janus, rest)).error?.code ?? 0;
  }
}

function admin(t: Test, options: Parameters<typeof testGateway>[1] = {}): Admin {
  return new Admin(testGateway(t, { adminSecret: SECRET, ...options }));
}

class Owner implements SessionOwner {
  readonly transport = 'test.transport';
  readonly events: Json[] = [];
  acquired(): void {
    // nothing to prepare
  }
  deliver(event: object): void {
    this.events.push(event);
  }
  released(): undefined {
    return undefined;
  }
}

function withSession(t: Test) {
  const api = admin(t);
  const owner = new Owner();
  const session = api.gateway.sessions.create(owner);
  const handle = session.attach(api.gateway.odd, 'op');
  return {
    api,
    owner,
    session,
    handle,
    at: { session_id: session.id },
    on: { session_id: session.id, handle_id: handle.id },
  };
}

t.test('without a secret of the gateway there is no admin API', async (t) => {
  for (const gateway of [testGateway(t), testGateway(t, { adminSecret: '' })]) {
    t.throws(() => adminApiOf(gateway, 'janusAdminHttp'), {
      constructor: UsageError,
      code: 'HG_ERR_OPTION',
      message: /^janusAdminHttp: .*adminSecret/,
    });
  }
});

t.test('what is checked first', async (t) => {
  const api = admin(t);
  const rows: [unknown, number][] = [
    [[], 455],
    [5, 455],
    [{}, 456],
    [{ janus: 'x' }, 456],
    [{ transaction: 't' }, 456],
    [{ transaction: 5, janus: 'x' }, 467],
    [{ transaction: 't', janus: 5 }, 467],
    [{ transaction: 't', janus: 'nope' }, 403],
    [{ transaction: 't', janus: 'list_sessions', admin_secret: 'x' }, 403],
    [{ transaction: 't', janus: 'list_sessions', admin_secret: 5 }, 403],
    [{ transaction: 't', janus: 'list_handles', session_id: 77 }, 403],
    [{ transaction: 't', janus: 'ping', session_id: 77 }, 403],
    [{ transaction: 't', janus: 'nope', admin_secret: SECRET }, 457],
    [{ transaction: 't', janus: 'toString', admin_secret: SECRET }, 457],
    [{ transaction: 't', janus: 'list_handles', admin_secret: SECRET }, 457],
    [{ transaction: 't', janus: 'nope', admin_secret: SECRET, session_id: 9 }, 458],
    [{ transaction: 't', janus: 'nope', admin_secret: SECRET, handle_id: 9 }, 458],
  ];

  for (const [request, code] of rows) t.equal((await api.raw(request)).error.code, code, JSON.stringify(request));
  t.match(await api.raw({ transaction: 't', janus: 'x', session_id: 77 }), { session_id: 77, transaction: 't' });
});

t.test('info and ping need no secret', async (t) => {
  const api = admin(t);

  t.same(await api.raw({ janus: 'PING', transaction: 't' }), { janus: 'pong', transaction: 't' });
  t.match(await api.raw({ janus: 'info', transaction: 't', admin_secret: 'x' }), {
    janus: 'server_info',
    transaction: 't',
  });
});

t.test('each level has its own verbs', async (t) => {
  const { api, at, on, session } = withSession(t);

  for (const verb of ['list_sessions', 'ping', 'info', 'handle_info', 'nope'])
    t.equal(await api.code(verb, at), 457, verb);
  for (const verb of ['list_handles', 'ping', 'info', 'nope']) t.equal(await api.code(verb, on), 457, verb);
  t.equal(await api.code('handle_info', { ...at, handle_id: 5 }), 459);
  t.equal(await api.code('nope', { ...at, handle_id: 5 }), 459);
  t.match(
    await api.raw(
      { janus: 'list_handles', transaction: 't', admin_secret: SECRET },
      { sessionId: session.id, handleId: 0 },
    ),
    {
      janus: 'success',
      session_id: session.id,
    },
  );
});

t.test('get_status', async (t) => {
  const api = admin(t, { sessionTimeout: 30_000, reclaimSessionTimeout: 2_000 });

  t.same(await api.ask('get_status'), {
    janus: 'success',
    transaction: 't',
    status: {
      token_auth: false,
      session_timeout: 30,
      reclaim_session_timeout: 2,
      candidates_timeout: 45,
      log_level: 4,
      log_timestamps: false,
      log_colors: true,
      log_rotate_sig: 0,
      locking_debug: false,
      refcount_debug: false,
      libnice_debug: false,
      min_nack_queue: 0,
      'nack-optimizations': false,
      no_media_timer: 0,
      slowlink_threshold: 0,
    },
  });
});

t.test('what is set: its field, what is refused, and what is seen of it afterwards', async (t) => {
  const api = admin(t);
  const rows: [verb: string, field: string, bad: unknown[], good: [unknown, string, unknown][], status: string][] = [
    [
      'set_session_timeout',
      'timeout',
      ['x', -1, 1.5, null],
      [
        [0, 'timeout', 0],
        [90, 'timeout', 90],
      ],
      'session_timeout',
    ],
    ['set_log_level', 'level', ['x', -1, 8, 1.5], [[7, 'level', 7]], 'log_level'],
    ['set_locking_debug', 'debug', [1, 'x'], [[true, 'locking_debug', true]], 'locking_debug'],
    ['set_refcount_debug', 'debug', [1], [[true, 'refcount_debug', true]], 'refcount_debug'],
    ['set_libnice_debug', 'debug', [1, 'x'], [[true, 'libnice_debug', true]], 'libnice_debug'],
    ['set_log_timestamps', 'timestamps', [1], [[true, 'log_timestamps', true]], 'log_timestamps'],
    ['set_log_colors', 'colors', [1], [[false, 'log_colors', false]], 'log_colors'],
    [
      'set_min_nack_queue',
      'min_nack_queue',
      ['x', -1],
      [
        [5000, 'min_nack_queue', 1000],
        [300, 'min_nack_queue', 300],
      ],
      'min_nack_queue',
    ],
    ['set_nack_optimizations', 'nack_optimizations', [1], [[true, 'nack-optimizations', true]], 'nack-optimizations'],
    ['set_no_media_timer', 'no_media_timer', ['x', -1, 3601], [[5, 'no_media_timer', 5]], 'no_media_timer'],
    [
      'set_slowlink_threshold',
      'slowlink_threshold',
      ['x', -1, 1e9],
      [[4, 'slowlink_threshold', 4]],
      'slowlink_threshold',
    ],
  ];

  for (const [verb, field, bad, good, status] of rows) {
    t.equal(await api.code(verb), 456, verb);
    for (const value of bad) t.equal(await api.code(verb, { [field]: value }), 467, `${verb} ${String(value)}`);
    for (const [value, member, answer] of good) {
      t.same(await api.ask(verb, { [field]: value }), { janus: 'success', transaction: 't', [member]: answer });
      t.equal((await api.ask('get_status')).status[status], answer, verb);
    }
  }
});

t.test('what media goes by is changed in the gateway, in its units', async (t) => {
  const api = admin(t);
  const tuning = { maxNackQueue: 1000, noMediaTimeout: 1000, slowLinkThreshold: 0, iceDebug: false };
  api.gateway.tuning = tuning;

  await api.ask('set_min_nack_queue', { min_nack_queue: 250 });
  await api.ask('set_no_media_timer', { no_media_timer: 3 });
  await api.ask('set_slowlink_threshold', { slowlink_threshold: 7 });
  await api.ask('set_libnice_debug', { debug: true });

  t.same(tuning, { maxNackQueue: 250, noMediaTimeout: 3000, slowLinkThreshold: 7, iceDebug: true });
});

t.test('a logger that can be steered is', async (t) => {
  const control = { level: 3, timestamps: true, colors: false };
  const api = admin(t, { control });

  t.match((await api.ask('get_status')).status, { log_level: 3, log_timestamps: true, log_colors: false });
  await api.ask('set_log_level', { level: 6 });
  await api.ask('set_log_timestamps', { timestamps: false });
  await api.ask('set_log_colors', { colors: true });

  t.match(api.gateway.logger, { level: 6, timestamps: false, colors: true });
});

t.test('list_sessions leaves out the application itself', async (t) => {
  const { api, session } = withSession(t);
  await api.gateway.local.attach(LobbyPlugin.package);

  t.same((await api.ask('list_sessions')).sessions, [session.id]);
  const [internal] = [...api.gateway.sessions.values()].filter((one) => one.internal);
  t.equal(await api.code('destroy_session', { session_id: internal?.id }), 458);
});

t.test('accept_new_sessions: false drains', async (t) => {
  const { api, session } = withSession(t);
  const create = (): Json =>
    apiOf(api.gateway).handle(
      { janus: 'create', transaction: 'c' },
      { transport: 'test', ownerFor: () => new Owner() },
    );
  t.equal(await api.code('accept_new_sessions'), 456);
  t.equal(await api.code('accept_new_sessions', { accept: 1 }), 467);

  t.match(await api.ask('accept_new_sessions', { accept: false }), { janus: 'success', accept: false });
  t.equal(create().reply.error.code, 472);
  t.notOk(session.closed);

  t.match(await api.ask('accept_new_sessions', { accept: true }), { accept: true });
  t.equal(create().reply.janus, 'success');
});

t.test('set_session_timeout of all, and of one', async (t) => {
  const { api, session, at } = withSession(t);
  const other = api.gateway.sessions.create(new Owner());
  const later = performance.now() + 40_000;
  t.equal(await api.code('set_session_timeout', at), 456);
  t.equal(await api.code('set_session_timeout', { ...at, timeout: 'x' }), 467);
  t.equal(await api.code('set_session_timeout', { ...at, timeout: -2 }), 467);

  t.same(await api.ask('set_session_timeout', { ...at, timeout: 0 }), {
    janus: 'success',
    session_id: session.id,
    transaction: 't',
    timeout: 0,
  });
  await api.ask('set_session_timeout', { timeout: 30 });
  api.gateway.sessions.sweep(later);
  t.notOk(session.closed, 'never');
  t.ok(other.closed, 'as all');

  t.equal((await api.ask('set_session_timeout', { ...at, timeout: -1 })).timeout, -1);
  api.gateway.sessions.sweep(later);
  t.ok(session.closed, 'as all again');
});

t.test('list_handles and destroy_session, of which the owner hears nothing', async (t) => {
  const { api, owner, session, handle, at } = withSession(t);

  t.same((await api.ask('list_handles', at)).handles, [handle.id]);
  t.same(await api.ask('destroy_session', at), { janus: 'success', session_id: session.id, transaction: 't' });

  t.ok(session.closed);
  t.same(owner.events, []);
  t.equal(await api.code('destroy_session', at), 458);
});

t.test('detach_handle: the owner is told', async (t) => {
  const { api, owner, handle, on } = withSession(t);

  t.equal((await api.ask('detach_handle', on)).janus, 'success');

  t.ok(handle.closed);
  t.match(owner.events, [{ janus: 'detached', sender: handle.id }]);
  t.equal(await api.code('detach_handle', on), 459);
});

t.test('hangup_webrtc: the owner is told by whom', async (t) => {
  const { api, owner, handle, on } = withSession(t);
  t.equal(await api.code('hangup_webrtc', on), 0, 'nothing to hang up');
  handle.createPeer();

  t.equal((await api.ask('hangup_webrtc', on)).janus, 'success');

  t.notOk(handle.closed);
  t.match(owner.events.at(-1), { janus: 'hangup', sender: handle.id, reason: 'Admin API' });
});

t.test('handle_info of an idle handle', async (t) => {
  const { api, session, handle, on } = withSession(t);
  await api.ask('set_session_timeout', { session_id: session.id, timeout: 30 });
  handle.plugin.handleInfo = () => ({ odd: true, not: undefined });

  const { info, ...reply } = await api.ask('handle_info', on);
  t.same(reply, { janus: 'success', session_id: session.id, transaction: 't', handle_id: handle.id });
  t.same(Object.keys(info), [
    ...['session_id', 'session_last_activity', 'session_timeout', 'session_transport', 'handle_id', 'opaque_id'],
    ...['loop-running', 'created', 'current_time', 'plugin', 'plugin_specific', 'flags', 'sdps', 'queued-packets'],
  ]);
  t.match(info, {
    session_timeout: 30,
    session_transport: 'test.transport',
    opaque_id: 'op',
    plugin: OddPlugin.package,
  });
  t.same(info.plugin_specific, { odd: true });
  t.same(info.sdps, {});
  t.ok(Object.values(info.flags).every((flag) => flag === false));
  t.ok(info.created <= info.current_time && info.created > info.current_time - 60e6);

  t.equal(await api.code('handle_info', { ...on, plugin_only: 1 }), 467);
  const short = (await api.ask('handle_info', { ...on, plugin_only: true })).info;
  t.equal(Object.keys(short).at(-1), 'plugin_specific');
});

t.test('handle_info shows the token that the client attached with', async (t) => {
  const { api, session, at } = withSession(t);
  const handle = session.attach(api.gateway.odd, undefined, 'let me in');

  const { info } = await api.ask('handle_info', { ...at, handle_id: handle.id });

  t.equal(info.token, 'let me in');
  t.notOk('opaque_id' in info);
});

function captured(t: Test) {
  const bench = new MediaBench();
  const createPeer = (options?: PeerOptions): Peer => bench.peers.createPeer(options);
  const gateway = Object.assign(testGateway(t, { adminSecret: SECRET, createPeer }), {
    createCapture: (options: CaptureOptions) => bench.captures.createCapture(options),
  });
  const api = new Admin(gateway);
  const session = gateway.sessions.create(new Owner());
  const handle = session.attach(gateway.odd, 'op');
  const on = { session_id: session.id, handle_id: handle.id };
  const folder = t.testdir({ file: '' });
  const info = async (): Promise<object> => {
    const all = (await api.ask('handle_info', on)).info as object;
    return Object.fromEntries(Object.entries(all).filter(([name]) => name.includes('pcap')));
  };
  return { bench, api, session, handle, on, folder, info };
}

t.test('a handle is captured from before it has a peer on, through each of them', async (t) => {
  const { bench, api, handle, on, folder, info } = captured(t);

  t.match(await api.ask('start_pcap', { ...on, folder, filename: 'a.pcap', truncate: 64 }), { janus: 'success' });

  const [native] = bench.engine.captures;
  const path = `${folder}/a.pcap`;
  const label = `[session=${String(on.session_id)}][handle=${String(on.handle_id)}]`;
  t.same(native?.options, { path, format: 'pcap', truncate: 64, label });
  t.same(await info(), { 'dump-to-pcap': true, 'pcap-file': path });
  handle.createPeer();
  handle.hangup('Admin API');
  handle.createPeer();
  await turn();
  t.equal(native?.peers.length, 2);
  t.equal(native?.closed, false);
  t.match(await api.ask('stop_pcap', on), { janus: 'success', dropped: undefined });
  t.equal(native?.closed, true);
  t.same(await info(), {});
  handle.hangup('Admin API');
  handle.createPeer();
  t.equal(native?.peers.length, 2);
});

t.test('a peer that is there is captured; a handle has one capture, in one format', async (t) => {
  const { bench, api, handle, on, folder, info } = captured(t);
  handle.createPeer();

  t.equal(await api.code('stop_pcap', on), 490);
  t.equal(await api.code('start_text2pcap', { ...on, folder, filename: 'a.txt' }), 0);

  const [native] = bench.engine.captures;
  t.match(native?.options, { format: 'text2pcap', truncate: 0 });
  t.equal(native?.peers.length, 1);
  t.same(await info(), { 'dump-to-text2pcap': true, 'text2pcap-file': `${folder}/a.txt` });
  for (const verb of ['start_pcap', 'start_text2pcap']) {
    t.match(await api.ask(verb, { ...on, folder }), { error: { code: 490, reason: /captured to .*a\.txt already/ } });
  }
  t.equal(bench.engine.captures.length, 1);
  if (native !== undefined) native.dropped = 5;
  t.match(await api.ask('stop_pcap', on), { janus: 'success', dropped: 5 });
  t.equal(await api.code('stop_text2pcap', on), 490);
});

t.test('a capture of the application is respected', async (t) => {
  const { api, handle, on, folder } = captured(t);
  const capture = handle.createPeer().capture({ path: `${folder}/own.pcap` });

  t.match(await api.ask('start_pcap', { ...on, folder }), { error: { code: 490, reason: /own\.pcap already/ } });
  t.equal(await api.code('stop_pcap', on), 490);
  t.equal(capture.closed, false);
});

t.test('a capture ends with its handle, and when it cannot be written', async (t) => {
  const { bench, api, session, handle, on, folder, info } = captured(t);
  await api.ask('start_pcap', { ...on, folder });
  bench.engine.captures[0]?.finish('ENOSPC', 'full');
  await turn();
  t.same(await info(), {});
  t.equal(await api.code('stop_pcap', on), 490);

  t.equal(await api.code('start_pcap', { ...on, folder }), 0);
  handle.close(false);
  t.equal(bench.engine.captures[1]?.closed, true);
  const other = session.attach(handle.plugin, 'op');
  t.equal(await api.code('start_pcap', { ...on, handle_id: other.id, folder }), 0);
});

t.test('a capture without a name gets one of its own', async (t) => {
  const { bench, api, on, folder } = captured(t);

  for (const [verb, name] of [
    ['start_pcap', /^headgate-[0-9a-f]{12}\.pcap$/],
    ['start_text2pcap', /^headgate-[0-9a-f]{12}\.txt$/],
  ] as const) {
    await api.ask(verb, { ...on, folder });
    const { path = '' } = bench.engine.captures.at(-1)?.options ?? {};
    t.equal(dirname(path), folder);
    t.match(basename(path), name);
    await api.ask('stop_pcap', on);
  }
});

t.test('a file that cannot be had is an answer that says why', async (t) => {
  const { bench, api, on, folder, info } = captured(t);

  t.equal(await api.code('start_pcap', { ...on, folder: 5 }), 467);
  t.equal(await api.code('start_pcap', { ...on, truncate: -1 }), 467);
  t.equal(await api.code('start_pcap', { ...on, folder: '' }), 490);
  t.equal(await api.code('start_pcap', { ...on, folder, filename: '' }), 490);
  t.equal(await api.code('start_pcap', { ...on, filename: 'a\0b' }), 490);
  t.match(await api.ask('start_pcap', { ...on, folder: `${folder}/file` }), {
    error: { code: 490, reason: /a part of the path is a file/ },
  });
  bench.engine.captureFailure = 'EROFS';
  t.match(await api.ask('start_pcap', { ...on, folder, filename: 'x' }), {
    error: { code: 490, reason: new RegExp(`${folder}/x: the file system is read-only`) },
  });
  t.same(await info(), {});
});

t.test('a gateway without media captures nothing', async (t) => {
  const { api, on } = withSession(t);

  t.equal(await api.code('start_pcap', on), 490);
  t.equal(await api.code('stop_pcap', on), 490);
});

t.test('a plugin that fails to tell hides nothing else', async (t) => {
  const { api, handle, on } = withSession(t);
  handle.plugin.handleInfo = () => {
    throw new Error('secret detail');
  };

  t.match((await api.ask('handle_info', on)).info, { plugin_specific: {}, sdps: {} });
  t.match(api.gateway.log.at(-1), { level: 'error', message: 'handleInfo failed' });
});

t.test('message_plugin', async (t) => {
  const api = admin(t);
  const bench = await StreamingBench.open(t);
  (api.gateway.sessions.plugins as Map<string, unknown>).set(StreamingPlugin.package, bench.plugin);
  const plugin = StreamingPlugin.package;
  t.equal(await api.code('message_plugin'), 456);
  t.equal(await api.code('message_plugin', { plugin: 5 }), 467);
  t.equal(await api.code('message_plugin', { plugin: 'x' }), 460);
  t.equal(await api.code('message_plugin', { plugin: 'x', request: {} }), 460);
  t.equal(await api.code('message_plugin', { plugin, request: 5 }), 467);

  const ask = async (request?: object) => (await api.ask('message_plugin', { plugin, request })).response;
  t.match(await ask(), { streaming: 'event', error_code: 453 });
  t.match(await ask({ request: 5 }), { error_code: 454 });
  t.match(await ask({ request: 'nope' }), { error_code: 452 });
  for (const request of ['watch', 'start', 'pause', 'configure', 'switch', 'stop']) {
    t.match(await ask({ request, id: 1 }), { streaming: 'event', error_code: 452 }, request);
  }
  t.match(await ask({ request: 'info', id: 999 }), { error_code: 455 });
  const media = [{ type: 'video', mid: 'v', port: 0, codec: 'vp8' }];
  t.match(await ask({ request: 'create', type: 'rtp', id: 1, media }), { streaming: 'created' });
  t.match(await ask({ request: 'list' }), { streaming: 'list', list: [{ id: 1 }] });
  for (const request of ['edit', 'disable', 'enable', 'kick_all', 'info', 'destroy']) {
    t.notOk((await ask({ request, id: 1 })).error_code, request);
  }

  // Those of a plugin that does not name them need a handle.
  const lobby = { plugin: LobbyPlugin.package, request: { request: 'wait', name: 'x' } };
  t.match((await api.ask('message_plugin', lobby)).response, { lobby: 'event', error_code: 452 });
});

t.test('query_transport', async (t) => {
  const api = admin(t);
  const formats: string[] = [];
  const mount = { connections: 3, setFormat: (json: string) => void formats.push(json) };
  apiOf(api.gateway).mounted('test.transport', { name: 'Test', description: '' }, mount);
  const transport = 'test.transport';
  t.equal(await api.code('query_transport'), 456);
  t.equal(await api.code('query_transport', { transport: 'x' }), 460);
  t.equal(await api.code('query_transport', { transport, request: 5 }), 467);
  const ask = async (request?: object) => (await api.ask('query_transport', { transport, request })).response;

  t.match(await ask(), { error_code: 412 });
  t.match(await ask({ request: 5 }), { error_code: 413 });
  t.match(await ask({ request: 'list' }), { error_code: 411 });
  t.match(await ask({ request: 'configure', json: 5 }), { error_code: 413 });
  t.match(await ask({ request: 'configure', events: 5 }), { error_code: 413 });
  t.match(await ask({ request: 'configure', json: 'weird' }), { result: 200, notes: [/weird/] });
  t.same(await ask({ request: 'configure', events: true }), { result: 200 });
  t.same(await ask({ request: 'configure', json: 'compact' }), { result: 200 });
  t.same(formats, ['compact']);
  t.same(await ask({ request: 'connections' }), { result: 200, connections: 3 });
});

t.test('query_eventhandler and query_logger: there are none', async (t) => {
  const api = admin(t);

  for (const [verb, field] of [
    ['query_eventhandler', 'handler'],
    ['query_logger', 'logger'],
  ] as const) {
    t.equal(await api.code(verb), 456);
    t.equal(await api.code(verb, { [field]: 5 }), 467);
    t.equal(await api.code(verb, { [field]: 'x' }), 460);
  }
});

t.test('custom_event', async (t) => {
  const api = admin(t);
  t.equal(await api.code('custom_event'), 456);
  t.equal(await api.code('custom_event', { schema: 5 }), 467);
  t.equal(await api.code('custom_event', { schema: 'x' }), 456);
  t.equal(await api.code('custom_event', { schema: 'x', data: 5 }), 467);
  t.same(await api.ask('custom_event', { schema: 'x', data: {} }), { janus: 'success', transaction: 't' });
  const events: unknown[] = [];
  api.gateway.customEvent = (schema, data) => void events.push([schema, data]);

  await api.ask('custom_event', { schema: 'x', data: { a: 1 } });

  t.same(events, [['x', { a: 1 }]]);
});

t.test('custom_logline', async (t) => {
  const api = admin(t);
  t.equal(await api.code('custom_logline'), 456);
  t.equal(await api.code('custom_logline', { line: 5 }), 467);
  t.equal(await api.code('custom_logline', { line: 'x', level: -1 }), 467);

  for (const level of [undefined, 0, 2, 3, 5, 7, 9]) await api.ask('custom_logline', { line: String(level), level });

  const lines = api.gateway.log.map(({ level, message }) => `${level} ${message}`);
  t.same(lines, ['info undefined', 'error 2', 'warn 3', 'debug 5', 'trace 7', 'info 9']);
});

const TOKEN_VERBS = ['add_token', 'allow_token', 'disallow_token', 'remove_token', 'list_tokens'];

t.test('requests about tokens where there are none stored', async (t) => {
  const api = admin(t);

  for (const verb of TOKEN_VERBS) {
    t.equal(await api.code(verb), 490, verb);
    t.equal(await api.code(verb, { token: 'a' }), 490, verb);
  }
});

t.test('tokens', async (t) => {
  const api = admin(t, { tokens: new MemoryTokens() });
  const [lobby, odd] = [LobbyPlugin.package, OddPlugin.package];
  const plugins = async (verb: string, rest: object) => (await api.ask(verb, rest)).data?.plugins;

  for (const verb of TOKEN_VERBS.slice(0, 4)) {
    t.equal(await api.code(verb), 456, verb);
    t.equal(await api.code(verb, { token: 5 }), 467, verb);
  }
  t.equal((await api.ask('get_status')).status.token_auth, true);
  t.same(await plugins('add_token', { token: 'all' }), [lobby, odd]);
  t.same(await plugins('add_token', { token: 'none', plugins: ['nope', 5] }), []);
  t.same(await plugins('add_token', { token: 'y', plugins: [lobby] }), [lobby]);
  t.equal(await api.code('add_token', { token: 'y', plugins: 5 }), 467);
  for (const verb of ['allow_token', 'disallow_token']) {
    for (const bad of [undefined, [], 5, [5], ['nope'], [lobby, 'nope']]) {
      t.equal(await api.code(verb, { token: 'y', plugins: bad }), 467, `${verb} ${JSON.stringify(bad)}`);
    }
    t.equal(await api.code(verb, { token: 'zz', plugins: [lobby] }), 470);
  }
  t.same(await plugins('allow_token', { token: 'y', plugins: [odd] }), [lobby, odd]);
  t.same(await plugins('disallow_token', { token: 'y', plugins: [lobby] }), [odd]);
  t.equal(await api.code('remove_token', { token: 'zz' }), 490);
  t.same(await api.ask('remove_token', { token: 'all' }), { janus: 'success', transaction: 't' });
  t.same((await api.ask('list_tokens')).data.tokens, [
    { token: 'none', allowed_plugins: [] },
    { token: 'y', allowed_plugins: [odd] },
  ]);
});

t.test('resolve_address', async (t) => {
  const api = admin(t);
  t.equal(await api.code('resolve_address'), 456);
  t.equal(await api.code('resolve_address', { address: 5 }), 467);
  t.equal(await api.code('resolve_address', { address: '' }), 490);

  const { ip, elapsed } = await api.ask('resolve_address', { address: '127.0.0.1' });
  t.equal(ip, '127.0.0.1');
  t.ok(Number.isInteger(elapsed));
});

t.test('test_stun', async (t) => {
  const api = admin(t);
  t.equal(await api.code('test_stun'), 456);
  t.equal(await api.code('test_stun', { address: '127.0.0.1' }), 456);
  t.equal(await api.code('test_stun', { address: '127.0.0.1', port: 'x' }), 467);
  t.equal(await api.code('test_stun', { address: '127.0.0.1', port: 9, localport: 'x' }), 467);
  t.equal(await api.code('test_stun', { address: '127.0.0.1', port: 70000 }), 490);
  const server = createSocket('udp4');
  t.teardown(() => server.close());
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  let asked = 0;
  server.on('message', (message, from) => {
    t.equal(message.readUInt16BE(0), 1);
    const answer = response(message.subarray(8, 20), from.address, from.port);
    // The first is lost, and noise comes before the second's answer.
    if (++asked === 1) return;
    server.send(answer.subarray(0, 9), from.port, from.address);
    server.send(answer, from.port, from.address);
  });
  const { port } = server.address();

  const seen = await api.ask('test_stun', { address: '127.0.0.1', port });

  t.match(seen, { janus: 'success', public_ip: '127.0.0.1', public_port: Number });
  t.ok(seen.elapsed > 0);
  t.equal(asked, 2);
});

t.test('STUN responses', (t) => {
  const id = Buffer.from('0123456789ab');
  const good = response(id, '192.0.2.7', 5004);
  t.same(mappedAddress(good, id), { address: '192.0.2.7', port: 5004 });
  t.equal(mappedAddress(good, Buffer.from('another one!')), undefined);
  for (let size = 0; size < good.length; size++) t.equal(mappedAddress(good.subarray(0, size), id), undefined);
  t.end();
});

/** A Binding success response (RFC 8489 section 14.2), behind an attribute that is padded. */
function response(id: Buffer, address: string, port: number): Buffer {
  const software = Buffer.from([0x80, 0x22, 0, 3, 0x61, 0x62, 0x63, 0]);
  const cookie = [0x21, 0x12, 0xa4, 0x42];
  const hidden = address.split('.').map((part, i) => Number(part) ^ (cookie[i] ?? 0));
  const mapped = Buffer.from([0, 0x20, 0, 8, 0, 1, (port >> 8) ^ 0x21, (port & 0xff) ^ 0x12, ...hidden]);
  const header = Buffer.from([1, 1, 0, software.length + mapped.length, ...cookie]);
  return Buffer.concat([header, id, software, mapped]);
}
