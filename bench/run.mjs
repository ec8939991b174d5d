#!/usr/bin/env node
// What does a delivered packet cost? A mountpoint is fed with frames of B
// packets of 1200 bytes at 30 frames a second and watched by N viewers: full
// ICE and DTLS, in a process of their own (load_client). Printed for each N and
// B: the server's CPU time per delivered packet (all its threads, user and
// system), loss, latency, memory per viewer and set-up time. Taking turns in
// the same run: a loop that only encrypts and sends (the limit) and, if it is
// installed, Janus in its best mode (`event_loops = 1`) and its default mode.
//
//   node bench/run.mjs                       all of N = 1, 10, 100, 500, B = 1, 8, 32
//   … --n 100 --b 8                          only these; may be given more than once
//   … --only headgate                        or bare, janus-best, janus-default; more than once
//   … --no-gro                               the client's sockets take packet by packet (load_client.cc)
//   … --seconds 5 --repeat 1                 of an interval; of each measurement
//   … --json FILE                            all figures
//   … --stall                                instead: 20 viewers, while the application hangs for 2 s
//   … --check                                instead: the cell and the stall that have limits, and
//                                            status 1 if one is not kept
//
// What peers send is measured by bench/publish.mjs. As root both run in a network
// namespace of their own, also because Janus skips loopback; else on loopback,
// without Janus.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { address, fail, heading, isolate } from './isolated.mjs';
import { FRAMES_PER_SECOND, measure, measureStall, median } from './measure.mjs';
import { fixed, percent, printTable } from './report.mjs';
import { servers } from './servers.mjs';

const MOST_PACKETS_PER_SECOND = 120_000;
const LIMITS = { viewers: 100, packets: 8, ofBest: 1 / 4, ofDefault: 1 / 8, ofBare: 2, bytesPerViewer: 150_000 };
const STALL = { viewers: 20, packets: 8, milliseconds: 2000 };

const { values: options } = parseArgs({
  options: {
    n: { type: 'string', multiple: true, default: ['1', '10', '100', '500'] },
    b: { type: 'string', multiple: true, default: ['1', '8', '32'] },
    only: { type: 'string', multiple: true },
    seconds: { type: 'string' },
    repeat: { type: 'string' },
    json: { type: 'string' },
    stall: { type: 'boolean' },
    check: { type: 'boolean' },
    'no-build': { type: 'boolean' },
    'no-gro': { type: 'boolean' },
  },
});
for (const name of options.only ?? []) {
  if (!Object.hasOwn(servers, name)) fail(`--only takes one of ${Object.keys(servers).join(', ')}`);
}

function number(text, fallback) {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1) fail(`${text} is not a whole number`);
  return value;
}

await isolate(import.meta.filename, { build: !options['no-build'] });

// ---- the cells ------------------------------------------------------------------

const gro = !options['no-gro'];
const janus = heading();
const names = Object.keys(servers).filter((name) => {
  if (options.only !== undefined && !options.only.includes(name)) return false;
  return !servers[name].janus || janus !== undefined;
});
const results = [];

async function measureCell(viewers, packets, seconds, repeat) {
  const rate = viewers * packets * FRAMES_PER_SECOND;
  if (rate > MOST_PACKETS_PER_SECOND) {
    console.log(`N = ${viewers}, B = ${packets}: skipped, ${rate} packets a second are more than 120,000`);
    results.push({ viewers, packets, skipped: true });
    return;
  }
  const cell = { viewers, packets, rate, by: {} };
  for (let turn = 0; turn < repeat; turn++) {
    for (const name of names) {
      const what = `N = ${viewers}, B = ${packets}, ${servers[name].title}`;
      try {
        const figures = await measure(servers[name], { address, viewers, packets, seconds, gro });
        (cell.by[name] ??= []).push(figures);
        console.log(`${what}: ${describe(figures)}`);
      } catch (error) {
        console.log(`${what}: failed: ${error.message}`);
        // Janus may give up where it is overloaded; that is a result.
        cell.failed ||= !servers[name].janus;
      }
    }
  }
  results.push(cell);
}

function describe(figures) {
  const { microsPerPacket, loss, received, fed, silent, load, clientLoad } = figures;
  const parts = [`${microsPerPacket.toFixed(2)} µs a packet`, `${percent(load)} of a core`];
  if (loss !== undefined) parts.push(`${percent(loss)} lost`);
  if (received < fed * 0.97) parts.push(`${percent(received / fed)} of what was fed`);
  if (silent > 0) parts.push(`${silent} viewers without media`);
  if (clientLoad > 0.9) parts.push(`the client at ${percent(clientLoad)} of a core is the limit`);
  if (figures.report?.clientDrops > 0) parts.push(`the client dropped ${figures.report.clientDrops}`);
  return parts.join(', ');
}

/** The median of a figure over all turns. */
function figure(cell, name, member) {
  const values = (cell.by[name] ?? []).map((figures) => figures[member]).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

function table() {
  const rows = [
    ['viewers', 'burst', 'server', 'µs/packet', '× bare', 'loss', 'p50 ms', 'p99 ms', 'kB/viewer', 'set-up ms', 'SRTP'],
  ];
  for (const cell of results) {
    const { viewers, packets } = cell;
    if (cell.skipped) {
      rows.push([viewers, packets, 'skipped: more than 120,000 packets a second']);
      continue;
    }
    const bare = figure(cell, 'bare', 'microsPerPacket');
    for (const name of names) {
      if (cell.by[name] === undefined) {
        rows.push([viewers, packets, `${servers[name].title}: failed`]);
        continue;
      }
      const get = (member) => figure(cell, name, member);
      const micros = get('microsPerPacket');
      const loss = get('loss');
      rows.push([
        viewers,
        packets,
        servers[name].title,
        fixed(micros, 2),
        fixed(micros === undefined || bare === undefined ? undefined : micros / bare, 2),
        loss === undefined ? '–' : percent(loss),
        fixed(get('latencyP50'), 2),
        fixed(get('latencyP99'), 2),
        servers[name].bare ? '–' : fixed(get('bytesPerViewer') / 1000, 0),
        fixed(get('setupMilliseconds'), 0),
        cell.by[name]?.[0].profile ?? '–',
      ]);
    }
  }
  printTable(rows, [2, 10]);
  console.log(
    '\nkB/viewer: growth of resident memory from before the viewers to the end of the interval, in a process',
  );
  console.log('that has served 300 handles without a peer, and one viewer; no keyframe buffer. Set-up: median from');
  console.log(
    '`watch` to the end of the DTLS handshake, 8 viewers at a time. Loss: by the numbers inside the packets,',
  );
  console.log('after half a second for resends. Latency: from the feeder to the client, which looks every 0.5 ms (so');
  console.log('that no server pays for waking it) and decrypts; the wait for that is part of it.');
  console.log('The bare loop sends at the same pace to as many sockets, which another process drains. µs/packet: the');
  console.log('median over slices of a second.');
  if (gro) {
    console.log(
      "The client's sockets take a GSO message in one piece (UDP_GRO), as a network card does for viewers that",
    );
    console.log('are elsewhere; with --no-gro the kernel cuts it up on the account of the server.');
  } else {
    console.log(
      "The client's sockets take packet by packet: the kernel cuts up GSO messages on the account of the server.",
    );
  }
}

function ratios(cell) {
  const headgate = figure(cell, 'headgate', 'microsPerPacket');
  return ['bare', 'janus-best', 'janus-default']
    .map((name) => [name, figure(cell, name, 'microsPerPacket')])
    .filter(([, micros]) => headgate !== undefined && micros !== undefined)
    .map(([name, micros]) => ({ name, ratio: headgate / micros }));
}

function printRatios() {
  for (const cell of results.filter(({ skipped }) => !skipped)) {
    const texts = ratios(cell).map(({ name, ratio }) => `${ratio.toFixed(2)} × ${servers[name].title}`);
    if (texts.length > 0) console.log(`N = ${cell.viewers}, B = ${cell.packets}: headgate costs ${texts.join(', ')}`);
  }
}

// ---- limits -----------------------------------------------------------------------

let isKept = true;

function check(text, ok) {
  console.log(`${ok ? 'ok    ' : 'NOT OK'} ${text}`);
  if (!ok) isKept = false;
}

async function stall() {
  const { viewers, packets, milliseconds } = STALL;
  const figures = await measureStall(servers.headgate, { address, viewers, packets, milliseconds, gro });
  const rate = packets * FRAMES_PER_SECOND;
  check(
    `a ${milliseconds} ms hang of the application loses nothing of ${viewers} viewers at ${rate} packets a second: ` +
      (figures.ok ? `${figures.received} packets, none missing` : figures.failures.join(', ')),
    figures.ok,
  );
  console.log(`       latency p99 ${figures.latencyP99.toFixed(2)} ms, most ${figures.latencyMax.toFixed(2)} ms`);
  return figures;
}

async function checkLimits(seconds, repeat) {
  const { viewers, packets, ofBest, ofDefault, ofBare, bytesPerViewer } = LIMITS;
  await measureCell(viewers, packets, seconds, repeat);
  const [cell] = results;
  const limits = { bare: ofBare, 'janus-best': ofBest, 'janus-default': ofDefault };
  console.log('');
  for (const { name, ratio } of ratios(cell)) {
    check(`${ratio.toFixed(3)} × ${servers[name].title}, at most ${limits[name]}`, ratio <= limits[name]);
  }
  const ours = cell.by.headgate ?? [];
  const lost = ours.reduce((all, { report }) => all + report.missing, 0);
  check(
    `${lost} packets lost of ${ours.reduce((all, { received }) => all + received, 0)}`,
    ours.length > 0 && lost === 0,
  );
  const bytes = figure(cell, 'headgate', 'bytesPerViewer') ?? Infinity;
  check(`${(bytes / 1000).toFixed(0)} kB a viewer, at most ${bytesPerViewer / 1000}`, bytes <= bytesPerViewer);
  await stall();
}

// ---- main -------------------------------------------------------------------------

if (options.stall) {
  const figures = await stall();
  if (options.json) writeFileSync(options.json, JSON.stringify(figures, null, 2));
} else if (options.check) {
  await checkLimits(number(options.seconds, 8), number(options.repeat, 3));
} else {
  for (const viewers of options.n) {
    for (const packets of options.b) {
      await measureCell(number(viewers), number(packets), number(options.seconds, 5), number(options.repeat, 1));
    }
  }
  console.log('');
  table();
  console.log('');
  printRatios();
}
if (options.json && !options.stall) writeFileSync(options.json, JSON.stringify({ results }, null, 2));
process.exitCode = isKept && !results.some(({ failed }) => failed) ? 0 : 1;
