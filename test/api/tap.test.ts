// Packets come into JavaScript and go out of it, on real sockets and threads.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { link, readMjr, type Gateway, type Tap, type TapStats } from '../../lib/index.js';
import { problemOf } from '../../lib/routing/rtp-packet.js';
import { until } from '../support/browser.js';
import { GatewayProcess, type GatewayMessages } from '../support/gateway-process.js';
import { RtpSender } from '../support/rtp-sender.js';
import { testGateway } from '../support/test-app.js';
import { Feeder, Viewers } from '../support/viewers.js';

const PROGRAM = 'test/support/tap-process.mjs';
const TIMES = 10;

/** Keeps the bytes of all packets of a tap. */
function collect(tap: Tap): Buffer[] {
  const packets: Buffer[] = [];
  tap.on('packets', (batch) => packets.push(...Array.from(batch, ({ bytes }) => Buffer.from(bytes))));
  return packets;
}

function isSame(packets: readonly Buffer[], sent: readonly Buffer[]): boolean {
  return packets.length === sent.length && packets.every((packet, index) => sent[index]?.equals(packet));
}

async function twoSources(gateway: Gateway) {
  const { media } = await gateway.createMountpoint({
    media: [
      { type: 'video', mid: 'v', codec: 'vp8', port: 0 },
      { type: 'audio', mid: 'a', codec: 'opus', port: 0 },
    ],
  });
  return media.map(({ source }) => source);
}

for (const threads of [1, 3]) {
  t.test(`with ${String(threads)} media threads a tap gives what was sent, packet by packet`, async (t) => {
    const gateway = await testGateway(t, { media: { threads } });
    const tracks = (await twoSources(gateway)).map((source) => {
      const tap = gateway.createTap({ kind: source.kind });
      link(source, tap);
      const sender = new RtpSender(t, { port: source.port, kind: source.kind });
      return { source, tap, sender, packets: collect(tap), arrivals: [] as number[] };
    });
    for (const { tap, arrivals } of tracks) {
      tap.on('packets', (batch) => arrivals.push(...Array.from(batch, ({ arrival }) => arrival)));
    }
    await until('links', () => tracks.every(({ source }) => source.stats().viewers === 1));

    const begin = performance.now();
    for (let frame = 0; frame < 500; ++frame) {
      await Promise.all(tracks.map(({ sender }) => sender.frame()));
      if (frame % 20 === 0) await new Promise((done) => setTimeout(done, 5));
    }
    await until('packets', () => tracks.every(({ packets, sender }) => packets.length === sender.sent.length));
    const end = performance.now();

    for (const { tap, packets, sender, arrivals } of tracks) {
      t.ok(isSame(packets, sender.sent), `${String(packets.length)} packets of ${tap.kind}`);
      const bytes = packets.reduce((sum, { length }) => sum + length, 0);
      t.match(tap.stats(), { packets: sender.sent.length, bytes, dropped: 0, waiting: 0 });
      t.ok(
        arrivals.every((arrival, index) => arrival >= (arrivals[index - 1] ?? begin) && arrival <= end),
        'each came when it came',
      );
    }
    const batch = new Promise<{ level: number } | undefined>((done) => {
      tracks[1]?.tap.once('packets', (packets) => done(packets.at(0)?.audioLevel(1)));
    });
    await tracks[1]?.sender.frame();
    t.same(await batch, { level: 5, voice: true });
  });
}

t.test('what a tap gives can be injected, and recorded, as it was sent', async (t) => {
  const folder = t.testdir();
  const gateway = await testGateway(t, { media: { threads: 2 } });
  const [source] = (await twoSources(gateway)) as [Awaited<ReturnType<typeof twoSources>>[0]];
  const tap = gateway.createTap({ kind: 'video' });
  const injector = gateway.createInjector({ codec: source.codec });
  const echo = gateway.createTap({ kind: 'video' });
  const packets = collect(echo);
  tap.on('packets', (batch) => t.ok(injector.write(batch)));
  const recorder = gateway.createRecorder({ path: join(folder, 'echo'), codec: 'vp8' });
  link(injector, echo);
  link(injector, recorder);
  link(source, tap);
  const sender = new RtpSender(t, { port: source.port, kind: 'video' });
  await until('links', () => source.stats().viewers === 1 && injector.stats().viewers === 2);

  for (let frame = 0; frame < 200; ++frame) {
    await sender.frame();
    await new Promise((done) => setTimeout(done, 1));
  }
  await until('packets', () => packets.length === sender.sent.length);
  await recorder.close();

  t.ok(isSame(packets, sender.sent));
  const { records } = readMjr(readFileSync(recorder.path));
  t.ok(
    isSame(
      records.map(({ bytes }) => Buffer.from(bytes)),
      sender.sent,
    ),
  );
  t.equal(injector.receiving, true);
});

t.test('a viewer that comes asks whoever injects for a keyframe', async (t) => {
  const gateway = await testGateway(t);
  const injector = gateway.createInjector({ codec: 'vp8' });
  const asked = new Promise<void>((done) => injector.once('keyframerequest', done));

  link(injector, gateway.createTap({ kind: 'video' }));

  await t.resolves(asked);
});

t.test('the media thread takes every packet that is taken here, and no other', async (t) => {
  const gateway = await testGateway(t);
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const injector = gateway.createInjector({ codec: 'opus' });
  let good = 0;
  let thrown = 0;
  for (let turn = 0; turn < 5000; ++turn) {
    const packet = Buffer.from(Array.from({ length: 8 + random(40) }, () => random(random(2) === 0 ? 4 : 256)));
    packet[0] = random(8) === 0 ? random(256) : 0x80 | random(64);
    if (packet.length > 4) packet.writeUInt16BE(good & 0xffff, 2);
    const problem = problemOf(packet, 1500);
    if (problem === undefined) {
      ++good;
      while (!injector.write([packet])) await new Promise((done) => injector.once('low', () => done(undefined)));
    } else {
      try {
        injector.write([packet]);
      } catch {
        ++thrown;
      }
    }
  }

  t.equal(good + thrown, 5000);
  const { packets, dropped, invalid } = await until('packets', () => {
    const stats = injector.stats();
    return stats.packets + stats.dropped + stats.invalid === good && stats;
  });
  t.ok(good > 200 && thrown > 200, `${String(good)} were right`);
  t.equal(invalid, 0);
  t.ok(packets + dropped === good);
});

t.test('whoever writes more than is taken in is told so, and loses nothing', async (t) => {
  const gateway = await testGateway(t);
  const injector = gateway.createInjector({ codec: 'opus' });
  const tap = gateway.createTap({ kind: 'audio', maxPackets: 16384 });
  const packets = collect(tap);
  const sent: Buffer[] = [];
  const batch = (): Buffer[] =>
    Array.from({ length: 1000 }, () => {
      const packet = Buffer.alloc(100, sent.length);
      packet.writeUInt16BE(0x806f);
      packet.writeUInt16BE(sent.length & 0xffff, 2);
      sent.push(packet);
      return packet;
    });
  const batches = Array.from({ length: 500 }, batch);

  // Nobody gets it yet, so it is taken in as fast as can be.
  let next = 0;
  while (batches[next] && injector.write(batches[next] ?? [])) ++next;
  const low = new Promise<void>((done) => injector.once('low', done));
  t.ok(next < batches.length, `batch ${String(next)} was refused`);
  t.equal(injector.stats().refused, 1000);
  await low;
  await until('rest', () => injector.stats().packets === next * 1000);
  link(injector, tap);
  await until('link', () => injector.stats().viewers === 1);
  const rest = batches.slice(next, next + 20);
  for (const [index, one] of rest.entries()) {
    t.ok(injector.write(one));
    await until('packets', () => packets.length === (index + 1) * 1000);
  }

  t.ok(isSame(packets, rest.flat()));
  t.match(injector.stats(), { refused: 1000, dropped: 0, invalid: 0 });
});

t.test('while JavaScript is stuck for 2 s viewers lose nothing, and the tap counts what it lost', async (t) => {
  const server = new GatewayProcess(t, PROGRAM);
  const ready = await server.message('ready');
  const feeder = new Feeder(t, ready.feedPort);
  const viewers = new Viewers(t, `http://127.0.0.1:${String(ready.httpPort)}/janus`);
  await viewers.addMany(5);

  viewers.mark();
  server.send('stall');
  const stalled = (await server.message('stalled')) as { tap: TapStats };
  const report = await viewers.report();
  feeder.stop();
  const stats = async () => {
    server.send('stats');
    type Stats = { tap: TapStats & { received: number; full: number }; source: { packets: number } };
    return (await server.message('stats')) as unknown as Stats;
  };
  const { tap, source } = await until('rest', async () => {
    const now = await stats();
    return now.tap.packets + now.tap.dropped === now.source.packets && now;
  });

  t.ok(report.fewest > 300, `each got at least ${String(report.fewest)} packets meanwhile`);
  t.match(report, { connected: 5, lost: 0, wrong: 0, corrupt: 0 });
  t.equal(stalled.tap.waiting, 128, 'no more than was allowed waited');
  t.ok(tap.dropped > 100 && tap.dropped < source.packets, `${String(tap.dropped)} of ${String(source.packets)}`);
  t.equal(tap.received, tap.packets);
  t.ok(tap.full > 0 && tap.full <= tap.dropped, 'it was told');
});

t.test(`process.exit() and close() with taps at work end cleanly, ${String(TIMES)} times`, async (t) => {
  for (let i = 0; i < TIMES; ++i) {
    const gateway = new GatewayProcess(t, PROGRAM);
    new Feeder(t, (await gateway.message('ready')).feedPort);
    await new Promise((done) => setTimeout(done, 20 * i));

    gateway.send(i % 2 === 0 ? 'exit' : 'close');

    t.equal(await gateway.exited, 'status 0');
  }
});

t.test(`workers with taps at work end cleanly, ${String(TIMES)} times`, async (t) => {
  for (let i = 0; i < TIMES; ++i) {
    // Without the loaders of this test: it runs on dist/, as an application does.
    const url = new URL(`../../${PROGRAM}`, import.meta.url);
    const worker = new Worker(url, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    const [ready] = (await once(worker, 'message')) as [GatewayMessages['ready']];
    new Feeder(t, ready.feedPort);
    await new Promise((done) => setTimeout(done, 20 * i));

    if (i % 2 === 0) {
      t.equal(await worker.terminate(), 1);
    } else {
      const end = once(worker, 'exit');
      worker.postMessage('close');
      t.same(await end, [0]);
    }
  }
});

t.test('a listener may close its tap, and the gateway', async (t) => {
  const gateway = await testGateway(t);
  const injector = gateway.createInjector({ codec: 'opus' });
  const [one, two] = [gateway.createTap({ kind: 'audio' }), gateway.createTap({ kind: 'audio' })];
  const closed: string[] = [];
  for (const [name, tap] of Object.entries({ one, two })) {
    tap.on('close', () => closed.push(name));
    link(injector, tap);
  }
  const packet = Buffer.alloc(100);
  packet.writeUInt16BE(0x806f);
  one.on('packets', () => one.close());
  const all = new Promise<void>((done) => two.once('packets', () => void gateway.close().then(done)));

  await until('links', () => injector.stats().viewers === 2);
  injector.write([packet]);
  await all;

  t.same(closed.toSorted(), ['one', 'two']);
  t.equal(injector.closed, true);
  t.throws(() => injector.write([packet]), { code: 'HG_ERR_CLOSED' });
  t.throws(() => gateway.createTap({ kind: 'audio' }), { code: 'HG_ERR_CLOSED' });
  t.throws(() => gateway.createInjector({ codec: 'opus' }), { code: 'HG_ERR_CLOSED' });
});
