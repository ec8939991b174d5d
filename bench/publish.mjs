#!/usr/bin/env node
// What does a packet cost that a peer sends, and a message? N peers with the echo
// test, full ICE and DTLS, in a process of their own (publish_client), which send
// frames of 8 packets of 1200 bytes at 30 frames a second, or messages by a data
// channel. Printed for each case: the server's CPU time (all its threads, user
// and system) for
//   received   a packet of a muted video: it goes nowhere
//   echoed     a packet that is sent back
//   message    a message that is sent back
// Beside it Janus, if it is installed, in its best mode (`event_loops = 1`): both
// run, and have a second each in turn. What they come to is the median over pairs
// of such seconds.
//
//   node bench/publish.mjs                   all of N = 1, 50, 200; messages of 100 and 16,000 bytes of 50 peers
//   … --n 50 --size 100                      only these; may be given more than once
//   … --rate 240                             messages a second of each of them; default 40 of 100 bytes, else 8
//   … --case received                        or echoed, message; more than once
//   … --only headgate                        or janus-best, janus-default; more than once
//   … --b 8                                  packets of a publisher in a row: 1 spreads them evenly
//   … --no-gro                               the client's sockets take packet by packet (load_client.cc)
//   … --turns 8                              seconds of each server, one by one
//   … --json FILE                            all figures
//   … --check                                status 1 if a case costs more than a third of Janus
//                                            in its best mode, or packets got lost
//
// A gateway that loses packets does not look cheap by it: only what was received,
// or came back, is counted.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { address, fail, heading, isolate } from './isolated.mjs';
import { median } from './measure.mjs';
import { measureMessages, measureVideo, PACKETS_PER_SECOND } from './publishers.mjs';
import { fixed, percent, printTable } from './report.mjs';
import { servers } from './servers.mjs';

const MOST_OF_BEST = 1 / 3;
const MOST_LOST = 0.001;
const MESSAGE_PEERS = 50;
// Messages a second of a peer, by bytes: about a tenth of what Janus can take.
const MESSAGE_RATES = { 100: 40 };
const FEWEST_MESSAGES = 8;
const CASES = ['received', 'echoed', 'message'];

const { values: options } = parseArgs({
  options: {
    n: { type: 'string', multiple: true, default: ['1', '50', '200'] },
    size: { type: 'string', multiple: true, default: ['100', '16000'] },
    rate: { type: 'string' },
    case: { type: 'string', multiple: true, default: CASES },
    only: { type: 'string', multiple: true, default: ['headgate', 'janus-best'] },
    b: { type: 'string', default: '8' },
    turns: { type: 'string', default: '8' },
    json: { type: 'string' },
    check: { type: 'boolean' },
    'no-build': { type: 'boolean' },
    'no-gro': { type: 'boolean' },
  },
});
const known = Object.keys(servers).filter((name) => !servers[name].bare);
for (const name of options.only) if (!known.includes(name)) fail(`--only takes one of ${known.join(', ')}`);
for (const name of options.case) if (!CASES.includes(name)) fail(`--case takes one of ${CASES.join(', ')}`);

function number(text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) fail(`${text} is not a whole number`);
  return value;
}

const turns = number(options.turns);
const burst = number(options.b);
const peers = options.n.map(number);
const sizes = options.size.map(number);

await isolate(import.meta.filename, { build: !options['no-build'] });
const janus = heading();
const names = options.only.filter((name) => !servers[name].janus || janus !== undefined);

// ---- the measurements -------------------------------------------------------------

const gro = !options['no-gro'];
const cells = [];

function cellOf(what, count, size) {
  let cell = cells.find((one) => one.what === what && one.count === count && one.size === size);
  if (cell === undefined) {
    cell = { what, count, size, by: {} };
    cells.push(cell);
  }
  return cell;
}

const titleOf = ({ what, count, size }) =>
  what === 'message' ? `messages of ${size} bytes of ${count} peers` : `packets ${what} of ${count} publishers`;

function note(cell, name, figures) {
  cell.by[name] = figures;
  console.log(`${titleOf(cell)}, ${servers[name].title}: ${describe(figures)}`);
}

function describe({ micros, load, loss, clientLoad, report }) {
  const parts = [`${micros.toFixed(2)} µs`, `${percent(load)} of a core`];
  if (loss > 0) parts.push(`${percent(loss)} lost`);
  if (report.wrong > 0) parts.push(`${report.wrong} that are wrong`);
  if (report.foreign > 0) parts.push(`${report.foreign} from where ICE has not been`);
  if (report.resent + report.nacks > 0) parts.push(`${report.resent} + ${report.nacks} asked for again`);
  if (report.heldBack > 0) parts.push(`${report.heldBack} held back`);
  if (report.clientDrops > 0) parts.push(`the client dropped ${report.clientDrops}`);
  if (clientLoad > 0.9) parts.push(`the client at ${percent(clientLoad)} of a core is the limit`);
  return parts.join(', ');
}

async function measureAll() {
  const chosen = Object.fromEntries(names.map((name) => [name, servers[name]]));
  const onFailure = (name, error) => {
    console.log(`${servers[name].title}: failed: ${error.message}`);
    if (!servers[name].janus) process.exitCode = 1;
  };
  const settings = { address, gro, turns, onFailure };
  const cases = options.case.filter((name) => name !== 'message');
  for (const count of cases.length > 0 ? peers : []) {
    await measureVideo(chosen, { ...settings, count, burst, cases }, (what, name, figures) =>
      note(cellOf(what, count), name, figures),
    );
  }
  for (const size of options.case.includes('message') ? sizes : []) {
    const rate = options.rate === undefined ? (MESSAGE_RATES[size] ?? FEWEST_MESSAGES) : number(options.rate);
    await measureMessages(chosen, { ...settings, count: MESSAGE_PEERS, rate, size }, (name, figures) =>
      note(cellOf('message', MESSAGE_PEERS, size), name, figures),
    );
  }
}

// ---- what they come to --------------------------------------------------------------

const figure = (cell, name, member) => cell.by[name]?.[member];

/** What headgate costs, in terms of Janus in its best mode: the median over seconds that follow each other. */
function ratio(cell) {
  const [ours, best] = ['headgate', 'janus-best'].map((name) => figure(cell, name, 'slices'));
  return ours === undefined || best === undefined ? undefined : median(ours.map((micros, i) => micros / best[i]));
}

function table() {
  const rows = [['what', 'peers', 'bytes', 'server', 'µs', '× Janus', 'client', 'loss', 'p50 ms', 'p99 ms', 'core']];
  for (const cell of cells) {
    for (const name of names) {
      const get = (member) => figure(cell, name, member);
      const isEchoed = cell.what !== 'received';
      rows.push([
        cell.what,
        cell.count,
        cell.size ?? 1200,
        servers[name].title,
        fixed(get('micros'), 2),
        name === 'headgate' ? fixed(ratio(cell), 2) : '',
        fixed(cell.what === 'message' ? get('clientMicros') : undefined, 2),
        get('loss') === undefined ? '–' : percent(get('loss')),
        fixed(isEchoed ? get('latencyP50') : undefined, 2),
        fixed(isEchoed ? get('latencyP99') : undefined, 2),
        get('load') === undefined ? '–' : percent(get('load')),
      ]);
    }
  }
  printTable(rows, [0, 3]);
  console.log(`
µs: the median over ${turns} seconds of the server's CPU time for each packet that it received, or that came back, or
each message that came back; ${PACKETS_PER_SECOND} packets a second of each publisher, ${burst} in a row.
× Janus: the median over pairs of seconds that followed each other.
Client: its own time for each message: the same DTLS, SCTP and UDP, in one thread and without JavaScript.
Loss: for received, by the server's reports; for the others by what came back, half a second after the last.
Latency: there and back; the client looks every 0.5 ms.`);
}

function checkLimits() {
  let isKept = true;
  for (const cell of cells) {
    const value = ratio(cell);
    const loss = figure(cell, 'headgate', 'loss');
    const ok = value !== undefined && value <= MOST_OF_BEST && loss <= MOST_LOST;
    const text =
      value === undefined ? 'not measured beside Janus' : `${value.toFixed(3)} × ${servers['janus-best'].title}`;
    console.log(
      `${ok ? 'ok    ' : 'NOT OK'} ${titleOf(cell)}: ${text}, at most 0.333; ` +
        `${loss === undefined ? '–' : percent(loss)} lost, at most ${percent(MOST_LOST)}`,
    );
    isKept &&= ok;
  }
  if (!isKept || cells.length === 0) process.exitCode = 1;
}

await measureAll();
console.log('');
table();
if (options.check) {
  console.log('');
  checkLimits();
}
if (options.json) writeFileSync(options.json, JSON.stringify({ cells }, null, 2));
