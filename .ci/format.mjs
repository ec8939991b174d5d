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
if (cpp.length > 0) steps.push(['clang-format', ...(isCheck ? ['--dry-run', '-Werror'] : ['-i']), ...cpp]);

let failed = false;
for (const [program, ...args] of steps) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${program}: ${error.message}`);
  if (status !== 0) failed = true;
}
if (failed) console.error(isCheck ? '`npm run format` repairs most of this' : 'some of it has to be repaired by hand');
process.exitCode = failed ? 1 : 0;
