// Recordings of real RTP, compared packet by packet with what was sent.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { link, readMjr, type Gateway, type MjrRecord, type Recorder } from '../../lib/index.js';
import type { UdpSource } from '../../lib/routing/udp-source.js';
import { until } from '../support/browser.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { RtpSender } from '../support/rtp-sender.js';
import { testGateway } from '../support/test-app.js';

/** Of media, in the long test. In real time or, sent as fast as it is taken in, in less. */
const SECONDS = Number(process.env['HEADGATE_TEST_RECORD_SECONDS'] ?? 60);
const IS_REAL_TIME = process.env['HEADGATE_TEST_RECORD_REAL_TIME'] === '1';

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

interface Track {
  source: UdpSource;
  recorder: Recorder;
  sender: RtpSender;
}

/** A VP8 and an Opus source, recorded. */
async function record(t: Test, gateway: Gateway, folder: string, payloadSize = 200): Promise<Track[]> {
  const { media } = await gateway.createMountpoint({
    media: [
      { type: 'video', mid: 'v', codec: 'vp8', port: 0 },
      { type: 'audio', mid: 'a', codec: 'opus', port: 0 },
    ],
  });
  const tracks = media.map(({ source }) => {
    const recorder = gateway.createRecorder({ path: join(folder, source.kind), codec: source.codec });
    link(source, recorder);
    return { source, recorder, sender: new RtpSender(t, { port: source.port, kind: source.kind, payloadSize }) };
  });
  await until('links', () => tracks.every(({ source }) => source.stats().viewers === 1));
  return tracks;
}

async function send(tracks: readonly Track[], seconds: number, { realTime = false } = {}): Promise<void> {
  const begin = tracks.map(({ sender }) => sender.media);
  const start = performance.now();
  for (let turn = 0; ; ++turn) {
    const due = realTime ? performance.now() - start : Infinity;
    const elapsed = tracks.map(({ sender }, index) => sender.media - (begin[index] ?? 0));
    const now = Math.min(...elapsed);
    if (now >= seconds * 1000) return;
    const next = tracks[elapsed.indexOf(now)];
    if (now > due) await sleep(5);
    else await next?.sender.frame();
    // No more on its way than the sockets hold.
    if (turn % 16 === 0) await arrival(tracks);
  }
}

async function arrival(tracks: readonly Track[]): Promise<void> {
  const end = performance.now() + 10_000;
  while (!tracks.every(hasArrived)) {
    if (performance.now() > end) throw new Error('what was sent did not arrive');
    await sleep(1);
  }
}

const hasArrived = ({ source, sender }: Track): boolean => source.stats().packets === sender.sent.length;

/** How many records are not, byte for byte, what was sent. */
function differences(records: readonly MjrRecord[], sent: readonly Buffer[]): number {
  return sent.filter((packet, index) => !packet.equals(records[index]?.bytes ?? Buffer.alloc(0))).length;
}

for (const threads of [1, 3]) {
  t.test(`with ${String(threads)} media threads a recording is what was sent, packet by packet`, async (t) => {
    const folder = t.testdir();
    const gateway = await testGateway(t, { media: { threads }, recordingsTmpExtension: 'tmp' });
    const tracks = await record(t, gateway, folder);

    await send(tracks, 5);
    await arrival(tracks);
    t.ok(existsSync(join(folder, 'video.mjr.tmp')));
    await Promise.all(tracks.map(({ recorder }) => recorder.close()));

    for (const { recorder, sender, source } of tracks) {
      t.equal(recorder.path, join(folder, `${source.kind}.mjr`));
      const { info, records, cut } = readMjr(readFileSync(recorder.path));
      t.match(info, { t: source.kind[0], c: source.codec.name });
      t.ok(info !== undefined && info.u >= info.s && info.u < Date.now() * 1000);
      t.equal(cut, 0);
      t.equal(records.length, sender.sent.length);
      t.equal(differences(records, sender.sent), 0);
      t.equal(records[0]?.ms, 0);
      t.match(recorder.stats(), {
        packets: records.length,
        bytes: statSync(recorder.path).size,
        dropped: 0,
        duration: records.at(-1)?.ms,
      });
    }
    t.notOk(existsSync(join(folder, 'video.mjr.tmp')));
  });
}

t.test('a sender that starts anew leaves no seam', async (t) => {
  const tracks = await record(t, await testGateway(t), t.testdir());

  await send(tracks, 1);
  await arrival(tracks);
  tracks.forEach(({ sender }) => sender.restart(0x99999999, 12, 34));
  await send(tracks, 1);
  await arrival(tracks);
  await Promise.all(tracks.map(({ recorder }) => recorder.close()));

  for (const { recorder, sender } of tracks) {
    const { records } = readMjr(readFileSync(recorder.path));
    t.equal(records.length, sender.sent.length);
    records.forEach(({ bytes }, index) => {
      const [packet, sent] = [Buffer.from(bytes), sender.sent[index]];
      if (packet.readUInt16BE(2) !== ((65500 + index) & 0xffff)) t.fail(`the number of packet ${String(index)}`);
      if (packet.readUInt32BE(8) !== 0x1234abcd) t.fail(`the SSRC of packet ${String(index)}`);
      if (sent?.compare(packet, 12, undefined, 12) !== 0) t.fail(`the content of packet ${String(index)}`);
      if (sent?.subarray(0, 2).compare(packet, 0, 2) !== 0) t.fail(`marker or payload type of packet ${String(index)}`);
    });
    const timestamps = records.map(({ bytes }) => Buffer.from(bytes).readUInt32BE(4));
    const steps = timestamps.slice(1).map((timestamp, index) => (timestamp - (timestamps[index] ?? 0)) >>> 0);
    t.ok(
      steps.every((step) => step < 90000),
      `the largest step is ${String(Math.max(...steps))}`,
    );
  }
});

t.test('a process that is killed leaves a file that can be read', async (t) => {
  for (const tmp of [[], ['part']]) {
    const path = join(t.testdir(), 'killed.mjr');
    const gateway = new GatewayProcess(t, 'test/support/recorder-process.mjs', { args: [path, ...tmp] });
    const { feedPort } = await gateway.message('ready');
    const sender = new RtpSender(t, { port: feedPort, kind: 'video' });
    const start = performance.now();
    while (performance.now() - start < 3000) {
      await sender.frame();
      await sleep(20);
    }

    gateway.kill('SIGKILL');
    t.equal(await gateway.exited, 'SIGKILL');

    const { info, records } = readMjr(readFileSync([path, ...tmp].join('.')));
    t.match(info, { t: 'v', c: 'vp8' });
    t.equal(differences(records, sender.sent.slice(0, records.length)), 0);
    t.ok((records.at(-1)?.ms ?? 0) > 1900, `it has ${String(records.at(-1)?.ms)} of 3000 ms`);
    t.equal(existsSync(path), tmp.length === 0);
  }
});

const skip = spawnSync('unshare', ['--mount', 'true']).status === 0 ? false : 'no file system may be mounted here';
t.test('a full disk is told, and media goes on', { skip }, async (t) => {
  // Not among the fixtures: where a test that was killed left it would be in the way of the next.
  const folder = mkdtempSync(join(tmpdir(), 'hg-disk-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { encoding: 'utf8' });
  t.equal(mount.status, 0, mount.stderr);
  t.teardown(() => {
    spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  const gateway = await testGateway(t);
  const tracks = await record(t, gateway, folder, 1000);
  const [video, audio] = tracks as [Track, Track];
  const errors: unknown[] = [];
  for (const { recorder } of tracks) recorder.on('error', (error) => errors.push(error));

  await send(tracks, 5, { realTime: true });

  t.match(errors, [
    { code: 'HG_ERR_RECORDING', message: /the disk is full$/ },
    { code: 'HG_ERR_RECORDING', message: /the disk is full$/ },
  ]);
  let packets = 0;
  for (const { recorder, sender } of [video, audio]) {
    t.equal(recorder.closed, true);
    const { records, cut } = readMjr(readFileSync(recorder.path));
    t.equal(cut, 0);
    t.equal(differences(records, sender.sent.slice(0, records.length)), 0);
    packets += records.length;
  }
  t.ok(packets > 200, `${String(packets)} packets fit`);
  t.ok([video, audio].every(hasArrived), 'the sources took in all');
  t.throws(() => gateway.createRecorder({ path: join(folder, 'more'), codec: 'vp8' }), { code: 'HG_ERR_RECORDING' });
  t.same([...gateway.mountpoints].length, 1);
});

t.test('a file that is removed is told', async (t) => {
  const tracks = await record(t, await testGateway(t), t.testdir());
  const [{ recorder }] = tracks as [Track, Track];
  const failed = new Promise<Error>((done) => recorder.once('error', done));
  await send(tracks, 1);

  rmSync(recorder.path);
  await send(tracks, 1);

  t.match(await failed, { code: 'HG_ERR_RECORDING', message: /removed while it was written/ });
});

t.test('where nothing can be written is an error at once', async (t) => {
  const folder = t.testdir({ 'folder.mjr': {} });
  const gateway = await testGateway(t);
  const create = (path: string) => () => gateway.createRecorder({ path: join(folder, path), codec: 'vp8' });

  t.throws(create('folder'), { code: 'HG_ERR_RECORDING', message: /it is a folder$/ });
  t.throws(create('x'.repeat(300)), { code: 'HG_ERR_RECORDING', message: /the name is too long$/ });
  create('twice')();
  t.throws(create('twice'), { code: 'HG_ERR_RECORDING', message: /recorded already$/ });
  t.throws(() => gateway.createRecorder({ path: '/proc/x', codec: 'vp8' }), { code: 'HG_ERR_RECORDING' });
});

t.test('messages are recorded, and a gateway that closes finishes them', async (t) => {
  const folder = t.testdir();
  const gateway = await testGateway(t);
  const recorder = gateway.createDataRecorder({ path: join(folder, 'chat'), description: 'a chat' });
  const before = Date.now() * 1000;
  t.equal(recorder.write('hello'), true);
  t.equal(recorder.write(Buffer.alloc(65527, 'x')), true);
  t.equal(recorder.write(Buffer.alloc(65528)), false);
  let closed = 0;
  recorder.on('close', () => closed++);

  await gateway.close();

  t.equal(closed, 1);
  const { info, records } = readMjr(readFileSync(recorder.path));
  t.match(info, { t: 'd', c: 'text', d: 'a chat' });
  const messages = records.map(({ bytes }) => Buffer.from(bytes));
  t.equal(messages[0]?.toString('utf8', 8), 'hello');
  t.equal(messages[1]?.length, 65535);
  const time = Number(messages[0]?.readBigUInt64BE(0));
  t.ok(time >= before - 2000 && time <= Date.now() * 1000 + 2000, `${String(time)} is now`);
});

t.test(`${String(SECONDS)} s of media are recorded whole`, { timeout: (SECONDS + 60) * 1000 }, async (t) => {
  const tracks = await record(t, await testGateway(t, { media: { threads: 2 } }), t.testdir());

  await send(tracks, SECONDS, { realTime: IS_REAL_TIME });
  await arrival(tracks);
  await Promise.all(tracks.map(({ recorder }) => recorder.close()));

  for (const { recorder, sender, source } of tracks) {
    const { records, cut } = readMjr(readFileSync(recorder.path));
    t.equal(cut, 0);
    t.equal(records.length, sender.sent.length);
    t.equal(differences(records, sender.sent), 0, `${source.kind}: ${String(records.length)} packets`);
    t.match(recorder.stats(), { dropped: 0 });
    t.ok(
      records.every(({ ms }, index) => ms >= (records[index - 1]?.ms ?? 0)),
      'time goes on',
    );
    if (IS_REAL_TIME) {
      const last = records.at(-1)?.ms ?? 0;
      t.ok(Math.abs(last - SECONDS * 1000) < 500, `it ends at ${String(last)} ms`);
    }
  }
});
