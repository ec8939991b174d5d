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

t.test('messages are recorded as they came, those of all channels in one file', async (t) => {
  const folder = t.testdir();
  const bench = new EchoBench(t, { recordings: folder });
  const handle = await bench.attach();
  await handle.request({ audio: true }, OFFER);
  const [peer] = bench.engine.peers;
  const data = () => bench.engine.recorders.filter(({ options }) => options.kind === 'data');
  const written = () => data().map(({ messages }) => messages.map((message) => Buffer.from(message).toString()));
  const open = async (label: string) => {
    const channel = peer?.openChannel({ label });
    await turn();
    return {
      receive: async (message: string | Uint8Array) => {
        if (channel) peer?.receive(channel, message);
        await turn();
      },
    };
  };
  const first = await open('first');
  await first.receive('too early');

  await handle.send({ record: true, filename: 'one' });
  await first.receive('hello');
  const second = await open('second');
  await second.receive('grüß dich');
  await first.receive(Buffer.from('bytes'));
  await handle.send({ video: false });
  await first.receive('muted');

  t.same(written(), [['hello', 'grüß dich', 'bytes', 'muted']]);
  t.equal(data()[0]?.options.path, join(folder, 'one-data.mjr'));
  t.match(JSON.parse(data()[0]?.options.info ?? ''), { t: 'd', c: 'text' });

  await handle.send({ record: false });
  t.equal(bench.open, 0);
  await first.receive('too late');
  await handle.send({ record: true, filename: 'two' });
  await second.receive('again');
  t.same(written(), [['hello', 'grüß dich', 'bytes', 'muted'], ['again']]);

  // A disk that is full ends it; the echo goes on.
  data().at(-1)?.finish('ENOSPC', 'no space');
  await turn();
  await second.receive('nowhere');
  t.same(written().at(-1), ['again']);
  t.match(peer?.channels.at(-1)?.sent.at(-1), /nowhere$/);
  await handle.send({ record: false });
});

t.test('without a data channel there is no file for it', async (t) => {
  const bench = new EchoBench(t, { recordings: t.testdir() });
  const handle = await bench.attach();

  await handle.request({ record: true, filename: 'one' }, OFFER);
  t.equal(bench.files.length, 2);

  bench.engine.peers[0]?.openChannel({ label: 'late' });
  await turn();
  t.match(bench.files.at(-1), /one-data\.mjr$/, 'until one comes');
});

t.test('hanging up ends the recording', async (t) => {
  const bench = new EchoBench(t, { recordings: t.testdir() });
  const handle = await bench.attach();
  await handle.request({ record: true, filename: 'one' }, OFFER);
  bench.engine.peers[0]?.openChannel({ label: 'chat' });
  await turn();
  t.equal(bench.open, 3);

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
