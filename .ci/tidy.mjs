// clang-tidy over native/, as many at a time as there are processors. A file is
// looked at again only when it, a header it includes or the checks changed.
//
//   node .ci/tidy.mjs [--all]       needs build/test (node native/build.mjs --preset test)
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './files.mjs';

const tree = join(root, 'build/test');
const stamp = join(tree, 'tidy.json');
if (!existsSync(join(tree, 'compile_commands.json'))) {
  console.error('clang-tidy: build/test is not there; run: node native/build.mjs --preset test');
  process.exit(1);
}
const commands = JSON.parse(readFileSync(join(tree, 'compile_commands.json'), 'utf8'));
const files = [...new Set(commands.map(({ file }) => file))].filter((file) => file.startsWith(join(root, 'native/')));

const version = spawnSync('clang-tidy', ['--version'], { encoding: 'utf8' });
if (version.status !== 0) {
  console.error('clang-tidy is not installed');
  process.exit(1);
}
const digests = new Map();
function digest(file) {
  if (!digests.has(file)) digests.set(file, createHash('sha256').update(readFileSync(file)).digest('hex'));
  return digests.get(file);
}

/** Our own headers that a source includes, as "layer/name.h", at any depth. */
function dependencies(file, found = new Set()) {
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
    const path = join(root, 'native', target);
    if (found.has(path) || !existsSync(path)) continue;
    found.add(path);
    dependencies(path, found);
  }
  return found;
}

function fingerprint(file) {
  const inputs = [file, ...[...dependencies(file)].sort()].map(digest);
  const checks = [version.stdout, digest(join(root, '.clang-tidy'))];
  return createHash('sha256')
    .update([...checks, ...inputs].join())
    .digest('hex');
}

const isAll = process.argv.includes('--all');
const known = !isAll && existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : {};
const clean = {};
const queue = [];
for (const file of files) {
  const print = fingerprint(file);
  if (known[relative(root, file)] === print) clean[relative(root, file)] = print;
  else queue.push([file, print]);
}

// A header that a symlink of the build tree led to is named by its own path.
const pathPattern = new RegExp(`${tree.replace(/[.+]/g, '\\$&')}/include/[^\\s:'"]+`, 'g');
function ownPath(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

// The compile commands are GCC's.
const gccFlags = ['-Wno-unknown-warning-option', '-Wno-cast-qual'].map((flag) => `--extra-arg=${flag}`);

let failed = 0;
async function worker() {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [file, print] = next;
    const child = spawn('clang-tidy', ['--quiet', '-p', tree, ...gccFlags, file], { cwd: root });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    const status = await new Promise((done) => child.on('close', done));
    if (status === 0) {
      clean[relative(root, file)] = print;
    } else {
      failed++;
      const lines = output.split('\n').filter((line) => !/^\d+ warnings? |^Suppressed |^Use -header-filter/.test(line));
      console.error(lines.join('\n').replace(pathPattern, ownPath).trim());
    }
  }
}
console.log(`clang-tidy: ${queue.length} of ${files.length} sources to look at`);
await Promise.all(Array.from({ length: availableParallelism() }, worker));
mkdirSync(tree, { recursive: true });
writeFileSync(stamp, JSON.stringify(clean));
if (failed > 0) console.error(`clang-tidy: findings in ${failed} sources`);
process.exitCode = failed > 0 ? 1 : 0;
