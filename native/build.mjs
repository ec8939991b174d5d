#!/usr/bin/env node
// The one door to the native build.
//
//   node native/build.mjs                  the addon, to build/Release/headgate.node
//   node native/build.mjs --preset test    the unit tests, to build/test
//                                          (also asan, tsan, fuzz, bench)
//   … --target hg_rtp_test                 only this target of a preset
//   … --tree NAME                          a preset's build in build/NAME instead
//   … --jobs 2                             compilers at a time
//   … --out DIR                            where the addon is put
//
// Needs cmake, a C++20 compiler, pkg-config and the headers of libnice and
// libsrtp2; `node vendor/setup.mjs --for build` brings them on Debian and Ubuntu.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildLibsrtp } from '../vendor/libsrtp/build.mjs';

const native = dirname(fileURLToPath(import.meta.url));
const root = dirname(native);
const { values: options } = parseArgs({
  options: {
    preset: { type: 'string' },
    target: { type: 'string', multiple: true },
    tree: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: join(root, 'build/Release') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (options.help) {
  const [comment] = /(^\/\/.*\n)+/m.exec(readFileSync(fileURLToPath(import.meta.url), 'utf8'));
  console.log(comment.replace(/^\/\/ ?/gm, ''));
  process.exit();
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error?.code === 'ENOENT') fail(`'${command}' is not installed; \`node vendor/setup.mjs --for build\` says what is missing`);
  if (error) fail(error.message);
  if (status !== 0) fail(`'${command}' ended with status ${status}`);
}

function fail(message) {
  console.error(`headgate: the native build failed: ${message}`);
  process.exit(1);
}

function has(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

// A build tree remembers where it was made; in a copied folder it starts anew.
function dropMovedTree(tree) {
  const cache = join(tree, 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1];
  if (home !== native) rmSync(tree, { recursive: true, force: true });
}

function buildPreset(preset) {
  const tree = join(root, 'build', options.tree ?? preset);
  dropMovedTree(tree);
  const generator = !existsSync(join(tree, 'CMakeCache.txt')) && has('ninja') ? ['-G', 'Ninja'] : [];
  run('cmake', ['-S', 'native', '-B', tree, '--preset', preset, `-DHG_NODE=${process.execPath}`, ...generator]);
  const targets = (options.target ?? []).flatMap((target) => ['--target', target]);
  run('cmake', ['--build', tree, '--parallel', options.jobs, ...targets]);
}

function buildAddon() {
  const tree = join(root, 'build/addon');
  dropMovedTree(tree);
  const args = ['--directory', native, '--out', tree, '--config', 'Release', '--parallel', options.jobs];
  args.push(`--CDHG_NODE=${process.execPath}`);
  let cmakeJs;
  try {
    cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  } catch {
    // Installed as a package, without our development tools.
  }
  // `build` alone would not notice that libsrtp has come.
  for (const verb of ['configure', 'build']) {
    if (cmakeJs) run(process.execPath, [cmakeJs, verb, ...args]);
    else run('npm', ['exec', '--yes', '--package=cmake-js@8', '--', 'cmake-js', verb, ...args]);
  }

  // Replaced at one stroke: a running process keeps the file that it has mapped.
  const out = resolve(options.out);
  mkdirSync(out, { recursive: true });
  const made = join(tree, 'build/Release/headgate.node');
  if (!existsSync(made)) fail('cmake made no headgate.node; its messages above say why');
  copyFileSync(made, join(out, 'headgate.node.new'));
  renameSync(join(out, 'headgate.node.new'), join(out, 'headgate.node'));
  console.log(`headgate: built ${join(out, 'headgate.node')}`);
}

buildLibsrtp();
if (options.preset) buildPreset(options.preset);
else buildAddon();
