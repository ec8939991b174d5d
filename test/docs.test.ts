// What the README and the comments of lib/ show works, and the README lists every error.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import ts from 'typescript';
import { MESSAGES } from '../lib/errors.js';
import * as headgate from '../lib/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

t.test('README lists the errors as they are, both ways', (t) => {
  const rows = [...readme.matchAll(/^\| `(HG_ERR_\w+)` \| (.*) \|$/gm)].map(([, code, text]) => [code, text]);

  t.same(Object.fromEntries(rows), MESSAGES);
  t.end();
});

const blocks = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code ?? '');

/** Runs a module that stands below the package, so that 'headgate' means it. */
function run(t: Test, code: string): void {
  // Any ports and paths instead of those that somebody else may have.
  const folder = mkdtempSync(join(tmpdir(), 'hg-docs-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const source = code
    .replace(/port: \d+/g, 'port: 0')
    .replace('listen(8088)', 'listen(0)')
    .replace('/run/headgate', folder);
  const { outputText } = ts.transpileModule(`${source}\nconsole.log('done');\nprocess.exit();\n`, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const file = join(t.testdir(), 'example.mjs');
  writeFileSync(file, outputText);

  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: root,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  });

  t.equal(stderr, '');
  // What Fastify's logger writes there is not the example's.
  t.equal(stdout.replace(/^\{"level":.*\n/gm, ''), 'done\n');
  t.equal(status, 0);
  t.end();
}

t.ok(blocks.length >= 2, 'README has examples');
for (const [index, block] of blocks.entries()) {
  t.test(`README's example ${String(index + 1)} runs`, (t) => run(t, `${block}\nawait gateway.close();`));
}

// ---- the examples beside the code -------------------------------------------

/** What an example may use without saying where it comes from; each may use those above it. */
const GIVEN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(headgate).map((name) => [name, `import { ${name} } from 'headgate';`])),
  string: 'const { string } = shape;',
  readOptions: `import { readOptions } from '${root}dist/options.js';`,
  option: `import { option } from '${root}dist/options.js';`,
  pino: "import { pino } from 'pino';",
  readFile: "import { readFile } from 'node:fs/promises';",
  createServer: "import { createServer } from 'node:http';",
  LobbyPlugin: "class LobbyPlugin extends Plugin { static package = 'example.plugin.lobby'; requests = {}; }",
  gateway: 'const gateway = await Gateway.open({ logger: silentLogger });',
  mountpoints: 'const { mountpoints } = gateway;',
  mountpoint:
    "const mountpoint = await gateway.createMountpoint({ media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }] });",
  source: 'const { source } = mountpoint.media[0];',
  camera: 'const camera = mountpoint.media[0].source;',
  otherCamera:
    "const other = await gateway.createMountpoint({ media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }] });" +
    'const otherCamera = other.media[0].source;',
  vp8: 'const vp8 = mountpoint.media[0].source.codec;',
  handle: 'const handle = gateway;',
  peer: "const peer = gateway.createPeer(); await peer.createOffer({ sessionName: '-', media: [{ mid: 'v', codec: vp8 }] });",
  offer: `const offer = (await import('node:fs')).readFileSync('${root}test/fixtures/sdp/publish-av-data.chromium.offer.sdp', 'utf8');`,
  express: "import express from 'express';",
  Koa: "import Koa from 'koa';",
  Fastify: "import Fastify from 'fastify';",
  fastify: 'const fastify = Fastify();',
};

/** An example with what it needs in front of it. */
function complete(example: string): string {
  const isMember = example.startsWith('readonly ');
  let code = isMember ? `class Example extends Plugin {\n${example}\n}` : example;
  if (/\bapp\b/.test(code)) {
    code = `const app = ${code.includes('janusKoa') ? 'new Koa()' : 'express()'};\n${code}`;
  }
  for (const [name, given] of Object.entries(GIVEN).reverse()) {
    const isDeclared = new RegExp(`\\b(const|class) (\\[?\\{[^}]*)?${name}\\b`).test(code);
    if (new RegExp(`(?<![.'])\\b${name}\\b(?!:)`).test(code) && !isDeclared) code = `${given}\n${code}`;
  }
  return code;
}

const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
);
let examples = 0;
for (const path of files) {
  const text = readFileSync(join(root, 'lib', path), 'utf8');
  for (const [, lines = ''] of text.matchAll(/^ *\* @example\n((?: *\* (?!@)[^\n]*\n)+)/gm)) {
    const example = lines.replace(/^ *\* /gm, '');
    ++examples;
    t.test(`an example of lib/${path} runs: ${example.slice(0, example.indexOf('\n'))}`, (t) =>
      run(t, complete(example)),
    );
  }
}
t.ok(examples >= 20, 'examples were found');
