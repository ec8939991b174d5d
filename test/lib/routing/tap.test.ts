import t from 'tap';
import type { PacketBatch } from '../../../lib/routing/packet-batch.js';
import { link } from '../../../lib/routing/link.js';
import type { TapOptions } from '../../../lib/routing/tap.js';
import { codec } from '../../support/fixtures.js';
import { MediaBench, turn } from '../../support/media-bench.js';

function packet(seq: number, size = 20): Buffer {
  const bytes = Buffer.alloc(size, seq);
  bytes[0] = 0x80;
  bytes[1] = 96;
  bytes.writeUInt16BE(seq, 2);
  return bytes;
}

function open(options: Partial<TapOptions> = {}) {
  const bench = new MediaBench();
  const tap = bench.taps.createTap({ kind: 'video', ...options });
  const native = bench.engine.taps[0] as NonNullable<(typeof bench.engine.taps)[0]>;
  const batches: PacketBatch[] = [];
  tap.on('packets', (batch) => batches.push(batch));
  return { bench, engine: bench.engine, tap, native, batches };
}

t.test('a source is tapped, another one, in pauses, and no more', async (t) => {
  const { bench, tap, native } = open();
  const { sources, engine } = bench;
  const [one, two] = [5004, 5006].map((port) => sources.createSource({ codec: codec('vp8'), port }));

  const tapped = link(one as NonNullable<typeof one>, tap);
  t.equal(native.source, engine.sources[0]);
  tapped.switch(two as NonNullable<typeof two>);
  t.equal(native.source, engine.sources[1]);
  tapped.pause();
  t.equal(native.paused, true);
  tapped.resume();
  t.equal(native.paused, false);
  tapped.close();
  t.equal(native.source, null);
  t.match(tap.stats(), { packets: 3, bytes: 400, dropped: 0, waiting: 0 });
  const audio = sources.createSource({ codec: codec('opus'), port: 5008 });
  t.throws(() => link(audio, tap), { code: 'HG_ERR_STATE' });
});

t.test('of a simulcast the substream is tapped that was chosen, or the highest there is', async (t) => {
  for (const [substream, of, expected] of [
    [undefined, 3, 2],
    [0, 3, 0],
    [1, 3, 1],
    [2, 2, 1],
  ] as const) {
    const { bench, tap, native } = open(substream === undefined ? {} : { substream });
    const encodings = Array.from({ length: of }, () =>
      bench.engine.createPeerSource({ kind: 'video', codec: 'vp8', clockRate: 90000 }),
    );

    tap.attach(encodings);

    t.equal(native.source, encodings[expected]);
  }
});

t.test('packets come in batches, each as it was sent', async (t) => {
  const { native, batches } = open();
  const sent = [packet(65535, 12), packet(0, 21), packet(1, 1500)];

  const before = performance.now();
  native.receive(...sent);
  await turn();

  const [batch] = batches as [PacketBatch];
  t.equal(batches.length, 1);
  t.equal(batch.length, 3);
  t.equal(batch.size, 1533);
  t.same(
    [...batch].map(({ bytes }) => bytes),
    sent,
  );
  t.same(
    [...batch].map(({ sequenceNumber }) => sequenceNumber),
    [65535, 0, 1],
  );
  t.same(
    [...batch].map(({ keyframe }) => keyframe),
    [true, false, false],
  );
  const arrival = batch.at(0)?.arrival ?? 0;
  t.ok(arrival > before - 1 && arrival < performance.now() + 1, 'the clock is that of performance.now()');
  t.same(batch.at(1)?.bytes, sent[1]);
  t.same(batch.at(-1)?.bytes, sent[2]);
  for (const index of [3, -4, 0.5, NaN]) t.equal(batch.at(index), undefined);
});

t.test('while packets flow they are looked for now and then, after a rest they are told of', async (t) => {
  const { engine, native, batches } = open();
  const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

  native.receive(packet(1));
  await turn();
  t.equal(batches.length, 1);
  t.equal(engine.tapsReady, true);
  native.receive(packet(2));
  while (batches.length < 2) await sleep(1);
  while (engine.tapsReady) await sleep(1);

  native.receive(packet(3));
  await turn();
  t.equal(batches.length, 3);
});

t.test('what is left out is told, once a second', async (t) => {
  const { bench, tap, native } = open({ maxPackets: 100 });
  const told: unknown[] = [];
  tap.on('full', (figures) => told.push(figures));
  const receive = async (dropped: number): Promise<void> => {
    native.dropped = dropped;
    native.receive(packet(1));
    tap.deliver(now);
    await turn();
  };
  t.equal(native.options.maxPackets, 100);

  let now = performance.now();
  await receive(0);
  t.same(told, []);
  await receive(7);
  await receive(8);
  now += 1001;
  await receive(9);
  now += 1001;
  await receive(9);

  t.same(told, [{ dropped: 7 }, { dropped: 9 }]);
  t.match(bench.warnings[0], /a tap of video does not keep up/);
});

t.test('closing ends it, also from a listener, and keeps what was handed over', async (t) => {
  const { bench, tap, native, batches } = open();
  const source = bench.sources.createSource({ codec: codec('vp8'), port: 5004 });
  const tapped = link(source, tap);
  const other = bench.taps.createTap({ kind: 'video' });
  let closed = 0;
  tap.on('close', () => closed++);
  tap.on('packets', () => {
    tap.close();
    other.close();
  });

  native.receive(packet(5));
  bench.engine.taps[1]?.receive(packet(6));
  await turn();
  tap.close();
  native.receive(packet(7));
  await turn();

  t.equal(closed, 1);
  t.equal(batches.length, 1);
  t.equal(batches[0]?.at(0)?.sequenceNumber, 5);
  t.same([tap.closed, tapped.closed, native.closed, bench.taps.size], [true, true, true, 0]);
  t.throws(() => link(source, tap), { code: 'HG_ERR_CLOSED' });
  tap.setPaused(true);
  t.match(tap.stats(), { packets: 3 });
});

t.test('a listener may close the gateway', async (t) => {
  const { bench, tap, native } = open();
  tap.on('packets', () => {
    bench.engine.close();
    bench.taps.engineClosed();
  });

  native.receive(packet(5));
  await turn();

  t.equal(tap.closed, true);
  t.throws(() => bench.taps.createTap({ kind: 'audio' }), { code: 'HG_ERR_CLOSED', message: 'the gateway is closed' });
});

t.test('options that are wrong are named', async (t) => {
  const { taps } = new MediaBench();
  const wrong: [object, string][] = [
    [{}, 'createTap.kind'],
    [{ kind: 'data' }, 'createTap.kind'],
    [{ kind: 'video', maxPackets: 0 }, 'createTap.maxPackets'],
    [{ kind: 'video', maxPackets: 16385 }, 'createTap.maxPackets'],
    [{ kind: 'video', substream: 3 }, 'createTap.substream'],
    [{ kind: 'video', batch: 3 }, 'createTap.batch'],
  ];
  for (const [options, name] of wrong) {
    t.throws(() => taps.createTap(options as TapOptions), { code: 'HG_ERR_OPTION', details: { option: name } });
  }
});
