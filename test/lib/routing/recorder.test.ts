import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ResourceError, UsageError } from '../../../lib/errors.js';
import { link } from '../../../lib/routing/link.js';
import { Recorders } from '../../../lib/routing/recorder.js';
import { codec } from '../../support/fixtures.js';
import { MediaBench, turn } from '../../support/media-bench.js';

const folder = t.testdir({ file: '' });

t.test('a source is recorded, another one, in pauses, and no more', async (t) => {
  const { engine, sources, recorders } = new MediaBench();
  const [one, two] = [5004, 5006].map((port) => sources.createSource({ codec: codec('vp8'), port }));
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });
  const [native] = engine.recorders;

  const recorded = link(one as NonNullable<typeof one>, recorder);
  t.equal(native?.source, engine.sources[0]);
  recorded.switch(two as NonNullable<typeof two>);
  t.equal(native?.source, engine.sources[1]);
  recorded.pause();
  t.equal(native?.paused, true);
  recorded.resume();
  t.equal(native?.paused, false);
  recorded.close();
  t.equal(native?.source, null);
  t.equal(recorder.closed, false);
  t.match(recorder.stats(), { packets: 3, bytes: 400, dropped: 0, duration: 40 });
});

t.test('the head of the file tells what is known', async (t) => {
  const { engine, recorders } = new MediaBench();
  const before = Date.now() * 1000;
  recorders.createRecorder({
    path: join(folder, 'deep/er/a.mjr'),
    codec: codec('h264'),
    fmtp: 'profile-level-id=42e01f',
    description: 'a "talk"',
    extensions: { 4: 'urn:ietf:params:rtp-hdrext:sdes:mid' },
    redPayloadType: 63,
    endToEndEncrypted: true,
  });
  recorders.createRecorder({ path: join(folder, 'b'), codec: 'opus' });
  recorders.createDataRecorder({ path: join(folder, 'c'), format: 'binary' });

  const [video, audio, data] = engine.recorders.map(({ options }) => ({
    ...options,
    info: JSON.parse(options.info) as Record<string, unknown>,
  }));
  const created = Number(video?.info['s']);
  t.ok(created >= before && created <= Date.now() * 1000);
  t.strictSame(Object.keys(video?.info ?? {}).join(' '), 't c f d x s or e');
  t.match(video, {
    kind: 'video',
    path: join(folder, 'deep/er/a.mjr'),
    temporaryPath: join(folder, 'deep/er/a.mjr'),
    info: {
      t: 'v',
      c: 'h264',
      f: 'profile-level-id=42e01f',
      d: 'a "talk"',
      x: { 4: 'urn:ietf:params:rtp-hdrext:sdes:mid' },
      or: 63,
      e: true,
    },
  });
  t.ok(existsSync(join(folder, 'deep/er')), 'folders are made');
  t.strictSame(Object.keys(audio?.info ?? {}), ['t', 'c', 's']);
  t.match(audio, { kind: 'audio', path: join(folder, 'b.mjr'), info: { t: 'a', c: 'opus' } });
  t.match(data, { kind: 'data', info: { t: 'd', c: 'binary' } });
});

t.test('a file that is being written can have another name', async (t) => {
  const { engine, logger } = new MediaBench();
  new Recorders(engine, logger, 'tmp').createRecorder({ path: join(folder, 'a'), codec: 'vp8' });

  t.match(engine.recorders[0]?.options, { path: join(folder, 'a.mjr'), temporaryPath: join(folder, 'a.mjr.tmp') });
});

t.test('closing waits for the file, and ends the link', async (t) => {
  const { engine, sources, recorders } = new MediaBench();
  const source = sources.createSource({ codec: codec('vp8'), port: 5004 });
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });
  const recorded = link(source, recorder);
  const heard: string[] = [];
  recorder.on('close', () => heard.push('close')).on('error', () => heard.push('error'));

  const closing = recorder.close();
  t.equal(recorder.closed, true);
  t.same(heard, []);
  await closing;
  await recorder.close();

  t.same(heard, ['close']);
  t.equal(recorded.closed, true);
  t.equal(engine.recorders[0]?.closed, true);
  t.equal(recorders.size, 0);
  t.throws(() => link(source, recorder), { code: 'HG_ERR_CLOSED' });
  t.match(recorder.stats(), { packets: 3 }, 'what it was can still be asked');
});

t.test('a source that closes leaves the recording open for another', async (t) => {
  const { engine, sources, recorders } = new MediaBench();
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });
  const source = sources.createSource({ codec: codec('vp8'), port: 5004 });
  link(source, recorder);

  source.close();
  link(sources.createSource({ codec: codec('vp8'), port: 5004 }), recorder);

  t.equal(engine.recorders[0]?.source, engine.sources[1]);
});

t.test('a file that cannot be written any more ends the recording', async (t) => {
  const { engine, sources, recorders } = new MediaBench();
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });
  const recorded = link(sources.createSource({ codec: codec('vp8'), port: 5004 }), recorder);
  const heard: unknown[] = [];
  recorder.on('error', (error) => heard.push(error)).on('close', () => heard.push('close'));

  engine.recorders[0]?.finish('ENOSPC', 'a.mjr: No space left on device');
  await turn();

  t.equal(recorder.closed, true);
  t.equal(recorded.closed, true);
  t.match(heard, [ResourceError, 'close']);
  t.match(heard[0], { code: 'HG_ERR_RECORDING', message: /a\.mjr cannot be written: the disk is full$/ });
  await recorder.close();
});

t.test('packets that are left out are told', async (t) => {
  const { engine, recorders } = new MediaBench();
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });
  let dropped = 0;
  recorder.on('full', (event) => (dropped = event.dropped));

  engine.recorders[0]?.fill(17);
  await turn();

  t.equal(dropped, 17);
  t.equal(recorder.closed, false);
});

t.test('a path that cannot be written is an error at once', async (t) => {
  const { engine, recorders } = new MediaBench();
  const create = (path: string) => () => recorders.createRecorder({ path, codec: 'vp8' });

  t.throws(create(join(folder, 'file/a')), { code: 'HG_ERR_RECORDING', message: /a part of the path is a file$/ });
  t.throws(create('a\0b'), { code: 'HG_ERR_OPTION' });
  t.throws(create(''), { code: 'HG_ERR_OPTION' });
  for (const [errno, Class, reason] of [
    ['EACCES', UsageError, /not allowed$/],
    ['EBUSY', UsageError, /recorded already$/],
    ['ENOSPC', ResourceError, /the disk is full$/],
    ['EMFILE', ResourceError, /too many files are open$/],
    ['EWHATEVER', UsageError, /: EWHATEVER$/],
  ] as const) {
    engine.recorderFailure = errno;
    t.throws(create(join(folder, 'a')), { code: 'HG_ERR_RECORDING', message: reason, details: { errno } });
    t.throws(create(join(folder, 'a')), Class);
  }
  t.equal(recorders.size, 0);
});

t.test('options are checked', async (t) => {
  const { recorders } = new MediaBench();
  const good = { path: join(folder, 'a'), codec: 'vp8' };
  const wrong: object[] = [
    { path: 7 },
    { codec: 'mp3' },
    { codec: { name: 'vp8' } },
    { extensions: ['x'] },
    { extensions: { 0: 'urn:x' } },
    { extensions: { 1: 2 } },
    { redPayloadType: 128 },
    { unknown: 1 },
  ];
  for (const change of wrong) {
    t.throws(() => recorders.createRecorder({ ...good, ...change }), { code: 'HG_ERR_OPTION' }, JSON.stringify(change));
  }
  t.throws(() => recorders.createDataRecorder({ path: 'x', format: 'json' as 'text' }), { code: 'HG_ERR_OPTION' });
  t.throws(() => recorders.createRecorder({ ...good, description: 'x'.repeat(60_000) }), { code: 'HG_ERR_LIMIT' });
});

t.test('a file has one codec', async (t) => {
  const { sources, recorders } = new MediaBench();
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });
  const source = (name: string) => sources.createSource({ codec: codec(name), port: 0 });

  t.throws(() => link(source('vp9'), recorder), { code: 'HG_ERR_STATE', message: /records vp8, the source is vp9/ });
  t.throws(() => link(source('opus'), recorder), { code: 'HG_ERR_STATE' });
  const recorded = link(source('vp8'), recorder);
  t.throws(() => recorded.switch(source('h264')), { code: 'HG_ERR_STATE' });
  t.equal(recorded.source.codec.name, 'vp8');
});

t.test('messages are written as they are', async (t) => {
  const { engine, recorders } = new MediaBench();
  const recorder = recorders.createDataRecorder({ path: join(folder, 'a') });

  t.equal(recorder.write('héllo'), true);
  t.equal(recorder.write(Uint8Array.of(1, 2)), true);
  t.equal(recorder.write('x'.repeat(65528)), false);
  await recorder.close();

  t.same(
    engine.recorders[0]?.messages.slice(0, 2).map((message) => Buffer.from(message).toString('hex')),
    ['68c3a96c6c6f', '0102'],
  );
  t.throws(() => recorder.write('late'), { code: 'HG_ERR_CLOSED' });
});

t.test('an engine that closed leaves no recorder open', async (t) => {
  const { engine, recorders } = new MediaBench();
  const recorder = recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' });

  engine.close();
  recorders.engineClosed();

  t.equal(recorder.closed, true);
  t.equal(recorders.size, 0);
  t.throws(() => recorders.createRecorder({ path: join(folder, 'a'), codec: 'vp8' }), { code: 'HG_ERR_CLOSED' });
});
