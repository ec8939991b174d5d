// One binary serves all supported versions of Node.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Child } from '../../bench/processes.mjs';
import { Feeder, Viewers } from '../support/viewers.js';

const GATEWAY = fileURLToPath(new URL('../support/gateway-process.mjs', import.meta.url));
const HERE = Number(process.versions.node.split('.')[0]);

/** The binary of a major version, from npm; kept in build/. */
function nodeBinary(major: number): string {
  const folder = fileURLToPath(new URL(`../../build/nodes/${String(major)}`, import.meta.url));
  mkdirSync(folder, { recursive: true });
  const find = (): string | undefined =>
    existsSync(join(folder, 'node_modules'))
      ? readdirSync(join(folder, 'node_modules'))
          .map((name) => join(folder, 'node_modules', name, 'bin/node'))
          .find((path) => existsSync(path))
      : undefined;
  const found = find();
  if (found !== undefined) return found;
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', `node@${String(major)}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const installed = find();
  if (installed === undefined) throw new Error(`the npm package node@${String(major)} holds no binary`);
  return installed;
}

for (const major of [20, 22, 24]) {
  t.test(`media flows on Node ${String(major)}`, async (t) => {
    const child = new Child(major === HERE ? process.execPath : nodeBinary(major), [GATEWAY], {
      name: `gateway on Node ${String(major)}`,
      env: { NODE_OPTIONS: '' },
    });
    t.teardown(() => child.close('SIGKILL'));
    const ready = (await child.next(({ event }) => event === 'ready', 30, 'ready')) as unknown as {
      httpPort: number;
      feedPort: number;
    };
    new Feeder(t, ready.feedPort);
    const viewers = new Viewers(t, `http://127.0.0.1:${String(ready.httpPort)}/janus`);
    await viewers.addMany(2);
    viewers.mark();
    await new Promise((resolve) => setTimeout(resolve, 1000));

    const report = await viewers.report();

    t.ok(report.fewest > 100, `each got at least ${String(report.fewest)} packets`);
    t.match(report, { lost: 0, wrong: 0, corrupt: 0, authFailures: 0 });
    child.send('close');
    t.equal(await child.exited, 'status 0');
  });
}
