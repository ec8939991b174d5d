// However a gateway ends, with media flowing or not, the process ends cleanly
// and nothing is left.
import { readdirSync } from 'node:fs';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { GatewayProcess, type GatewayMessages } from '../support/gateway-process.js';
import { portOf, testApp } from '../support/test-app.js';
import { Feeder, Viewers } from '../support/viewers.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const GATEWAY = 'test/support/gateway-process.mjs';
// More in the long tests.
const TIMES = Number(process.env['HEADGATE_TEST_TIMES'] ?? 8);

type Ready = GatewayMessages['ready'];

async function withMedia(t: Test, { httpPort, feedPort }: Ready, count = 1): Promise<void> {
  new Feeder(t, feedPort);
  await new Viewers(t, `http://127.0.0.1:${String(httpPort)}/janus`).addMany(count);
}

async function startWorker(): Promise<{ worker: Worker; ready: Ready }> {
  // Without the loaders of this test: it runs on dist/, as an application does.
  const program = new URL(`../../${GATEWAY}`, import.meta.url);
  const worker = new Worker(program, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
  const [ready] = (await once(worker, 'message')) as [Ready];
  return { worker, ready };
}

t.test('closing a gateway with 100 viewers ends the process by itself within 2 s', async (t) => {
  const gateway = new GatewayProcess(t, GATEWAY);
  await withMedia(t, await gateway.message('ready'), 100);

  const start = performance.now();
  gateway.send('close');
  const how = await gateway.exited;

  t.equal(how, 'status 0');
  t.ok(performance.now() - start < 2000, `it took ${String(Math.round(performance.now() - start))} ms`);
});

t.test(`process.exit() with media flowing ends cleanly, ${String(TIMES)} times`, async (t) => {
  for (let i = 0; i < TIMES; ++i) {
    await t.test(`time ${String(i + 1)}`, async (t) => {
      const gateway = new GatewayProcess(t, GATEWAY);
      await withMedia(t, await gateway.message('ready'));

      gateway.send('exit');

      t.equal(await gateway.exited, 'status 0');
    });
  }
});

t.test(`workers load the addon, close the gateway and end, ${String(TIMES)} times, several at once`, async (t) => {
  for (let i = 0; i < TIMES; i += 4) {
    const workers = await Promise.all(Array.from({ length: 4 }, () => startWorker()));

    const ends = await Promise.all(
      workers.map(async ({ worker }) => {
        const end = once(worker, 'exit');
        worker.postMessage('close');
        return (await end)[0] as number;
      }),
    );

    t.same(ends, [0, 0, 0, 0]);
  }
});

t.test(`worker.terminate() with media flowing ends cleanly, ${String(TIMES)} times`, async (t) => {
  for (let i = 0; i < TIMES; ++i) {
    await t.test(`time ${String(i + 1)}`, async (t) => {
      const { worker, ready } = await startWorker();
      await withMedia(t, ready);

      t.equal(await worker.terminate(), 1);
    });
  }
});

t.test('worker.terminate() while events come ends the worker, not the process', async (t) => {
  const library = new URL('../../dist/index.js', import.meta.url).href;
  // Each peer that gathers is an event.
  const program = `import('${library}').then(async ({ Gateway, silentLogger }) => {
    const gateway = await Gateway.open({ logger: silentLogger, media: { threads: 2, allowLoopback: true } });
    for (let i = 0; i < 50; ++i) gateway.createPeer();
    require('node:worker_threads').parentPort.postMessage('ready');
  });`;
  for (let i = 0; i < TIMES; ++i) {
    const worker = new Worker(program, { eval: true, execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    await once(worker, 'message');

    t.equal(await worker.terminate(), 1);
  }
});

t.test('viewers that come and go leave no descriptor, thread or object', async (t) => {
  const count = Number(process.env['HEADGATE_TEST_CYCLES'] ?? 100);
  const app = await testApp(t, { media: { threads: 2 } });
  const mountpoint = await app.gateway.createMountpoint({
    id: 1,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
  });
  new Feeder(t, portOf(mountpoint, 'v'));
  const viewers = new Viewers(t, app.http);
  const cycle = async (): Promise<void> => viewers.leave(await viewers.add());
  const settled = async (): Promise<{ fds: number; threads: number; rss: number; peers: number }> => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    collectGarbage();
    return {
      fds: readdirSync('/proc/self/fd').length,
      threads: readdirSync('/proc/self/task').length,
      rss: process.memoryUsage.rss(),
      peers: app.gateway.stats().peers,
    };
  };
  for (let i = 0; i < 3; ++i) await Promise.all(Array.from({ length: 10 }, cycle));

  const before = await settled();
  for (let i = 0; i < count / 10; ++i) await Promise.all(Array.from({ length: 10 }, cycle));
  const after = await settled();

  t.comment(
    `${String(count)} cycles: descriptors ${String(before.fds)} → ${String(after.fds)}, threads ${String(before.threads)} → ` +
      `${String(after.threads)}, RSS ${String(before.rss >> 20)} → ${String(after.rss >> 20)} MiB`,
  );
  t.equal(after.peers, 0);
  t.ok(after.fds <= before.fds + 2, 'descriptors');
  t.ok(after.threads <= before.threads, 'threads');
  // However many there were: a peer takes 100 kB.
  t.ok(after.rss - before.rss < 24 * 2 ** 20, 'memory');
});
