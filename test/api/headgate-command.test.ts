// The `headgate` command serves what the files of a Janus installation say.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { MINIMAL, post, streaming, type Json } from '../support/headgate-api.js';
import { Feeder, Viewers } from '../support/viewers.js';
import {
  copyFolder,
  DEBIAN,
  folderOf,
  freePorts,
  hasDebian,
  HeadgateProcess,
  makeFolder,
} from '../support/headgate-process.js';

/** A self-signed certificate as Let's Encrypt lays them out. */
function certificate(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-keyout', join(folder, 'privkey.pem'), '-out', join(folder, 'fullchain.pem')],
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
}

// ---- Debian's own folder ------------------------------------------------------------

/** Debian's folder on ports of its own. */
async function debianFolder(t: Test): Promise<{ folder: string; http: number; ws: number; https: number }> {
  const [http = 0, ws = 0, https = 0, ...media] = await freePorts(8);
  const ports = [5002, 5004, 5102, 5104, 5106].map(
    (port, index) => [`port = ${String(port)}`, `port = ${String(media[index])}`] as [string, string],
  );
  const folder = copyFolder(t, DEBIAN, {
    'janus.transport.http.jcfg': [
      ['port = 8088', `port = ${String(http)}`],
      ['https = false', `https = true secure_port = ${String(https)}`],
      ['"/etc/ssl/certs/ssl-cert-snakeoil.pem"', '"CERTS/fullchain.pem"'],
      ['"/etc/ssl/private/ssl-cert-snakeoil.key"', '"CERTS/privkey.pem"'],
      [/CERTS/g, join(folderOf(t), 'certs')],
    ],
    'janus.transport.websockets.jcfg': [['ws_port = 8188', `ws_port = ${String(ws)}`]],
    'janus.plugin.streaming.jcfg': [...ports, ['#admin_key = "supersecret"', 'admin_key = "supersecret"']],
  });
  return { folder, http, ws, https };
}

t.test("Debian's own folder is served, and what is not supported is named", { skip: !hasDebian }, async (t) => {
  certificate(join(folderOf(t), 'certs'));
  const { folder, http, ws, https } = await debianFolder(t);
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/WebSocket on ws:\/\/\[::\]/);
  const base = `http://127.0.0.1:${String(http)}/janus`;
  const curl = (...args: string[]): string => execFileSync('curl', ['-s', '-i', ...args], { encoding: 'utf8' });
  const send = (url: string, body: object): Json =>
    JSON.parse(
      execFileSync('curl', ['-s', '-X', 'POST', '-d', JSON.stringify({ transaction: 't', ...body }), url], {
        encoding: 'utf8',
      }),
    ) as Json;

  await t.test('info and CORS', async (t) => {
    const info = curl('-X', 'GET', `${base}/info`);
    t.match(info, /^HTTP\/1.1 200 /);
    t.match(info, /"janus": "server_info"/);
    const cors = curl('-X', 'OPTIONS', '-H', 'Origin: http://here', '-H', 'Access-Control-Request-Method: POST', base);
    t.match(cors, /^HTTP\/1.1 200 /);
    t.match(cors, /access-control-allow-origin: \*/i);
    t.match(cors, /access-control-allow-methods: POST/i);
  });

  await t.test('session, handle, list, create, destroy, poll, end', async (t) => {
    const session = `${base}/${send(base, { janus: 'create' }).data.id}`;
    const handle = `${session}/${send(session, { janus: 'attach', plugin: 'janus.plugin.streaming' }).data.id}`;
    const ask = (body: object): Json => send(handle, { janus: 'message', body }).plugindata.data as Json;

    t.match(ask({ request: 'list' }), {
      list: [
        {
          id: 1,
          description: 'Opus/VP8 live stream coming from external source',
          type: 'live',
          media: [{ mid: 'a' }, { mid: 'v' }],
        },
        { id: 123, media: [{ mid: 'a' }, { mid: 'v1' }, { mid: 'v2' }] },
      ],
    });
    const [audioport, videoport] = await freePorts(2);
    const create = {
      ...{
        request: 'create',
        type: 'rtp',
        id: 99,
        description: 'mine',
        audio: true,
        video: true,
        secret: 's',
        permanent: false,
      },
      ...{ audioport, audiopt: 111, audiortpmap: 'opus/48000/2', videoport, videopt: 100, videortpmap: 'VP8/90000' },
    };
    t.match(ask({ ...create, admin_key: 'wrong' }), { error_code: 457 });
    t.match(ask({ ...create, admin_key: 'supersecret' }), {
      streaming: 'created',
      stream: { id: 99, video_port: videoport },
    });
    t.match(ask({ request: 'destroy', id: 99, secret: 'wrong' }), { error_code: 457 });
    t.match(ask({ request: 'destroy', id: 99, secret: 's' }), { destroyed: 99 });
    t.match(ask({ request: 'destroy', id: 1, secret: 'wrong' }), { error_code: 457 });
    t.match(send(handle, { janus: 'detach' }), { janus: 'success' });
    t.match(curl(`${session}?rid=${String(Date.now())}&maxev=1`), /^HTTP\/1.1 200 [^]*"janus": "detached"/);
    t.match(send(session, { janus: 'destroy' }), { janus: 'success' });
    t.match(send(session, { janus: 'keepalive' }), { error: { code: 458 } });
  });

  await t.test('HTTPS with a certificate nobody signed, and WebSocket', async (t) => {
    const info = curl('-k', `https://127.0.0.1:${String(https)}/janus/info`);
    t.match(info, /^HTTP\/1.1 200 /);
    const socket = new WebSocket(`ws://127.0.0.1:${String(ws)}`, 'janus-protocol');
    const answer = new Promise((resolve) =>
      socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString()))),
    );
    socket.once('open', () => socket.send('{"janus":"ping","transaction":"1"}'));
    t.match(await answer, { janus: 'pong' });
    socket.close();
  });

  t.match(headgate.stdout, /videoroom\.jcfg:1:1: not supported yet: video rooms.*room-1234, room-5678/);
  t.match(headgate.stdout, /streaming\.jcfg:\d+:2: mountpoint "file-live-sample": not supported yet: type live/);
  t.notMatch(headgate.stdout + headgate.stderr, /adminpwd|janusoverlord|supersecret/, 'no secrets are shown');
});

t.test("--check finds no error in Debian's folder as it is", { skip: !hasDebian }, async (t) => {
  const headgate = new HeadgateProcess(t, '-F', DEBIAN, '--check');

  t.equal(await headgate.ended, 0);
  t.match(headgate.stdout, /26 files, 2 mountpoints, 0 errors, \d+ remarks\n$/);
});

// ---- mountpoints as the wiki writes them ------------------------------------------------

t.test('mountpoints in both forms', async (t) => {
  const [port = 0, a = 0, b = 0, c = 0] = await freePorts(4);
  const files: [string, string][] = [
    [
      'janus.plugin.streaming.jcfg',
      `h264-sample: { type = "rtp" id = 10 video = true videoport = ${String(a)} videopt = 126
         videocodec = "h264" videofmtp = "profile-level-id=42e01f;packetization-mode=1" secret = "adminpwd" }`,
    ],
    [
      'janus.plugin.streaming.cfg',
      `[h264-sample]\ntype = rtp\nid = 10\nvideo = yes\nvideoport = ${String(a)}\nvideopt = 126\n` +
        'videortpmap = H264/90000\nvideofmtp = profile-level-id=42e01f\\;packetization-mode=1\n\n' +
        `[gstreamer-sample]\ntype = rtp\nid = 1\naudio = yes\nvideo = yes\naudioport = ${String(b)}\naudiopt = 111\n` +
        `audiortpmap = opus/48000/2\nvideoport = ${String(c)}\nvideopt = 100\nvideortpmap = VP8/90000\naudiomcast = 232.3.4.5\n`,
    ],
  ];
  for (const [name, text] of files) {
    await t.test(name, async (t) => {
      const folder = makeFolder(t, { ...MINIMAL(port), [name]: text });
      const headgate = new HeadgateProcess(t, '-F', folder);
      await headgate.says(/HTTP on/);
      const ask = await streaming(`http://127.0.0.1:${String(port)}/janus`);

      t.match((await ask({ request: 'info', id: 10, secret: 'adminpwd' })).info, {
        name: 'h264-sample',
        media: [{ codec: 'h264', pt: 126, port: a, fmtp: 'profile-level-id=42e01f;packetization-mode=1' }],
      });
      if (name.endsWith('.cfg')) {
        t.match((await ask({ request: 'info', id: 1 })).info, {
          host: '232.3.4.5',
          media: [
            { codec: 'opus', port: b },
            { codec: 'vp8', port: c },
          ],
        });
      }
    });
  }
});

t.test('a viewer gets what is sent to a mountpoint of the files', async (t) => {
  const [port = 0, feed = 0] = await freePorts(2);
  const folder = makeFolder(t, {
    ...MINIMAL(port),
    'janus.jcfg': 'nat: { ice_enforce_list = "lo" }',
    'janus.plugin.streaming.jcfg': `cam: { type = "rtp" id = 1 video = true videoport = ${String(feed)} videopt = 100 videocodec = "vp8" }`,
  });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/HTTP on/);
  new Feeder(t, feed);
  const viewers = new Viewers(t, `http://127.0.0.1:${String(port)}/janus`);

  await viewers.add(1);

  t.equal((await viewers.report()).connected, 1);
  headgate.kill('SIGTERM');
  t.equal(await headgate.ended, 0);
});

t.test('H.264 profiles that browsers do not play are warned of', async (t) => {
  const ports = await freePorts(4);
  const profiles = ['42e01f', '4d0033', '4de033', ''];
  const groups = profiles.map((profile, index) => {
    const fmtp = profile === '' ? '' : `videofmtp = "profile-level-id=${profile};packetization-mode=1"`;
    return `p${profile}: { type = "rtp" id = ${String(index + 1)} video = true videoport = ${String(ports[index])} videopt = 126 videocodec = "h264" ${fmtp} }`;
  });
  const [port = 0] = await freePorts(1);
  const folder = makeFolder(t, { ...MINIMAL(port), 'janus.plugin.streaming.jcfg': groups.join('\n') });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/HTTP on/);

  const warned = [...headgate.stdout.matchAll(/\[WARN\] \[mountpoint (\d)/g)].map(([, id]) => id);
  t.same(warned, ['2', '4']);
});

// ---- settings ------------------------------------------------------------------------------

t.test('cors of WebSockets keeps the pages of other origins out', async (t) => {
  const [port = 0] = await freePorts(1);
  const folder = makeFolder(t, {
    'janus.jcfg': '',
    'janus.transport.websockets.jcfg': `general: { ws = true ws_interface = "lo" ws_port = ${String(port)} }
      cors: { allow_origin = "http://here" enforce_cors = true }`,
  });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/WebSocket on ws:\/\//);
  for (const [origin, happens] of [
    ['http://here', 'open'],
    ['http://there', 'unexpected-response'],
  ] as const) {
    const socket = new WebSocket(`ws://127.0.0.1:${String(port)}`, 'janus-protocol', { origin });
    await once(socket, happens);
    socket.on('error', () => undefined).terminate();
  }
});

t.test('settings of the core have their effect', async (t) => {
  const [port = 0] = await freePorts(1);
  const files = {
    'janus.jcfg': `general: { api_secret = "rocks" session_timeout = "30" reclaim_session_timeout = 5 server_name = "mine"
      opaqueid_in_api = "yes" log_to_file = "LOG" debug_timestamps = false log_prefix = "gw " }
      media: { rtp_port_range = "20000-40000" dtls_mtu = 1100 max_nack_queue = 500 ipv6 = false }
      nat: { stun_server = "stun.example" stun_port = 3478 ice_enforce_list = "lo,127." }
      plugins: { disable = "libjanus_echotest.so" }`,
    'janus.transport.http.jcfg': `general: { json = "compact" base_path = "/gw" http = "on" port = "${String(port)}" interface = "lo" }
      cors: { allow_origin = "http://here" enforce_cors = true }`,
  };
  const log = join(folderOf(t), 'gw.log');
  files['janus.jcfg'] = files['janus.jcfg'].replace('LOG', log).replace('ice_enforce_list = "lo,127."', '');
  const folder = makeFolder(t, files);
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/HTTP on http:\/\/127.0.0.1/);
  const base = `http://127.0.0.1:${String(port)}/gw`;
  const headers = { Origin: 'http://here' };

  t.equal((await fetch(`${base}/info`)).status, 403);
  const answer = await fetch(`${base}/info`, { headers });
  t.equal(answer.headers.get('access-control-allow-credentials'), 'true');
  const text = await answer.text();
  t.notMatch(text, /\s\n/);
  const info = JSON.parse(text) as Json;
  t.match(info, {
    ...{ 'session-timeout': 30, 'reclaim-session-timeout': 5, 'server-name': 'mine', api_secret: true },
    ...{ 'dtls-mtu': 1100, 'min-nack-queue': 500, opaqueid_in_api: true },
  });
  t.same(Object.keys(info['plugins'] as object), ['janus.plugin.streaming']);
  const create = async (apisecret: string): Promise<Json> =>
    (await (
      await fetch(base, {
        method: 'POST',
        headers,
        body: JSON.stringify({ janus: 'create', transaction: 't', apisecret }),
      })
    ).json()) as Json;
  t.match(await create('wrong'), { error: { code: 403 } });
  t.match(await create('rocks'), { janus: 'success' });
  t.match(headgate.stdout, /^gw \[INFO\] headgate /);
  t.ok(readFileSync(log, 'utf8').startsWith(headgate.stdout));
  t.match(headgate.stdout, /janus.jcfg:\d+:\d+: "stun_server" is not supported yet/);
});

t.test('mistakes: nothing starts, each is named with its place and a remedy', async (t) => {
  const [port = 0] = await freePorts(1);
  const folder = makeFolder(t, {
    'janus.jcfg': 'general: {\n  sesion_timeout = 30\n  debug_level = 9\n}\nmedai: { }\n',
    'janus.transport.http.jcfg':
      `general: { http = "maybe" https = true secure_port = ${String(port)} }\n` +
      'certificates: { cert_pem = "/none/fullchain.pem" cert_key = "/none/privkey.pem" }\n' +
      'admin: { admin_http = true }',
    'janus.transport.websockets.jcfg': 'general: {\n  ws = true\n  ws_interface = eth0\n}',
    'janus.plugin.streaming.jcfg':
      'a: { type = "rtp" id = 1 video = true videoport = 70000 videocodec = "vp8" }\n' +
      'b: { type = "rtp" id = 2 video = true videoport = 5004 videocodec = "vp7" }\n' +
      'c: { type = "rtp" id = 3 video = true videocodec = "vp8" }\n' +
      'd: { type = "rtp" id = 4 media = ( { type = "video" mid = "v" port = 5006 codec = "vp8" },\n  { type = "audio" mid = "v" port = 5008 codec = "opus" } ) }\n' +
      'e: { type = "rtp" id = 5 video = true videoport = 5010 videocodec = "vp8" }\n' +
      'f: { type = "rtp" id = 5 video = true videoport = 5012 videocodec = "vp8" }\n',
  });
  const expected = [
    /janus\.jcfg:2:3: error: "general" has no setting "sesion_timeout": did you mean "session_timeout"\?/,
    /janus\.jcfg:3:3: error: "debug_level" must be a whole number from 0 to 7, not 9/,
    /janus\.jcfg:5:1: error: there is no group "medai": did you mean "media"\?/,
    /http\.jcfg:1:12: error: "http" must be true or false, not "maybe"/,
    /http\.jcfg:2:17: error: \/none\/fullchain.pem cannot be read: ENOENT/,
    /http\.jcfg:2:50: error: \/none\/privkey.pem cannot be read: ENOENT/,
    /http\.jcfg:3:10: error: the admin API needs a secret: set "admin_secret"/,
    /websockets\.jcfg:3:18: error: .*needs quotes: "eth0"/,
    /streaming\.jcfg:1:39: error: "videoport" must be a port from 0 to 65535, not 70000/,
    /streaming\.jcfg:2:56: error: mountpoint "b": videocodec: "vp7" is no video codec known here/,
    /streaming\.jcfg:3:1: error: mountpoint "c": "videoport" is missing/,
    /streaming\.jcfg:5:20: error: mountpoint "d": media\[1\]\.mid: expected a mid that no other track has/,
    /streaming\.jcfg:7:1: error: mountpoint "f": id 5 is used by the mountpoint in line 6 already/,
  ];

  const check = new HeadgateProcess(t, '-F', folder, '--check');
  t.equal(await check.ended, 3);
  const start = new HeadgateProcess(t, '-F', folder);
  t.equal(await start.ended, 3);

  for (const pattern of expected) {
    t.match(check.stdout, pattern);
    t.match(start.stderr, pattern);
  }
});

t.test('an unreadable certificate is named, with the reason', async (t) => {
  const certs = join(folderOf(t), 'certs');
  certificate(certs);
  const file = (cert: string, key: string): Record<string, string> => ({
    'janus.jcfg': '',
    'janus.transport.http.jcfg': `general: { https = true }\ncertificates: {\n cert_pem = "${cert}"\n cert_key = "${key}"\n}`,
  });
  const good = join(certs, 'fullchain.pem');
  const key = join(certs, 'privkey.pem');
  for (const [files, says] of [
    [file('/none.pem', key), /http\.jcfg:3:2: error: \/none\.pem cannot be read: ENOENT/],
    [file(good, certs), /http\.jcfg:4:2: error: .*certs cannot be read: EISDIR/],
    [file(key, good), /http\.jcfg:3:2: error: .* were cert_pem and cert_key swapped/],
    [
      { ...file(good, key), 'janus.transport.http.jcfg': 'general: { https = true }' },
      /http\.jcfg:1:12: error: "cert_pem" is missing/,
    ],
  ] as const) {
    await t.test(String(says), async (t) => {
      const check = new HeadgateProcess(t, '-F', makeFolder(t, files), '--check');
      t.equal(await check.ended, 3);
      t.match(check.stdout, says);
    });
  }
});

t.test('a wrong command line ends with status 2', async (t) => {
  for (const args of [[], ['-F'], ['--nonsense'], ['-F', '/x', '-d', '8'], ['file']]) {
    const headgate = new HeadgateProcess(t, ...args);
    t.equal(await headgate.ended, 2, args.join(' '));
    t.match(headgate.stderr, /^headgate: /);
  }
  const none = new HeadgateProcess(t, '-F', '/none');
  t.equal(await none.ended, 3);
  t.match(none.stderr, /\/none:1:1: the folder cannot be read: ENOENT/);
  const help = new HeadgateProcess(t, '--help');
  t.equal(await help.ended, 0);
  t.match(help.stdout, /-F, --configs-folder/);
});

t.test('a port that somebody has ends it with status 1 and names the setting', async (t) => {
  const [port = 0] = await freePorts(1);
  const first = new HeadgateProcess(t, '-F', makeFolder(t, MINIMAL(port)));
  await first.says(/HTTP on/);

  const second = new HeadgateProcess(t, '-F', join(folderOf(t), 'config'));
  t.equal(await second.ended, 1);
  t.match(second.stderr, /HTTP cannot listen on http:\/\/127.0.0.1:\d+\/janus: .*EADDRINUSE.*http\.jcfg:1:/);
});

t.test('-C names the main file, -d and -L win over it', async (t) => {
  const [port = 0] = await freePorts(1);
  const folder = makeFolder(t, {
    ...MINIMAL(port),
    'other.jcfg': 'general: { server_name = "other" log_to_stdout = false }',
  });
  const log = join(folderOf(t), 'x.log');
  const headgate = new HeadgateProcess(t, '-C', join(folder, 'other.jcfg'), '-d', '7', '-L', log);
  const base = `http://127.0.0.1:${String(port)}/janus/info`;
  for (let tries = 0; tries < 300; ++tries) {
    const answer = await fetch(base).then(
      (response) => response.json(),
      () => undefined,
    );
    if (answer !== undefined) {
      t.match(answer, { 'server-name': 'other' });
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  t.match(readFileSync(log, 'utf8'), /\[INFO\] HTTP on/);
  t.equal(headgate.stdout, '');
});

// ---- signals --------------------------------------------------------------------------------

t.test('SIGTERM: clients get their goodbye, then status 0', async (t) => {
  const [port = 0, ws = 0] = await freePorts(2);
  const folder = makeFolder(t, {
    ...MINIMAL(port, `pid_file = "${join(folderOf(t), 'pid')}"`),
    'janus.transport.websockets.jcfg': `general: { ws = true ws_port = ${String(ws)} }`,
  });
  const headgate = new HeadgateProcess(t, '-F', folder);
  await headgate.says(/WebSocket on/);
  t.match(readFileSync(join(folderOf(t), 'pid'), 'utf8'), /^\d+\n$/);
  const base = `http://127.0.0.1:${String(port)}/janus`;
  const { data } = await post(base, { janus: 'create' });
  // Of so many the one that waits longest is sent away: then the others wait.
  const polls = Array.from({ length: 17 }, () => fetch(`${base}/${data.id}?maxev=1`).then((answer) => answer.json()));
  await Promise.race(polls);
  const socket = new WebSocket(`ws://127.0.0.1:${String(ws)}`, 'janus-protocol');
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));

  headgate.kill('SIGTERM');

  t.equal(await closed, 1001);
  t.same(await Promise.all(polls), Array(17).fill({ janus: 'keepalive' }));
  t.equal(await headgate.ended, 0);
  t.match(headgate.stdout, /SIGTERM: stopping[^]*stopped\n$/);
  t.throws(() => readFileSync(join(folderOf(t), 'pid')), 'the pid file is gone');
});

t.test('SIGHUP opens the log file anew', async (t) => {
  const [port = 0] = await freePorts(1);
  const log = join(folderOf(t), 'a.log');
  const headgate = new HeadgateProcess(t, '-F', makeFolder(t, MINIMAL(port)), '-L', log);
  await headgate.says(/HTTP on/);
  renameSync(log, `${log}.1`);

  headgate.kill('SIGHUP');
  await headgate.says(/opened anew/);

  t.match(readFileSync(log, 'utf8'), /opened anew/);
  t.notMatch(readFileSync(`${log}.1`, 'utf8'), /opened anew/);
});

// ---- permanent ----------------------------------------------------------------------------------

t.test('what is made with `permanent` is there after a restart; comments stay', async (t) => {
  const [port = 0, a = 0] = await freePorts(2);
  const text = `# the cameras\ncam: { # first\n\ttype = "rtp"\n\tid = 1\n\tdescription = "old"\n\tsecret = "s"\n\tvideo = true\n\tvideoport = ${String(a)}\n\tvideocodec = "vp8"\n}\n`;
  const folder = makeFolder(t, { ...MINIMAL(port), 'janus.plugin.streaming.jcfg': text });
  const file = join(folder, 'janus.plugin.streaming.jcfg');
  const base = `http://127.0.0.1:${String(port)}/janus`;
  const first = new HeadgateProcess(t, '-F', folder);
  await first.says(/HTTP on/);
  let ask = await streaming(base);

  const media = [
    {
      type: 'video',
      mid: 'v',
      port: 0,
      rtcpport: 0,
      codec: 'h264',
      pt: 126,
      fmtp: 'profile-level-id=42e01f;packetization-mode=1',
    },
  ];
  const created = await ask({
    request: 'create',
    type: 'rtp',
    id: 7,
    name: 'new',
    description: 'say "hi"',
    pin: 'p',
    media,
    permanent: true,
  });
  t.match(created, { streaming: 'created', permanent: true });
  t.match(await ask({ request: 'edit', id: 1, secret: 's', new_description: 'fresh', new_pin: 'q', permanent: true }), {
    permanent: true,
  });
  const written = readFileSync(file, 'utf8');
  t.ok(written.startsWith(text.replace('"old"', '"fresh"').replace('"vp8"\n}', '"vp8"\n\tpin = "q"\n}')), written);
  first.kill('SIGTERM');
  t.equal(await first.ended, 0);

  const second = new HeadgateProcess(t, '-F', folder);
  await second.says(/HTTP on/);
  ask = await streaming(base);
  t.match((await ask({ request: 'info', id: 7 })).info, {
    ...{ name: 'new', description: 'say "hi"', pin: 'p' },
    media: [{ port: created.stream.ports[0].port, rtcpport: created.stream.ports[0].rtcp_port, pt: 126 }],
  });
  t.match((await ask({ request: 'info', id: 1, secret: 's' })).info, { description: 'fresh', pin: 'q' });
  t.match(await ask({ request: 'destroy', id: 7, permanent: true }), { destroyed: 7 });
  t.equal(
    readFileSync(file, 'utf8').trimEnd(),
    text.replace('"old"', '"fresh"').replace('"vp8"\n}', '"vp8"\n\tpin = "q"\n}').trimEnd(),
  );

  await t.test('a file that cannot be written: an error, and nothing is changed', async (t) => {
    rmSync(file);
    // Root may write anywhere: a folder in the place of the file stops it too.
    execFileSync('mkdir', [file]);
    chmodSync(folder, 0o555);
    t.teardown(() => chmodSync(folder, 0o755));

    t.match(await ask({ request: 'create', type: 'rtp', id: 8, media, permanent: true }), {
      error_code: 470,
      error: /nothing was changed: .*streaming\.jcfg/,
    });
    t.match(await ask({ request: 'info', id: 8 }), { error_code: 455 });
    t.match(await ask({ request: 'edit', id: 1, secret: 's', new_description: 'x', permanent: true }), {
      error_code: 470,
    });
    t.match(await ask({ request: 'destroy', id: 1, secret: 's', permanent: true }), { error_code: 470 });
    t.match((await ask({ request: 'info', id: 1, secret: 's' })).info, { description: 'fresh' });
  });
});
