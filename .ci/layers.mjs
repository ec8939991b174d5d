// Checks `import` lines in lib/ and `#include` lines in native/ against the two
// arrows: a layer may use itself and what lies below it, and nothing else.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { listFiles, root } from './files.mjs';

// Each layer and what it may use, from the top down.
const lib = {
  cli: ['observe', 'config', 'signalling', 'gateway', 'session', 'plugins', 'routing', 'peer', 'native'],
  // Metrics and webhooks listen to the gateway; only the command uses them.
  observe: ['gateway', 'session', 'plugins', 'routing', 'peer', 'native'],
  config: ['signalling', 'gateway', 'session', 'plugins', 'routing', 'peer', 'native'],
  signalling: ['gateway', 'session', 'plugins', 'routing', 'peer', 'native'],
  gateway: ['session', 'plugins', 'routing', 'peer', 'native'],
  session: ['plugins', 'routing', 'peer', 'native'],
  plugins: ['routing', 'peer'],
  routing: ['peer', 'native'],
  peer: ['native'],
  native: [],
};
// Files at the top of lib/ that every layer may use, and that use each other.
const common = ['errors', 'events', 'options', 'logger', 'secrets', 'signed-token', 'version'];
// index.ts only re-exports.
const publicSurface = 'index';

const belowRtp = ['rtp', 'base'];
const transports = ['ice', 'dtls', 'srtp', 'sctp', 'route'];
const native = {
  addon: ['loop', 'peer', 'work', ...transports, ...belowRtp],
  loop: ['peer', 'work', ...transports, ...belowRtp],
  peer: [...transports, ...belowRtp],
  work: [...transports, ...belowRtp],
  ice: belowRtp,
  dtls: belowRtp,
  // SRTP's keys come out of DTLS.
  srtp: ['dtls', ...belowRtp],
  sctp: belowRtp,
  route: belowRtp,
  rtp: ['base'],
  base: [],
};
// Headers from outside that belong to some layers alone.
const outside = [
  [/^(nice|glib|gio|gobject)(\/|\.|-)|^(gio|glib)[\w-]*\.h$/, ['ice', 'addon']],
  [/^openssl\//, ['dtls', 'addon']],
  [/^srtp2?\//, ['srtp', 'addon']],
  [/^usrsctp\.h$/, ['sctp', 'work']],
  [/^(napi|node_api|js_native_api|uv|v8|node)\.h$/, ['addon']],
];
// rtp and base know no socket, thread or clock of the system.
const pure = [
  /^sys\/(socket|epoll|eventfd|timerfd)\.h$/,
  /^(netinet|arpa|net)\//,
  /^(thread|mutex|condition_variable)$/,
];

const problems = [];

function checkLib() {
  for (const path of listFiles(['lib'], /\.ts$/)) {
    const from = path.split('/').length > 2 ? path.split('/')[1] : path.slice('lib/'.length, -'.ts'.length);
    if (from === publicSurface) continue;
    if (!(from in lib) && !common.includes(from)) {
      problems.push(`${path}: lib/${from} is no layer; name it in .ci/layers.mjs and in the style guide's arrow`);
      continue;
    }
    const text = readFileSync(join(root, path), 'utf8');
    for (const { line, target } of importsOf(text)) {
      if (target === 'headgate') problems.push(`${path}:${line}: imports the package itself`);
      if (!target.startsWith('.')) continue;
      const to = relative('lib', join(dirname(path), target))
        .split('/')[0]
        .replace(/\.(js|ts)$/, '');
      const mayUse = common.includes(from) ? common : [from, ...common, ...lib[from]];
      if (!mayUse.includes(to)) problems.push(`${path}:${line}: ${from} may not import ${to}`);
    }
  }
}

function* importsOf(text) {
  // TSDoc examples import the package as its users do.
  const code = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '));
  const pattern =
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
  for (const match of code.matchAll(pattern)) {
    const offset = match.index + match[0].search(/\S/);
    yield { line: code.slice(0, offset).split('\n').length, target: match[1] ?? match[2] ?? match[3] };
  }
}

function checkNative() {
  for (const path of listFiles(['native'], /\.(h|cc)$/)) {
    const from = path.split('/')[1];
    if (!(from in native)) {
      problems.push(`${path}: native/${from} is no layer; name it in .ci/layers.mjs and in native/CMakeLists.txt`);
      continue;
    }
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .forEach((text, index) => {
        const [, kind, target] = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(text) ?? [];
        if (!target) return;
        const where = `${path}:${index + 1}`;
        const to = target.split('/')[0];
        if (kind === '"') {
          if (!existsSync(join(root, 'native', target)))
            problems.push(`${where}: "${target}" is not a path from native/`);
          else if (to !== from && !native[from].includes(to)) problems.push(`${where}: ${from} may not include ${to}`);
          return;
        }
        if (target in native || (to in native && target.includes('/') && existsSync(join(root, 'native', target)))) {
          problems.push(`${where}: our own headers are included in quotes`);
        }
        for (const [pattern, layers] of outside) {
          if (pattern.test(target) && !layers.includes(from)) {
            problems.push(`${where}: <${target}> belongs to ${layers.join(', ')}`);
          }
        }
        if (['rtp', 'base'].includes(from) && pure.some((pattern) => pattern.test(target))) {
          problems.push(`${where}: ${from} knows no socket, thread or lock: <${target}>`);
        }
      });
  }
}

checkLib();
checkNative();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
