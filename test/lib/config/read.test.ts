import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readConfiguration } from '../../../lib/config/read.js';
import { describe, type Configuration } from '../../../lib/config/settings.js';
import { OTHER_FILES, TABLE, type Row } from '../../../lib/config/table/index.js';
import { readValue } from '../../../lib/config/values.js';
import { parseLibconfig } from '../../../lib/config/libconfig.js';
import { Gateway, silentLogger } from '../../../lib/index.js';

function read(t: Test, files: Record<string, string>): Configuration {
  const folder = t.testdir(files);
  return readConfiguration({ folder });
}
const textsOf = ({ problems }: Configuration): string[] =>
  problems.map((problem) => describe(problem).replace(/^.*\//, ''));

t.test('values are taken as Janus takes them', async (t) => {
  const value = (text: string, type: Row['type'], rest: Partial<Row> = {}): unknown => {
    const [setting] = parseLibconfig('a', `a = ${text}`).settings;
    if (setting === undefined) throw new Error('nothing');
    const row: Row = { file: 'janus', path: 'a.a', kind: 'supported', type, ...rest };
    const reading = readValue(setting, row);
    return 'value' in reading ? reading.value : reading.expected;
  };

  for (const yes of ['true', 'TRUE', '1', '"yes"', '"True"', '"on"', '"1"']) t.equal(value(yes, 'boolean'), true, yes);
  for (const no of ['false', '0', '"no"', '"off"', '"0"']) t.equal(value(no, 'boolean'), false, no);
  t.equal(value('"maybe"', 'boolean'), 'true or false');
  t.equal(value('"8088"', 'port'), 8088);
  t.equal(value('0x10', 'integer'), 16);
  t.equal(value('-1', 'integer'), -1);
  t.equal(value('70000', 'port'), 'a port from 0 to 65535');
  t.equal(value('1.5', 'seconds'), 'a number of seconds from 0 to 2147483');
  t.equal(value('"60"', 'seconds'), 60_000);
  t.same(value('"20000-40000"', 'port range'), [20000, 40000]);
  t.match(value('"40000-20000"', 'port range'), /the lower one first/);
  t.same(value('"eth0, 192.168."', 'list'), ['eth0', '192.168.']);
  t.same(value('[ "a", "b" ]', 'list'), ['a', 'b']);
  t.equal(value('5', 'text'), '5');
  t.equal(value('{ }', 'text'), 'a text in quotes');
  t.equal(value('"fast"', ['slow', 'quick']), 'one of "slow", "quick"');
  t.equal(value('500', 'milliseconds', { atLeast: 1000 }), 1000);
});

t.test('every supported setting is an option that the gateway takes', async (t) => {
  const byType: Record<string, string> = {
    ...{ boolean: 'true', 'port range': '"20000-40000"', text: '"some-text"', list: '"lo"', groups: '()', any: '1' },
    ...{ 'event kinds': '"all"', URL: '"http://127.0.0.1:9/events"' },
  };
  let port = 0;
  const sample = ({ type, max, min, path }: Row): string => {
    if (typeof type !== 'string') return `"${type[0] ?? ''}"`;
    if (path.includes('folder')) return '"FOLDER"';
    if (path.endsWith('recordings_tmp_ext')) return '"tmp"';
    if (/_unix$|path$/.test(path) && !path.includes('base')) return `"FOLDER/${path}"`;
    if (/ip$|acl$/.test(path)) return '"127.0.0.1"';
    if (path.endsWith('interface')) return '"lo"';
    if (type === 'port') return String(20_000 + (port += 1));
    return byType[type] ?? String(Math.min(max ?? 500, Math.max(min ?? 1, 500)));
  };
  const rows = TABLE.filter(
    ({ kind, path }) => kind === 'supported' && !path.startsWith('*') && !path.includes('cert'),
  );
  const folder = t.testdir({});
  const files = [...new Set(rows.map(({ file }) => file))];
  for (const file of files) {
    const lines = rows
      .filter((row) => row.file === file)
      .map((row) => {
        const [group = '', name = ''] = row.path.split('.');
        return { group, line: `${name} = ${sample(row).replace('FOLDER', folder)}` };
      });
    const groups = [...new Set(lines.map(({ group }) => group))];
    const text = groups.map(
      (group) =>
        `${group}: {\n${lines
          .filter((one) => one.group === group)
          .map(({ line }) => line)
          .join('\n')}\n}`,
    );
    writeFileSync(
      join(folder, `${file}.jcfg`),
      text.join('\n').replace(/\b((?:admin_)?(?:https|wss)) = true/g, '$1 = false'),
    );
  }

  const configuration = readConfiguration({ folder });

  t.same(textsOf(configuration), []);
  for (const { to = '' } of rows) t.ok(configuration.placeOf(to), to);
  t.equal(configuration.settings.webhook?.url, 'http://127.0.0.1:9/events');
  const gateway = await Gateway.open({ ...configuration.settings.gateway, logger: silentLogger });
  await gateway.close();
});

t.test('the older form of the main file is read; .jcfg wins over it', async (t) => {
  const old =
    '[general]\nsession_timeout = 30 ; s\napi_secret = a\\;b\n[media]\nmax_nack_queue = 300\nrtp_port_range = 20000-40000\nforce-bundle = yes\n';

  const configuration = read(t, { 'janus.cfg': old });
  t.match(configuration.settings, {
    gateway: { sessionTimeout: 30_000, apiSecret: 'a;b', media: { maxNackQueue: 300, portRange: [20000, 40000] } },
  });
  t.same(textsOf(configuration), [
    'janus.cfg:5:1: "max_nack_queue" is deprecated: use min_nack_queue',
    'janus.cfg:7:1: "force-bundle" is deprecated: remove it: bundle is always used',
  ]);
  const both = read(t, { 'janus.cfg': old, 'janus.jcfg': 'general: { session_timeout = 1 }' });
  t.same(both.settings, { gateway: { sessionTimeout: 1000 } });
  t.same(read(t, { 'janus.jcfg': 'general: { api_secret = "" event_loops = 0 }' }).settings, {});
});

t.test('what is not supported is named', async (t) => {
  const texts = textsOf(
    read(t, {
      'janus.jcfg':
        'nat: { turn_type = "sctp" stun_port = 0x10000 turn_pwd = ( 1 ) turn_server = "t" ice_lite = false }\ngeneral: { frobnicate_everything = 1 }',
      'janus.transport.mqtt.jcfg': 'general: { enabled = "yes" }',
      'janus.transport.own.jcfg': 'general: { enabled = false }',
      'janus.plugin.videoroom.jcfg': 'general: { }\nroom-1: { }\nroom-2: { }',
      'janus.eventhandler.wsevh.jcfg': 'x = /broken',
      'janus.note.txt': 'nothing',
    }),
  );

  t.same(texts, [
    'janus.jcfg:1:8: error: "turn_type" must be one of "udp", "tcp", "tls", not "sctp"',
    'janus.jcfg:1:27: error: "stun_port" must be a port from 0 to 65535, not 65536',
    'janus.jcfg:1:47: error: "turn_pwd" must be a text in quotes',
    'janus.jcfg:1:64: "turn_server" is not supported yet',
    'janus.jcfg:2:12: "general" has no setting "frobnicate_everything" that is known here; it has no effect',
    'janus.eventhandler.wsevh.jcfg:1:1: this file turns nothing on (events over WebSocket, not supported yet)',
    'janus.plugin.videoroom.jcfg:1:1: not supported yet: video rooms; this file has no effect: room-1, room-2',
    'janus.transport.mqtt.jcfg:1:1: not supported yet: MQTT; this file has no effect',
    'janus.transport.own.jcfg:1:1: this file turns nothing on (this transport, not supported yet)',
  ]);
  t.ok(OTHER_FILES.every(({ file }) => /^janus\./.test(file)));
});

t.test('plugins and transports are taken out by the names of their files', async (t) => {
  const { settings } = read(t, {
    'janus.jcfg':
      'plugins: { disable = "libjanus_streaming.so,libjanus_sip.so" } transports: { disable = "libjanus_http.so" }',
    'janus.transport.http.jcfg': 'general: { http = true }',
    'janus.transport.websockets.jcfg': 'general: { ws = true }',
  });

  t.equal(settings.gateway?.streaming, false);
  t.equal(settings.http, undefined);
  t.equal(settings.webSocket?.plain?.enabled, true);
});

t.test('a main file by itself names its folder', async (t) => {
  const folder = t.testdir({
    'main.jcfg': '',
    there: {
      'janus.transport.http.jcfg': 'general: { port = 1 }',
      'janus.jcfg': 'general: { server_name = "not this" }',
    },
  });
  writeFileSync(join(folder, 'main.jcfg'), `general: { configs_folder = "${join(folder, 'there')}" }`);

  const { settings, mountpointFile } = readConfiguration({ file: join(folder, 'main.jcfg') });

  t.equal(settings.http?.plain?.port, 1);
  t.equal(settings.gateway, undefined);
  t.equal(mountpointFile, join(folder, 'there/janus.plugin.streaming.jcfg'));
  t.throws(() => readConfiguration({ folder: join(folder, 'none') }), { code: 'HG_ERR_CONFIG' });
  t.throws(() => readConfiguration({ folder }), /there is no janus.jcfg/);
  t.throws(() => readConfiguration({ file: join(folder, 'no.jcfg') }), /no.jcfg:1:1: cannot be read/);
});
