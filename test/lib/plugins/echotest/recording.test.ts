import { join } from 'node:path';
import t from 'tap';
import { EchoBench } from '../../../support/echo-bench.js';
import { fixture } from '../../../support/fixtures.js';
import { turn } from '../../../support/media-bench.js';

const OFFER = { type: 'offer', sdp: fixture('sdp/publish-av-data.chromium.offer.sdp') } as const;

t.test('what comes is recorded, a file for each track', async (t) => {
  const folder = t.testdir();
  const bench = new EchoBench(t, { recordings: folder });
  const handle = await bench.attach();

  await handle.request({ audio: true, video: true, record: true, filename: 'calls/one' }, OFFER);

  t.same(
    bench.files.sort(),
    ['audio', 'video'].map((kind) => join(folder, `calls/one-${kind}.mjr`)),
  );
  t.ok(bench.engine.recorders.every(({ source, options }) => source?.options.kind === options.kind));
  const info = bench.engine.recorders.map(({ options }) => JSON.parse(options.info) as { c: string; x: object });
  t.same(info.map(({ c }) => c).sort(), ['opus', 'vp8']);
  t.ok(info.every(({ x }) => Object.values(x).includes('urn:ietf:params:rtp-hdrext:sdes:mid')));

  await handle.send({ record: true });
  t.equal(bench.files.length, 2, 'it goes on');
  await handle.send({ record: false });
  t.equal(bench.open, 0);
  await handle.send({ record: true });
  t.equal(bench.open, 2);
  t.match(bench.files.at(-1), /\/echotest-\d+-\d{16}-(audio|video)\.mjr$/);
});

t.test('what is not sent back is not recorded', async (t) => {
  const bench = new EchoBench(t, { recordings: t.testdir() });
  const handle = await bench.attach();
  const paused = () => bench.engine.recorders.map(({ options, paused }) => `${options.kind} ${String(paused)}`).sort();

  await handle.request({ audio: false, record: true, filename: 'one' }, OFFER);
  t.same(paused(), ['audio true', 'video false']);
  await handle.send({ audio: true, video: false });
  t.same(paused(), ['audio false', 'video true']);
});

t.test('hanging up ends the recording', async (t) => {
  const bench = new EchoBench(t, { recordings: t.testdir() });
  const handle = await bench.attach();
  await handle.request({ record: true, filename: 'one' }, OFFER);
  t.equal(bench.open, 2);

  bench.engine.peers[0]?.end('dtls-alert');
  await turn();

  t.equal(bench.open, 0);
  t.equal(bench.recorders.size, 0);
});

t.test('a file is in the folder for recordings, if there is one', async (t) => {
  const bench = new EchoBench(t, { recordings: t.testdir() });
  const handle = await bench.attach();

  for (const filename of ['../one', '/tmp/one', 'a/../../one', '.', 'a\0b']) {
    const refused = handle.request({ record: true, filename }, OFFER);
    await t.rejects(refused, { code: 'HG_ERR_REQUEST', details: { errorCode: 413 } }, JSON.stringify(filename));
  }
  t.same(bench.files, []);
  t.same(bench.engine.peers, [], 'nothing is made for it');
});

t.test('without a folder nobody writes files', async (t) => {
  const folder = t.testdir();
  const bench = new EchoBench(t);
  const handle = await bench.attach();

  await t.rejects(handle.request({ record: true, filename: join(folder, 'x/one') }, OFFER), {
    message: /code 413: "record": nothing is recorded here/,
  });

  t.same(bench.files, []);
});

t.test('a recording that cannot be made leaves the echo as it is', async (t) => {
  const bench = new EchoBench(t, { recordings: t.testdir() });
  bench.engine.recorderFailure = 'EACCES';
  const handle = await bench.attach();

  const { data } = await handle.request({ record: true, filename: 'one' }, OFFER);

  t.match(data, { echotest: 'event', result: 'ok' });
  t.same(bench.errors, ['an echo test is not recorded', 'an echo test is not recorded']);
});
