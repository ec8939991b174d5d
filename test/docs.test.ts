// What the README shows works, and it lists every error.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { MESSAGES } from '../lib/errors.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

t.test('README lists the errors as they are, both ways', (t) => {
  const rows = [...readme.matchAll(/^\| `(HG_ERR_\w+)` \| (.*) \|$/gm)].map(([, code, text]) => [code, text]);

  t.same(Object.fromEntries(rows), MESSAGES);
  t.end();
});

const blocks = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code ?? '');

t.ok(blocks.length >= 2, 'README has examples');
for (const [index, block] of blocks.entries()) {
  t.test(`README's example ${String(index + 1)} runs`, (t) => {
    // Any ports instead of those that somebody else may have.
    const code = block.replace(/port: \d+/g, 'port: 0').replace('listen(8088)', 'listen(0)');
    const { outputText } = ts.transpileModule(
      `${code}\nawait gateway.close();\nconsole.log('done');\nprocess.exit();\n`,
      {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
      },
    );
    // Below the package, so that 'headgate' means it.
    const file = join(t.testdir(), 'example.mjs');
    writeFileSync(file, outputText);

    const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
      cwd: root,
      encoding: 'utf8',
      timeout: 30_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });

    t.equal(stderr, '');
    t.equal(stdout, 'done\n');
    t.equal(status, 0);
    t.end();
  });
}
