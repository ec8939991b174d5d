// What `headgate --check` says of settings that this machine, or another setting, does not go with.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkCertificate } from '../../../lib/config/certificate.js';
import { readConfiguration } from '../../../lib/config/read.js';
import { describe, type Configuration } from '../../../lib/config/settings.js';
import { selfSigned } from '../../support/certificate.js';

function read(t: Test, files: Record<string, string>): Configuration {
  return readConfiguration({ folder: t.testdir({ 'janus.jcfg': '', ...files }) });
}
const textsOf = ({ problems }: Configuration): string[] =>
  problems.map((problem) => describe(problem).replace(/^.*?\/(janus[\w.]*:)/, '$1'));

// ---- certificates ----------------------------------------------------------------------

/** Two pairs, a key with a password, and files that are neither. */
function files(t: Test) {
  const [one, two] = [selfSigned(t), selfSigned(t)];
  const at = (name: string): string => join(one.folder, name);
  const locked = at('locked.pem');
  const made = spawnSync('openssl', [
    'ec',
    '-aes256',
    '-in',
    at('privkey.pem'),
    '-passout',
    'pass:open',
    '-out',
    locked,
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  writeFileSync(at('empty.pem'), '');
  return {
    ...{ cert: at('fullchain.pem'), key: at('privkey.pem'), locked, empty: at('empty.pem'), folder: one.folder },
    ...{ none: at('none.pem'), otherKey: join(two.folder, 'privkey.pem') },
  };
}

t.test('a certificate and its key are fine', async (t) => {
  const { cert, key, locked } = files(t);

  t.same(checkCertificate({ cert, key }), []);
  t.same(checkCertificate({ cert, key: locked, password: 'open' }), []);
});

t.test('what is wrong with a certificate is said of the setting that has to be changed', async (t) => {
  const { cert, key, locked, empty, none, otherKey } = files(t);
  const saidOf = (tls: object) => checkCertificate(tls).map(({ severity, name, text }) => [severity, name, text]);
  const error = (name: string, text: RegExp) => [['error', name, text]];

  t.match(saidOf({ key }), error('cert', /"cert_pem" is missing/));
  t.match(saidOf({ cert }), error('key', /"cert_key" is missing/));
  t.match(saidOf({ cert: none, key: none }), [
    ['error', 'cert', /none\.pem cannot be read: ENOENT/],
    ['error', 'key', /none\.pem cannot be read: ENOENT/],
  ]);
  t.match(saidOf({ cert: empty, key }), error('cert', /holds no certificate in PEM form .*; see cert_pem/));
  t.match(saidOf({ cert: key, key: cert }), [
    ['error', 'cert', /it is a key: were cert_pem and cert_key swapped\?/],
    ['error', 'key', /it is a certificate: were cert_pem and cert_key swapped\?/],
  ]);
  t.match(saidOf({ cert, key: empty }), error('key', /holds no private key in PEM form .*; see cert_key/));
  t.match(saidOf({ cert, key: otherKey }), error('key', /is not the key of .*fullchain\.pem/));
  t.match(saidOf({ cert, key: locked }), error('key', /locked\.pem is encrypted: .*"cert_pwd"/));
  t.match(
    saidOf({ cert, key: locked, password: 'x' }),
    error('password', /"cert_pwd" is not the password of .*locked/),
  );
  t.match(saidOf({ cert, key, ciphers: 'none:at:all' }), error('ciphers', /"ciphers" is no list of ciphers/));
});

t.test('a certificate whose time is over, or has not come, is a warning', async (t) => {
  const { cert, key } = files(t);
  const DAY = 86_400_000;

  t.match(checkCertificate({ cert, key }, Date.now() + 3 * DAY), [
    { severity: 'warning', name: 'cert', text: /expired on \d{4}-\d\d-\d\d: renew it/ },
  ]);
  t.match(checkCertificate({ cert, key }, Date.now() - DAY), [{ severity: 'warning', text: /is not valid before/ }]);
});

t.test('certificates are named with file and line; one that is not used is not looked at', async (t) => {
  const { cert, otherKey } = files(t);
  const certificates = `\ncertificates: {\n  cert_pem = "${cert}"\n  cert_key = "${otherKey}"\n}`;
  const said = textsOf(
    read(t, {
      'janus.jcfg': certificates,
      'janus.transport.http.jcfg': `general: { https = true }${certificates}`,
      'janus.transport.websockets.jcfg': `general: { wss = false }${certificates}`,
    }),
  );

  t.match(said, [
    /^janus\.jcfg:4:3: error: .* is not the key of/,
    /^janus\.transport\.http\.jcfg:4:3: error: .* is not the key of/,
  ]);
  t.equal(said.length, 2);
});

// ---- addresses and ports ------------------------------------------------------------------

t.test('addresses and interfaces that this machine does not have', async (t) => {
  const said = textsOf(
    read(t, {
      'janus.jcfg': 'nat: { ice_enforce_list = "eth77,198.51.100." }',
      'janus.transport.http.jcfg':
        'general: { http = true\n ip = "198.51.100.7"\n https = false\n secure_ip = "nowhere" }\nadmin: { admin_http = false admin_ip = "x" }',
      'janus.transport.websockets.jcfg': 'general: { ws = true\n ws_interface = "eth77" }',
    }),
  );

  t.match(said, [
    /^janus\.jcfg:1:8: error: no interface is meant by eth77, 198\.51\.100\.; there are /,
    /^janus\.transport\.http\.jcfg:2:2: error: this machine does not have the address 198\.51\.100\.7; it has .*127\.0\.0\.1/,
    /^janus\.transport\.websockets\.jcfg:2:2: error: there is no network interface eth77; there are .*lo/,
  ]);
  t.equal(said.length, 3);
});

t.test('an interface that a mountpoint does not find is a warning: it may come', async (t) => {
  const text =
    'a: { type = "rtp" id = 1 video = true videoport = 5004 videocodec = "vp8"\n videomcast = "232.3.4.5" videoiface = "eth77" }';
  const configuration = read(t, { 'janus.plugin.streaming.jcfg': text });

  t.match(textsOf(configuration), [
    /^janus\.plugin\.streaming\.jcfg:2:27: warning: mountpoint "a": there is no network interface eth77; there are /,
  ]);
  t.equal(configuration.mountpoints.length, 1);
});

t.test('two servers on one port, unless their addresses differ', async (t) => {
  const http = (rest: string) => ({ 'janus.transport.http.jcfg': `general: { http = true\n ${rest} }` });
  const ws = (rest: string) => ({ 'janus.transport.websockets.jcfg': `general: { ws = true\n ${rest} }` });
  const saidOf = (files: object) => textsOf(read(t, { ...files }));

  t.match(saidOf({ ...http('port = 9000'), ...ws('ws_port = 9000') }), [
    /^janus\.transport\.websockets\.jcfg:2:2: error: WebSocket wants port 9000, which HTTP has already \(.*http\.jcfg:2:2\)/,
  ]);
  t.match(saidOf({ ...http('port = 8188 ip = "127.0.0.1"'), ...ws('') }), [/error: WebSocket wants port 8188/]);
  t.same(saidOf({ ...http('port = 9000 ip = "127.0.0.1"'), ...ws('ws_port = 9000 ws_ip = "127.0.0.2"') }), []);
  t.match(
    saidOf({ ...http('port = 9000 https = true secure_port = 9000'), ...ws('') }).join(),
    /HTTPS wants port 9000/,
  );
  t.match(
    saidOf({
      'janus.transport.pfunix.jcfg':
        'general: { enabled = true path = "/tmp/a" }\nadmin: { admin_enabled = true admin_path = "/tmp/../tmp/a" }',
      'janus.jcfg': 'general: { admin_secret = "x" }',
    }),
    [/pfunix\.jcfg:2:31: error: the Unix socket wants \/tmp\/a, which the Unix socket has already/],
  );
});

// ---- folders and secrets ---------------------------------------------------------------------

t.test('folders that are not there, and files that are folders', async (t) => {
  const saidOf = (name: string, file: string) =>
    textsOf(read(t, { 'janus.jcfg': `general: {\n ${name} = "${file}" }` }));

  t.match(saidOf('log_to_file', '/none/at/all.log'), [
    /^janus\.jcfg:2:2: error: the folder \/none\/at does not exist: make/,
  ]);
  t.match(saidOf('pid_file', '/tmp'), [/^janus\.jcfg:2:2: error: \/tmp is a folder: name a file in it/]);
  t.match(saidOf('pid_file', '/dev/null/x'), [/error: \/dev\/null is no folder/]);
  t.same(saidOf('pid_file', '/tmp/headgate-test.pid'), []);
  t.match(textsOf(read(t, { 'janus.transport.pfunix.jcfg': 'general: { enabled = true path = "/none/s.sock" }' })), [
    /pfunix\.jcfg:1:27: error: the folder \/none does not exist/,
  ]);
});

t.test('a secret that is empty keeps nobody out', async (t) => {
  const said = textsOf(
    read(t, {
      'janus.jcfg': 'general: { api_secret = ""\n admin_secret = "" }',
      'janus.plugin.streaming.jcfg':
        'general: { admin_key = "" }\na: { type = "rtp" id = 1 video = true videoport = 5004 videocodec = "vp8" secret = "" }',
      'janus.transport.http.jcfg': 'certificates: { cert_pwd = "" }',
    }),
  );

  t.match(said, [
    /^janus\.jcfg:1:12: warning: "api_secret" is empty, which is the same as none: write a secret, or remove the line/,
    /^janus\.jcfg:2:2: warning: "admin_secret" is empty/,
    /streaming\.jcfg:1:12: warning: "admin_key" is empty/,
    /streaming\.jcfg:2:75: warning: "secret" is empty/,
  ]);
  t.equal(said.length, 4);
});

t.test('entries of an ACL that are no addresses', async (t) => {
  const said = textsOf(
    read(t, { 'janus.transport.http.jcfg': 'general: { http = true\n acl = "127.,192.168.0.,localhost" }' }),
  );

  t.match(said, [/^janus\.transport\.http\.jcfg:2:2: error: "localhost" is no address, and no beginning of one/]);
  t.equal(said.length, 1);
});

// ---- event handlers ---------------------------------------------------------------------------

t.test('an event handler that hears nothing, or knows nowhere to post to', async (t) => {
  const on = 'general: { enabled = true\n backend = "http://127.0.0.1:9/e" }';
  const saidOf = (handler: string, main: string) =>
    textsOf(read(t, { 'janus.jcfg': main, 'janus.eventhandler.sampleevh.jcfg': handler }));

  t.match(saidOf(on, ''), [
    /^janus\.eventhandler\.sampleevh\.jcfg:1:12: no events are sent without "broadcast = true"/,
  ]);
  t.same(saidOf(on, 'events: { broadcast = true }'), []);
  t.match(saidOf('general: { enabled = true }', 'events: { broadcast = true }'), [/error: "backend" is missing/]);
  t.match(saidOf('general: { events = "sessions,hendles" }', ''), [
    /error: "events" must be "all", "none", or some of/,
  ]);
  t.match(saidOf('general: { backend = "localhost:9000" }', ''), [
    /error: "backend" must be an address as "http:\/\/host/,
  ]);
  t.same(saidOf(on, 'events: { broadcast = true disable = "libjanus_sampleevh.so" }'), []);
});
