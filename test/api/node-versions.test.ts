// One binary serves all supported versions of Node.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { GatewayProcess } from '../support/gateway-process.js';
import { Feeder, Viewers } from '../support/viewers.js';

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
    const gateway = new GatewayProcess(t, 'test/support/gateway-process.mjs', {
      node: major === HERE ? process.execPath : nodeBinary(major),
    });
    const ready = await gateway.message('ready');
    new Feeder(t, ready.feedPort);
    const viewers = new Viewers(t, `http://127.0.0.1:${String(ready.httpPort)}/janus`);
    await viewers.addMany(2);
    viewers.mark();
    await new Promise((resolve) => setTimeout(resolve, 1000));

    const report = await viewers.report();

    t.ok(report.fewest > 100, `each got at least ${String(report.fewest)} packets`);
    t.match(report, { lost: 0, wrong: 0, corrupt: 0, authFailures: 0 });
    gateway.send('close');
    t.equal(await gateway.exited, 'status 0');
  });
}
