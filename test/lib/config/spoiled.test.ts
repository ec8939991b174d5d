// Whole folders with random mistakes in them: each is read, or it is said where the mistake is.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readConfiguration } from '../../../lib/config/read.js';
import { UsageError } from '../../../lib/errors.js';
import { randomOf } from '../../support/random.js';
import { spoil } from './spoil.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/config', import.meta.url));
/** Minutes of processor time; 0: a few rounds. */
const MINUTES = Number(process.env['HEADGATE_TEST_CONFIG_MINUTES'] ?? 0);
const FEW = 300;

const LIBCONFIG: Record<string, string> = {
  'janus.jcfg':
    'general: {\n\tdebug_level = 4\n\tapi_secret = "rocks" # why\n\tsession_timeout = "30"\n}\nmedia: { rtp_port_range = "20000-40000" }\nnat: { ice_enforce_list = "lo,127." }\nevents: { broadcast = true stats_period = 5 }\n',
  'janus.transport.http.jcfg':
    'general: { json = "compact" http = true port = 8088 ip = "127.0.0.1" acl = "127.,::1" }\nadmin: { admin_http = false }\ncors: { allow_origin = "*" }\n',
  'janus.transport.websockets.jcfg': 'general: { ws = true ws_port = 8188 ws_interface = "lo" }\n',
  'janus.eventhandler.sampleevh.jcfg':
    'general: {\n\tenabled = true\n\tevents = "sessions,handles"\n\tbackend = "http://127.0.0.1:9/e"\n}\n',
  'janus.plugin.streaming.jcfg':
    'general: { admin_key = "k" }\ncam: { type = "rtp" id = 1 video = true videoport = 5004 videopt = 126 videocodec = "h264"\n  videofmtp = "profile-level-id=42e01f;packetization-mode=1" videomcast = "232.3.4.5" videoiface = "lo" }\n' +
    'two: { type = "rtp" id = 2 media = ( { type = "audio" mid = "a" port = 5006 codec = "opus" pt = 111 },\n  { type = "video" mid = "v" port = 5008 codec = "vp8" pt = 100 } ) }\n',
};
const INI: Record<string, string> = {
  'janus.cfg': '[general]\nsession_timeout = 30 ; s\napi_secret = a\\;b\n[media]\nrtp_port_range = 20000-40000\n',
  'janus.transport.http.cfg': '[general]\nhttp = yes\nport = 8088\nacl = 127.\n[admin]\nadmin_http = no\n',
  'janus.plugin.streaming.cfg':
    '[gstreamer-sample]\ntype = rtp\nid = 1\naudio = yes\nvideo = yes\naudioport = 5002\naudiopt = 111\naudiortpmap = opus/48000/2\nvideoport = 5004\nvideopt = 126\nvideortpmap = H264/90000\nvideofmtp = profile-level-id=42e01f\\;packetization-mode=1\n',
};

/** Why reading went wrong in a way that nobody is told of; undefined: it did not. */
function misbehaviour(folder: string): string | undefined {
  try {
    for (const { at, text } of readConfiguration({ folder }).problems) {
      if (at.line < 1 || at.column < 1 || text === '') return `a problem without a place: ${text}`;
    }
    return undefined;
  } catch (error) {
    return error instanceof UsageError ? undefined : String((error as Error).stack);
  }
}

for (const [form, files, letters] of [
  ['libconfig', LIBCONFIG, '{}()[]=:;,"\\#/*@-.0xL\n\t\r\0é\uFEFF'],
  ['INI', INI, '[]=;#\\\n\r\t "\0é\uFEFF'],
] as const) {
  t.test(`folders in ${form} form, spoiled`, async (t) => {
    const random = randomOf(Number(process.env['HEADGATE_TEST_SEED'] ?? 7));
    const folder = t.testdir(files);
    t.same(
      readConfiguration({ folder }).problems.filter(({ severity }) => severity === 'error'),
      [],
    );
    const names = Object.keys(files);
    const goOn = (rounds: number): boolean =>
      MINUTES === 0 ? rounds < FEW : process.cpuUsage().user / 60e6 < (form === 'INI' ? MINUTES : MINUTES / 2);
    let rounds = 0;
    for (; goOn(rounds); ++rounds) {
      const name = names[random(names.length)] ?? '';
      const text = spoil(files[name] ?? '', random, letters);
      writeFileSync(join(folder, name), text);
      const what = misbehaviour(folder);
      writeFileSync(join(folder, name), files[name] ?? '');
      if (what === undefined) continue;
      t.fail(`keep it in test/fixtures/config/…/${name}: ${JSON.stringify(text)}: ${what}`);
      break;
    }
    t.ok(rounds >= FEW, `${String(rounds)} folders`);
  });
}

t.test('folders that went wrong once, and mistakes of newcomers', async (t) => {
  for (const name of readdirSync(FIXTURES)) {
    const folder = join(FIXTURES, name);
    t.equal(misbehaviour(folder), undefined, name);
    const expected = readFileSync(join(folder, 'expected.txt'), 'utf8');
    const said = readConfiguration({ folder }).problems.map(({ severity, at, text }) => {
      return `${at.file.slice(folder.length + 1)}:${String(at.line)}:${String(at.column)}: ${severity}: ${text}\n`;
    });
    if (process.env['HEADGATE_TEST_WRITE'] !== undefined) writeFileSync(join(folder, 'expected.txt'), said.join(''));
    else t.equal(said.join(''), expected, name);
  }
});
