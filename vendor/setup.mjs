#!/usr/bin/env node
// Makes a bare checkout ready: system packages, npm packages, the addon and
// the compiled TypeScript. Does only what is missing or has changed, and says
// what and why; takes a fraction of a second when there is nothing to do.
//
//   node vendor/setup.mjs --for build     what it takes to build (the default)
//   node vendor/setup.mjs --for demo      the same: the demo plays recordings
//   node vendor/setup.mjs --for test      also compilers' tools and browsers
//   node vendor/setup.mjs --for bench     also what we are measured against
//
// System packages are installed on Debian and Ubuntu, as root or with sudo;
// elsewhere it names what is missing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildLibsrtp } from './libsrtp/build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'build/.setup');

const purposes = {
  build: ['build'],
  demo: ['build', 'demo'],
  test: ['build', 'demo', 'test'],
  bench: ['build', 'bench'],
};
const { values: options } = parseArgs({ options: { for: { type: 'string', default: 'build' } } });
if (!Object.hasOwn(purposes, options.for)) fail(`--for takes one of ${Object.keys(purposes).join(', ')}`);

// ---- what has to be there ---------------------------------------------------

const command = (name) => ({ title: name, isThere: () => onPath(name) });
const library = (name) => ({ title: `${name}.pc`, pkg: name });
const file = (...path) => ({ title: path.at(-1), isThere: () => isFile('/', ...path) });
const plugin = (name) => file('usr', 'lib', '*', 'gstreamer-1.0', `libgst${name}.so`);

/** [for, what to look for, Debian's and Ubuntu's package, 'optional': goes on without it] */
const requirements = [
  ['build', command('c++'), 'g++'],
  ['build', command('make'), 'make'],
  ['build', command('cmake'), 'cmake'],
  ['build', command('pkg-config'), 'pkg-config'],
  ['build', library('nice'), 'libnice-dev'],
  ['build', library('gio-2.0'), 'libglib2.0-dev'],
  ['build', library('usrsctp'), 'libusrsctp-dev'],
  ...(isFile(process.execPath, '../../include/node/openssl/ssl.h')
    ? []
    : [['build', library('openssl'), 'libssl-dev']]),

  ['test', library('openssl'), 'libssl-dev'],
  ['test', file('usr', 'include', 'doctest', 'doctest.h'), 'doctest-dev'],
  ['test', command('clang-format'), 'clang-format'],
  ['test', command('clang-tidy'), 'clang-tidy'],
  ['test', command('ninja'), 'ninja-build', 'optional'],
  ['test', command('ccache'), 'ccache', 'optional'],
  ['test', command('ffmpeg'), 'ffmpeg', 'optional'],
  ['test', command('ip'), 'iproute2', 'optional'],
  ['test', command('nft'), 'nftables', 'optional'],
  ['test', command('chromium'), 'chromium', 'optional'],
  ['test', command('firefox-esr'), 'firefox-esr', 'optional'],
  ['test', file('usr', 'share', 'fonts', 'truetype', 'dejavu', 'DejaVuSans.ttf'), 'fonts-dejavu-core', 'optional'],
  ['test', file('usr', 'share', 'janus', 'demos', 'streamingtest.html'), 'janus-demos', 'optional'],
  ['test', command('janus'), 'janus', 'optional'],
  ['test', command('janus'), 'janus', 'optional'],
  ['test', command('gst-launch-1.0'), 'gstreamer1.0-tools', 'optional'],
  ['test', plugin('opus'), 'gstreamer1.0-plugins-base', 'optional'],
  ['test', plugin('vpx'), 'gstreamer1.0-plugins-good', 'optional'],
  ['test', plugin('dtls'), 'gstreamer1.0-plugins-bad', 'optional'],
  ['test', plugin('x264'), 'gstreamer1.0-plugins-ugly', 'optional'],
  ['test', plugin('libav'), 'gstreamer1.0-libav', 'optional'],
  ['test', plugin('rtspclientsink'), 'gstreamer1.0-rtsp', 'optional'],
  ['test', command('turnserver'), 'coturn', 'optional'],
  ['test', command('nginx'), 'nginx', 'optional'],
  ['test', command('tshark'), 'tshark', 'optional'],
  ['test', command('openssl'), 'openssl'],

  ['bench', library('openssl'), 'libssl-dev'],
  ['bench', command('janus'), 'janus', 'optional'],
].map(([purpose, { title, isThere, pkg }, name, optional]) => ({
  purpose,
  title,
  isThere,
  pkg,
  name,
  optional: !!optional,
}));

function onPath(name) {
  // Daemons live where a user's PATH need not lead.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A `*` in the path is a folder of any name. */
function isFile(...path) {
  const star = path.indexOf('*');
  if (star < 0) return existsSync(resolve(...path));
  const folder = resolve(...path.slice(0, star));
  return existsSync(folder) && readdirSync(folder).some((name) => isFile(folder, name, ...path.slice(star + 1)));
}

function missing(wanted) {
  const isPkgConfigThere = onPath('pkg-config');
  const areAllPkgsThere = isPkgConfigThere && hasPkgs(wanted.filter(({ pkg }) => pkg).map(({ pkg }) => pkg));
  return wanted.filter(({ isThere, pkg }) => {
    if (!pkg) return !isThere();
    return !isPkgConfigThere || !(areAllPkgsThere || hasPkgs([pkg]));
  });
}

function hasPkgs(names) {
  return spawnSync('pkg-config', ['--exists', ...names], { stdio: 'ignore' }).status === 0;
}

// ---- system packages --------------------------------------------------------

function provide(requirementsNow) {
  const absent = missing(requirementsNow);
  if (absent.length === 0) return;
  const required = absent.filter(({ optional }) => !optional);
  const title = ({ title: what, name }) => (what === name ? name : `${what} (package ${name})`);
  say(`not found: ${absent.map(title).join(', ')}`);

  const installer = aptInstaller();
  if (typeof installer === 'string') {
    if (required.length > 0) fail(`${installer}; please install: ${required.map(({ name }) => name).join(' ')}`);
    say(`${installer}; going on without`);
    return;
  }
  const lists = '/var/lib/apt/lists';
  const hasLists = existsSync(lists) && readdirSync(lists).some((name) => /_Packages(\.\w+)?$/.test(name));
  if (!hasLists) installer('apt-get -q update');
  if (required.length > 0) {
    const names = required.map(({ name }) => name);
    // Old lists name versions that the archive no longer has.
    if (!installer(install(names)) && !(installer('apt-get -q update') && installer(install(names)))) {
      fail(`apt could not install ${names.join(' ')}`);
    }
  }
  const extra = absent.filter(({ optional }) => optional).map(({ name }) => name);
  const { stdout } = spawnSync('apt-cache', ['policy', ...extra], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const available = extra.filter((name) =>
    new RegExp(`^${name.replace(/[+.]/g, '\\$&')}:\\n.*\\n\\s+\\S+: \\d`, 'm').test(stdout),
  );
  if (available.length > 0) installer(install(available));

  const still = missing(requirementsNow);
  const stillRequired = still.filter(({ optional }) => !optional);
  if (stillRequired.length > 0) fail(`still not found after the installation: ${stillRequired.map(title).join(', ')}`);
  if (still.length > 0) say(`not to be had here, what needs it is skipped: ${still.map(title).join(', ')}`);
}

/** A function that runs a shell line as root, or why there is none. */
function aptInstaller() {
  if (!onPath('apt-get')) return 'this system has no apt';
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !onPath('sudo')) return 'installing needs root or sudo';
  return (line) => {
    say(isRoot ? line : `sudo: ${line}`);
    const shell = ['sh', '-c', line];
    const [program, ...args] = isRoot ? shell : ['sudo', ...shell];
    return spawnSync(program, args, { stdio: 'inherit' }).status === 0;
  };
}

function install(names) {
  const services = names.filter((name) => ['coturn', 'nginx', 'janus'].includes(name));
  const apt = `DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install ${names.join(' ')}`;
  if (services.length === 0) return apt;
  // We want the programs: no service starts, now or after the next boot.
  const policy = '/usr/sbin/policy-rc.d';
  const disable = `if command -v systemctl >/dev/null; then systemctl -q disable ${services.join(' ')} 2>/dev/null || true; fi`;
  return (
    `if [ ! -e ${policy} ]; then trap 'rm -f ${policy}' EXIT; ` +
    `printf '#!/bin/sh\\nexit 101\\n' >${policy}; chmod 755 ${policy}; fi; ${apt} && { ${disable}; }`
  );
}

// ---- npm packages, addon, TypeScript ---------------------------------------

/** Runs `step` unless `outputs` are there and `inputs` are as they were then. */
function once(name, inputs, outputs, step) {
  const hash = createHash('sha256').update(`${process.version} ${process.arch} ${root}`);
  for (const path of inputs.flatMap(filesBelow).sort()) {
    hash.update(`\0${relative(root, path)}\0`).update(readFileSync(path));
  }
  const digest = hash.digest('hex');
  const stamp = join(stamps, name);
  const isCurrent = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
  if (isCurrent && outputs.every((path) => existsSync(join(root, path)))) return;
  step();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, digest);
}

function filesBelow(path) {
  const full = resolve(root, path);
  if (!existsSync(full)) return [];
  try {
    const entries = readdirSync(full, { withFileTypes: true });
    return entries.flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(full, entry.name)) : join(full, entry.name),
    );
  } catch (error) {
    if (error.code === 'ENOTDIR') return [full];
    throw error;
  }
}

function run(program, args) {
  say([program === process.execPath ? 'node' : program, ...args].join(' '));
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) fail(`'${program}' does not run: ${error.message}`);
  if (status !== 0) fail(`'${program} ${args.join(' ')}' ended with status ${status}`);
}

function say(text) {
  console.log(`setup: ${text}`);
}

function fail(text) {
  console.error(`setup: ${text}`);
  process.exit(1);
}

// The package that users install has no lock file and no TypeScript sources.
const isCheckout = existsSync(join(root, 'package-lock.json'));

provide(requirements.filter(({ purpose }) => purposes[options.for].includes(purpose)));
if (!buildLibsrtp()) {
  provide([{ title: 'libsrtp2.pc', pkg: 'libsrtp2', name: 'libsrtp2-dev', optional: false }]);
}
if (isCheckout) {
  once('npm', ['package.json', 'package-lock.json'], ['node_modules/.package-lock.json'], () =>
    run('npm', ['ci', '--no-audit', '--no-fund']),
  );
}
once('native', ['native', 'vendor/libsrtp', 'package-lock.json'], ['build/Release/headgate.node'], () =>
  run(process.execPath, ['native/build.mjs']),
);
if (isCheckout) {
  once('typescript', ['lib', 'tsconfig.json', 'package-lock.json'], ['dist/index.js'], () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    run(process.execPath, ['node_modules/typescript/bin/tsc']);
  });
}
