// Formats everything in place: `npm run format`. With --check it only tells.
import { spawnSync } from 'node:child_process';
import { cppFiles, root } from './files.mjs';

const isCheck = process.argv.includes('--check');
const bin = 'node_modules';
const node = process.execPath;
const cpp = cppFiles();
const steps = [
  [node, `${bin}/prettier/bin/prettier.cjs`, '--log-level=warn', isCheck ? '--check' : '--write', '.'],
  [node, `${bin}/eslint/bin/eslint.js`, '--config', '.ci/eslint.config.mjs', ...(isCheck ? [] : ['--fix']), '.'],
];
let failed = false;
for (const [program, ...args] of steps) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${program}: ${error.message}`);
  if (status !== 0) failed = true;
}
if (cpp.length > 0) {
  const args = isCheck ? ['--dry-run', '-Werror'] : ['-i'];
  const { status, stderr, error } = spawnSync('clang-format', [...args, ...cpp], { cwd: root, encoding: 'utf8' });
  if (error) console.error(`clang-format: ${error.message}`);
  // One line a file says enough: it repairs them all.
  const files = new Set([...(stderr ?? '').matchAll(/^([^:\s]+):\d+:\d+: error/gm)].map(([, file]) => file));
  for (const file of files) console.error(`clang-format: ${file}`);
  if (status !== 0) failed = true;
}
if (failed) console.error(isCheck ? '`npm run format` repairs most of this' : 'some of it has to be repaired by hand');
process.exitCode = failed ? 1 : 0;
