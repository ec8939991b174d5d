#!/usr/bin/env node
// What does a packet cost that a tap brings into JavaScript? Sources are fed with
// packets of 1200 bytes in bursts, 1000 bursts a second; each has a tap. Printed
// for each number of taps and each use of the packets: how many a second, and the
// processor time per packet, of the JavaScript thread and of the media thread.
// The latter receives the packets from the socket, too: what the tap adds is the
// difference to the row without taps. `none` takes batches and looks at none;
// `header` reads sequence number, timestamp and marker of each packet; `payload`
// makes a Buffer of each payload.
//
//   node bench/tap.mjs                   all
//   … --seconds 3 --rate 100000          of an interval; packets a second in all
//   … --no-build
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Gateway, link, silentLogger } from 'headgate';
import { Child } from './processes.mjs';

const root = join(import.meta.dirname, '..');
const BURSTS_PER_SECOND = 1000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '100000' },
    'no-build': { type: 'boolean' },
  },
});

if (!options['no-build']) {
  const build = ['native/build.mjs', '--preset', 'bench', '--target', 'feeder'];
  const { status } = spawnSync(process.execPath, build, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(2);
}

/** Of a thread of ours, nanoseconds. */
function timeOf(name) {
  const id = readdirSync('/proc/self/task').find(
    (task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() === name,
  );
  return Number(readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' ')[0]);
}
const times = () => ({
  javascript: Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]),
  media: timeOf('hg-media-0'),
});

let sum = 0;
const USES = {
  none: () => {},
  header: (batch) => {
    for (const packet of batch) sum += packet.sequenceNumber + packet.timestamp + Number(packet.marker);
  },
  payload: (batch) => {
    for (const packet of batch) sum += packet.payload.length;
  },
};

async function measure(sources, use) {
  const gateway = await Gateway.open({ logger: silentLogger, media: { addresses: ['127.0.0.1'], threads: 1 } });
  const { media } = await gateway.createMountpoint({
    media: Array.from({ length: sources }, (_, mid) => ({ type: 'video', mid: String(mid), codec: 'vp8', port: 0 })),
  });
  let batches = 0;
  const taps = [];
  if (use !== undefined) {
    for (const { source } of media) {
      const tap = gateway.createTap({ kind: 'video', maxPackets: Math.floor(16384 / sources) });
      tap.on('packets', (batch) => {
        ++batches;
        USES[use](batch);
      });
      link(source, tap);
      taps.push(tap);
    }
  }
  const perBurst = Math.round(Number(options.rate) / BURSTS_PER_SECOND / sources);
  const feeders = media.map(({ source }) => {
    const args = ['127.0.0.1', String(source.port), String(perBurst), String(BURSTS_PER_SECOND)];
    return new Child(join(root, 'build/bench/feeder'), args, { name: 'feeder' });
  });
  for (const feeder of feeders) feeder.send('start');
  await sleep(1000);

  const count = () => ({
    received: media.reduce((total, { source }) => total + source.stats().packets, 0),
    tapped: taps.reduce((total, tap) => total + tap.stats().packets, 0),
    dropped: taps.reduce((total, tap) => total + tap.stats().dropped, 0),
    batches,
    at: performance.now(),
    ...times(),
  });
  const before = count();
  await sleep(Number(options.seconds) * 1000);
  const after = count();

  await Promise.all(feeders.map((feeder) => feeder.close('SIGKILL')));
  await gateway.close();
  const of = (name) => after[name] - before[name];
  const packets = of('received');
  return {
    taps: taps.length,
    use: use ?? '-',
    'packets/s': Math.round(packets / (of('at') / 1000)),
    'per batch': of('batches') === 0 ? '-' : Math.round(of('tapped') / of('batches')),
    dropped: of('dropped'),
    'JavaScript µs': (of('javascript') / packets / 1000).toFixed(3),
    'media thread µs': (of('media') / packets / 1000).toFixed(3),
  };
}

const rows = [];
for (const sources of [1, 4]) {
  for (const use of [undefined, ...Object.keys(USES)]) rows.push({ sources, ...(await measure(sources, use)) });
}
console.table(rows);
process.exitCode = Number.isFinite(sum) ? 0 : 1;
