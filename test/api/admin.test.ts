// What the admin API shows and changes of real peers: ICE, DTLS and SRTP over real sockets.
import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  findCodec,
  Gateway,
  janusAdminHttp,
  LeveledLogger,
  link,
  silentLogger,
  type GatewayOptions,
  type Peer,
} from '../../lib/index.js';
import { until } from '../support/browser.js';
import { listen, recordingLogger, testGateway } from '../support/test-app.js';
import { keyframe } from '../support/wire-client.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers freely
type Json = any;

const SECRET = 'of our choice';

async function open(
  t: Test,
  options: GatewayOptions = {},
): Promise<{ gateway: Gateway; admin: (path: string, janus: string, rest?: object) => Promise<Json> }> {
  const gateway = await testGateway(t, { adminSecret: SECRET, media: { maxNackQueue: 500 }, ...options });
  const port = await listen(t, createServer(janusAdminHttp(gateway)));
  const admin = async (path: string, janus: string, rest: object = {}): Promise<Json> => {
    const body = JSON.stringify({ janus, transaction: 't', admin_secret: SECRET, ...rest });
    return (await fetch(`http://127.0.0.1:${String(port)}/admin${path}`, { method: 'POST', body })).json();
  };
  return { gateway, admin };
}

/** Somebody who sends video and a data channel to the echo test, and gets both back. */
async function echo(gateway: Gateway): Promise<{ path: string; peer: Peer }> {
  const owner = { transport: 'test', acquired: () => undefined, released: () => undefined };
  const events: Json[] = [];
  const session = gateway.sessions.create({ ...owner, deliver: (event: object) => void events.push(event) });
  const plugin = gateway.plugins.get('janus.plugin.echotest');
  const codec = findCodec('vp8');
  if (plugin === undefined || codec === undefined) throw new Error('no echo test, or no VP8');
  const handle = session.attach(plugin, 'somebody');
  const peer = gateway.createPeer();
  const media = [
    { mid: 'v', codec, direction: 'sendrecv', payloadType: 96, extensions: ['transport-wide-cc', 'mid'] },
    { kind: 'data', mid: 'd' },
  ] as const;
  const offer = await peer.createOffer({ sessionName: 'x', media: media });
  const delivery = await handle.message({ video: true }, { type: 'offer', sdp: offer }, 't');
  if (delivery.kind === 'ack') await delivery.run();
  const answer = events.find(({ jsep }) => jsep !== undefined);
  peer.setAnswer(answer.jsep.sdp);
  await until('both are connected', () => peer.connected && handle.peer?.connected === true, 20);
  const injector = gateway.createInjector({ codec: 'vp8' });
  const track = peer.track('v');
  if (track === undefined) throw new Error('no track');
  link(injector, track);
  let seq = 0;
  const timer = setInterval(() => {
    seq += 1;
    injector.write([keyframe(seq)]);
  }, 20);
  peer.once('close', () => {
    clearInterval(timer);
  });
  return { path: `/${String(session.id)}/${String(handle.id)}`, peer };
}

t.test('handle_info, down to candidates, keys and packets', async (t) => {
  const { gateway, admin } = await open(t);
  const { path, peer } = await echo(gateway);
  const read = async (): Promise<Json> => (await admin(path, 'handle_info')).info;
  await until(
    'packets there and back',
    async () => {
      const { media } = (await read()).webrtc;
      const { stats, rtcp } = media['0'];
      return stats.in.packets > 50 && stats.out.bytes_lastsec > 0 && stats.in.bytes_lastsec > 0 && rtcp.main.rtt >= 0;
    },
    20,
  );

  const info = await read();
  t.match(info, {
    opaque_id: 'somebody',
    plugin: 'janus.plugin.echotest',
    plugin_specific: { audio_active: true, video_active: true, video_codec: 'vp8', hangingup: 0, destroyed: 0 },
    flags: {
      'got-offer': true,
      'got-answer': true,
      negotiated: true,
      ready: true,
      'data-channels': true,
      'has-audio': false,
      'has-video': true,
      'rfc4588-rtx': true,
    },
    'ice-mode': 'full',
    'ice-role': 'controlled',
    sdps: { profile: 'UDP/TLS/RTP/SAVPF', local: /^v=0/, remote: peer.descriptions.local },
    'pending-trickles': 0,
    'queued-packets': 0,
  });
  const { ice, dtls, media, extensions, bwe } = info.webrtc;
  t.match(ice, {
    stream_id: 1,
    component_id: 1,
    state: 'ready',
    'failed-detected': 0,
    'icetimer-started': false,
    ready: 1,
  });
  t.match(ice['selected-pair'], /^[\d.]+:\d+ \[(host|prflx),udp\] <-> [\d.]+:\d+ \[(host|prflx),udp\]$/);
  for (const candidate of [...ice['local-candidates'], ...ice['remote-candidates']]) {
    t.match(candidate, /^\S+ 1 udp \d+ \S+ \d+ typ (host|prflx)/i);
  }
  t.ok(ice['local-candidates'].length > 0 && ice['remote-candidates'].length > 0);
  t.match(dtls, {
    fingerprint: /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/,
    'remote-fingerprint': dtls.fingerprint,
    'remote-fingerprint-hash': 'sha-256',
    'dtls-role': 'active',
    'dtls-state': 'connected',
    retransmissions: Number,
    valid: true,
    'srtp-profile': /^SRTP_AEAD_AES_128_GCM$/,
    ready: true,
    'sctp-association': true,
  });
  t.ok(dtls.stats.in.packets > 50 && dtls.stats.out.bytes > 1000);
  const order = [info.created, info['agent-created'], ice.gathered, dtls.connected, info.current_time];
  t.same(
    order,
    [...order].sort((a, b) => a - b),
    'one thing after another, on one clock',
  );
  t.ok(ice.connected > 0 && dtls['handshake-started'] <= dtls.connected);
  t.equal(extensions['urn:ietf:params:rtp-hdrext:sdes:mid'] > 0, true);
  t.match(bwe, { twcc: true, 'twcc-ext-id': Number });
  t.match(media['0'], {
    type: 'video',
    mindex: 0,
    mid: 'v',
    do_nacks: true,
    'nack-queue-ms': 500,
    ssrc: { ssrc: Number, 'ssrc-rtx': Number, 'ssrc-peer': peer.track('v')?.ssrc },
    direction: { send: true, recv: true },
    codecs: { pt: 96, 'rtx-pt': Number, codec: 'vp8' },
    rtcp: { main: { base: 90000, lost: 0, 'lost-by-remote': 0, 'in-link-quality': 100, 'out-link-quality': 100 } },
    stats: { in: { nacks: 0 }, out: { nacks: 0 } },
  });
  t.match(media['1'], { type: 'data', mindex: 1, mid: 'd', stats: { in: { packets: 0 }, out: { packets: 0 } } });
  t.same(Object.keys(media['1']), ['type', 'mindex', 'mid', 'stats']);

  await admin(path, 'hangup_webrtc');
  t.notOk('webrtc' in (await read()));
});

t.test('libnice is debugged on demand, into the log', async (t) => {
  const logger = recordingLogger();
  const { gateway, admin } = await open(t, { logger });
  const lines = (): string[] => logger.lines.filter((line) => line.includes('{"where":"libnice"}'));
  await echo(gateway);
  t.same(lines(), []);

  t.match(await admin('', 'set_libnice_debug', { debug: true }), { janus: 'success', libnice_debug: true });
  await echo(gateway);
  await until('lines of libnice', () => lines().length > 10, 10);
  t.ok(
    lines().every((line) => line.startsWith('info ')),
    'they were asked for',
  );
  t.match((await admin('', 'get_status')).status, { libnice_debug: true });

  t.match(await admin('', 'set_libnice_debug', { debug: false }), { libnice_debug: false });
  // What is on its way comes first.
  await echo(gateway);
  const before = lines().length;
  await echo(gateway);
  t.equal(lines().length, before);
});

t.test('libnice can be debugged from the start', async (t) => {
  const logger = recordingLogger();
  const gateway = await testGateway(t, { logger, media: { iceDebug: true } });

  gateway.createPeer();

  await until('lines of libnice', () => logger.lines.some((line) => line.includes('"libnice"')), 10);
});

t.test('an empty secret would be none: it is refused', async (t) => {
  for (const option of ['apiSecret', 'adminSecret', 'tokenAuthSecret']) {
    await t.rejects(Gateway.open({ [option]: '' }), {
      code: 'HG_ERR_OPTION',
      message: new RegExp(`^Gateway.open.${option}: .*not empty`),
    });
  }
});

t.test('info says where the log goes', async (t) => {
  const file = join(t.testdir(), 'log');
  const targets = async (options: GatewayOptions): Promise<object> => {
    const gateway = await Gateway.open({ media: { threads: 1, allowLoopback: true }, adminSecret: SECRET, ...options });
    t.teardown(() => gateway.close());
    const port = await listen(t, createServer(janusAdminHttp(gateway)));
    const info: Json = await (await fetch(`http://127.0.0.1:${String(port)}/admin/info`)).json();
    return [info['log-to-stdout'], info['log-to-file'], info['log-path']];
  };

  t.same(await targets({}), [true, false, undefined]);
  t.same(await targets({ logger: silentLogger }), [false, false, undefined]);
  t.same(await targets({ logger: new LeveledLogger({ file, console: false }) }), [false, true, file]);
  t.same(await targets({ logger: new LeveledLogger({ file, level: 0 }) }), [true, true, file]);
  t.same(await targets({ logger: new LeveledLogger({ level: 0 }) }), [true, false, undefined]);
});

t.test('what is set counts for peers and sources that are there', async (t) => {
  const { gateway, admin } = await open(t);
  t.match((await admin('', 'get_status')).status, { min_nack_queue: 500, no_media_timer: 1, slowlink_threshold: 0 });
  const { peer } = await echo(gateway);
  const [track] = [...peer.incoming];
  if (track === undefined) throw new Error('nothing comes back');
  await until('packets come back', () => track.receiving, 10);
  let stalled = 0;
  track.on('stalled', () => (stalled += 1));
  t.match(await admin('', 'set_no_media_timer', { no_media_timer: 0 }), { no_media_timer: 0 });
  t.match(await admin('', 'set_min_nack_queue', { min_nack_queue: 100 }), { min_nack_queue: 100 });
  t.match(gateway.serverFacts(), { minNackQueue: 100 });
  const age = (): number => Math.max(...track.stats().map((one) => one.age));

  peer.track('v')?.setPaused(true);
  await until('silence of two seconds', () => age() > 2500, 20);
  t.equal(stalled, 0, 'silence is not told of');

  await admin('', 'set_no_media_timer', { no_media_timer: 1 });
  await until('silence is told of', () => stalled > 0, 10);
});
