import t from 'tap';
import { Injector, type InjectorOptions } from '../../../lib/routing/injector.js';
import { link } from '../../../lib/routing/link.js';
import { RtpPacket } from '../../../lib/routing/rtp-packet.js';
import { codec } from '../../support/fixtures.js';
import { MediaBench, turn } from '../../support/media-bench.js';

function packet(seq: number, size = 20): Buffer {
  const bytes = Buffer.alloc(size, seq);
  bytes[0] = 0x80;
  bytes[1] = 96;
  return bytes;
}

function open(options: Partial<InjectorOptions> = {}) {
  const bench = new MediaBench();
  const injector = bench.injectors.createInjector({ codec: 'vp8', ...options });
  const native = bench.engine.injectors[0] as NonNullable<(typeof bench.engine.injectors)[0]>;
  return { bench, injector, native };
}

t.test('an injector is a source of its codec', async (t) => {
  const { bench, injector, native } = open({ keyframeBuffer: { ms: 2000 } });
  const tap = bench.taps.createTap({ kind: 'video' });

  const linked = link(injector, tap);

  t.match(native.source.options, {
    kind: 'video',
    codec: 'vp8',
    clockRate: 90000,
    keyframeBufferMs: 2000,
    keyframeBufferBytes: 0,
  });
  t.equal(bench.engine.taps[0]?.source, native.source);
  t.same([...injector.links], [linked]);
  t.match(injector, { kind: 'video', codec: codec('vp8'), closed: false, receiving: false });
  t.match(injector.stats(), { packets: 10, refused: 0, waiting: 0 });
});

t.test('a batch is written in one piece, of bytes or packets', async (t) => {
  const { injector, native } = open();
  const [one, two] = [packet(1), packet(2)];

  t.equal(injector.write([one, new RtpPacket(two), new Uint8Array(packet(3))]), true);
  t.equal(injector.write([]), true);
  t.equal(injector.write(new Set([one])), true);
  native.full = true;
  let low = 0;
  injector.on('low', () => low++);
  t.equal(injector.write([one]), false);
  native.becameLow();
  await turn();

  t.equal(low, 1);
  t.same(
    native.written.map((batch) => batch.map((bytes) => Buffer.from(bytes))),
    [[one, two, packet(3)], [], [one]],
  );
});

t.test('a packet that is none is named, and nothing is written', async (t) => {
  const { injector, native } = open();
  const good = packet(1);
  const wrong: [Uint8Array, RegExp][] = [
    [Buffer.alloc(11, 0x80), /^packet 2 for the injector \d+: 11 bytes are too few/],
    [packet(1, 1501), /^packet 2 .* 1501 bytes are too many: the most is 1500$/],
    [Buffer.alloc(20), /^packet 2 .* version 0/],
    [new Uint16Array(20) as never, /^packet 2 .* expected a Uint8Array/],
  ];

  for (const [bad, message] of wrong) {
    t.throws(() => injector.write([good, good, bad, good]), { code: 'HG_ERR_OPTION', message });
  }
  const many = Array.from({ length: Injector.MAX_BATCH + 1 }, () => good);
  t.throws(() => injector.write(many), { code: 'HG_ERR_LIMIT', message: /1024 packets/ });
  t.same(native.written, []);
  t.equal(injector.write(many.slice(1)), true);
});

t.test('it tells what happens to it', async (t) => {
  const { injector, native } = open();
  const heard: unknown[] = [];
  injector.on('keyframerequest', () => heard.push('keyframe'));
  injector.on('live', () => heard.push('live'));
  injector.on('stalled', () => heard.push('stalled'));
  injector.on('oversize', (sizes) => heard.push(sizes));

  injector.requestKeyframe();
  t.equal(native.source.keyframeRequests, 1);
  native.wantKeyframe();
  native.source.receive(true);
  native.source.receive(true);
  native.source.oversize(1450, 1412);
  await turn();
  t.equal(injector.receiving, true);
  native.source.receive(false);
  await turn();

  t.same(heard, ['keyframe', 'live', { size: 1450, limit: 1412 }, 'stalled']);
});

t.test('closing ends its links, also while a batch is being collected', async (t) => {
  const { bench, injector, native } = open();
  const linked = link(injector, bench.taps.createTap({ kind: 'video' }));
  let closed = 0;
  injector.on('close', () => closed++);
  function* batch() {
    yield packet(1);
    injector.close();
    yield packet(2);
  }

  t.throws(() => injector.write(batch()), { code: 'HG_ERR_CLOSED' });
  injector.close();
  native.wantKeyframe();
  await turn();

  t.equal(closed, 1);
  t.same([linked.closed, native.source.closed, bench.injectors.size], [true, true, 0]);
  for (const call of [
    () => injector.write([]),
    () => injector.requestKeyframe(),
    () => injector.stats(),
    () => link(injector, bench.taps.createTap({ kind: 'video' })),
  ]) {
    t.throws(call, { code: 'HG_ERR_CLOSED', message: /the injector \d+ is closed/ });
  }
});

t.test('options that are wrong are named, and a closed gateway makes none', async (t) => {
  const bench = new MediaBench();
  const wrong: [object, string][] = [
    [{}, 'createInjector.codec'],
    [{ codec: 'theora' }, 'createInjector.codec'],
    [{ codec: 'vp8', keyframeBuffer: { ms: 70000 } }, 'createInjector.keyframeBuffer.ms'],
    [{ codec: 'vp8', port: 1 }, 'createInjector.port'],
  ];
  for (const [options, name] of wrong) {
    t.throws(() => bench.injectors.createInjector(options as InjectorOptions), {
      code: 'HG_ERR_OPTION',
      details: { option: name },
    });
  }
  bench.engine.close();
  t.throws(() => bench.injectors.createInjector({ codec: 'vp8' }), { code: 'HG_ERR_CLOSED' });
});
