#!/usr/bin/env node
// What does signalling cost? First, sessions with a long poll open: the memory of
// each above that of a response parked by plain node:http. Then keepalives, over
// HTTP and over WebSocket, while viewers watch: how long they take, and whether
// viewers lose packets.
//
//   node bench/signalling.mjs                10,000 sessions; 5,000 keepalives a second beside 50 viewers
//   … --sessions 10000 --rate 5000 --viewers 50 --seconds 5
//   … --check                                status 1 if a session takes more than 10 kB, p99 of a keepalive
//                                            is above 50 ms, or a packet was lost
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { address, heading, isolate } from './isolated.mjs';
import { withViewers } from './measure.mjs';
import { forEachLimited, residentBytes, sleep } from './processes.mjs';
import { printTable } from './report.mjs';
import { servers, startParkingServer } from './servers.mjs';

const MOST_BYTES = 10_000;
const MOST_MILLISECONDS = 50;
// Connections that are being made at a time.
const AT_A_TIME = 64;
// Of keepalives.
const CLIENTS = 50;
const FRAME_PACKETS = 8;
const TICKS_PER_SECOND = 100;
// Seconds of the same load before it is measured: both processes compile their
// JavaScript then, which holds the first half second up by some 150 ms.
const WARM_UP = 1;

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5000' },
    viewers: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '5' },
    check: { type: 'boolean' },
    'no-build': { type: 'boolean' },
  },
});
const [sessions, rate, viewers, seconds] = ['sessions', 'rate', 'viewers', 'seconds'].map((name) =>
  Number(options[name]),
);

await isolate(import.meta.filename, { build: !options['no-build'] });
heading();

// ---- sessions with a long poll ------------------------------------------------------

const numbers = (count) => Array.from({ length: count }, (_, index) => index);

/** A request over HTTP; `connected` is called when it is on its way. */
function ask(agent, url, method, body, connected = () => {}) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('end', () => resolve(text));
    });
    outgoing.on('error', reject);
    outgoing.on('finish', connected);
    outgoing.end(body);
  });
}

const create = JSON.stringify({ janus: 'create', transaction: 'c' });
const createSession = async (agent, url) => JSON.parse(await ask(agent, url, 'POST', create)).data.id;

async function resident({ child, pid }) {
  child.send('collect');
  await child.next(({ event }) => event === 'collected', 30, 'end of the collection');
  return residentBytes(pid);
}

/** Memory of each of many parked requests; `urlOf(agent)` of the next. */
async function parked(start, urlOf) {
  const server = await start({ address });
  const few = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
  const many = new Agent({ keepAlive: true, maxSockets: Infinity });
  try {
    // What the first ones bring in is no session's memory.
    for (let i = 0; i < 300; i++) await ask(few, await urlOf(server, few), 'OPTIONS');
    const before = await resident(server);
    await forEachLimited(numbers(sessions), AT_A_TIME, async () => {
      const url = await urlOf(server, few);
      // It ends with the server.
      await new Promise((connected) => ask(many, url, 'GET', undefined, connected).catch(() => {}));
    });
    await sleep(1);
    return ((await resident(server)) - before) / sessions;
  } finally {
    await server.close();
    for (const agent of [few, many]) agent.destroy();
  }
}

async function measureMemory() {
  const bare = await parked(startParkingServer, async ({ url }) => `${url}/park`);
  const ours = await parked(
    servers.headgate.start,
    async ({ url }, agent) => `${url}/${await createSession(agent, url)}?maxev=10`,
  );
  console.log(
    `${sessions} sessions with a long poll: ${ours.toFixed(0)} bytes each; parked by node:http: ${bare.toFixed(0)}`,
  );
  return ours - bare;
}

// ---- keepalives ---------------------------------------------------------------------

/** Clients over HTTP, each with a session and a connection. */
async function httpClients({ url }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const ids = await Promise.all(numbers(CLIENTS).map(() => createSession(agent, url)));
  const body = JSON.stringify({ janus: 'keepalive', transaction: 'k' });
  return {
    keepalive: (client) => ask(agent, `${url}/${ids[client]}`, 'POST', body),
    close: () => agent.destroy(),
  };
}

/** Clients over WebSocket. */
async function webSocketClients({ url }) {
  const sockets = await Promise.all(
    numbers(CLIENTS).map(async () => {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), 'janus-protocol');
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      const waiting = [];
      socket.on('message', (data) => waiting.shift()(data));
      const send = (text) =>
        new Promise((resolve) => {
          waiting.push(resolve);
          socket.send(text);
        });
      const session_id = JSON.parse(await send(create)).data.id;
      return { socket, keepalive: () => send(JSON.stringify({ janus: 'keepalive', transaction: 'k', session_id })) };
    }),
  );
  return {
    keepalive: (client) => sockets[client].keepalive(),
    close: () => sockets.forEach(({ socket }) => socket.terminate()),
  };
}

/** Keepalives at the wanted rate, answered all; milliseconds of each. */
async function keepalives(clients, seconds) {
  const latencies = [];
  const answers = [];
  const begin = performance.now();
  for (let sent = 0; sent < rate * seconds;) {
    // What is due by now: a tick that came late is made up for.
    const due = Math.min(rate * seconds, Math.ceil(((performance.now() - begin) / 1000) * rate));
    for (; sent < due; sent++) {
      const from = performance.now();
      answers.push(clients.keepalive(sent % CLIENTS).then(() => latencies.push(performance.now() - from)));
    }
    await sleep(1 / TICKS_PER_SECOND);
  }
  await Promise.all(answers);
  return { latencies, took: (performance.now() - begin) / 1000 };
}

async function measureKeepalives(connect) {
  const settings = { address, viewers, packets: FRAME_PACKETS, gro: true };
  return withViewers(servers.headgate, settings, async ({ load, instance }) => {
    const clients = await connect(instance);
    await load.mark();
    await keepalives(clients, WARM_UP);
    const { latencies, took } = await keepalives(clients, seconds);
    await sleep(0.5);
    const report = await load.report();
    clients.close();
    latencies.sort((a, b) => a - b);
    const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
    return { rate: latencies.length / took, p50: at(0.5), p99: at(0.99), lost: Math.max(report.missing, 0) };
  });
}

// ---- what they come to --------------------------------------------------------------

const bytes = await measureMemory();
const over = { HTTP: await measureKeepalives(httpClients), WebSocket: await measureKeepalives(webSocketClients) };
console.log('');
printTable(
  [
    ['keepalives over', 'a second', 'p50 ms', 'p99 ms', `packets lost by ${viewers} viewers`],
    ...Object.entries(over).map(([name, figures]) => [
      name,
      figures.rate.toFixed(0),
      figures.p50.toFixed(2),
      figures.p99.toFixed(2),
      figures.lost,
    ]),
  ],
  [0],
);
if (options.check) {
  console.log('');
  const limits = [
    [`a session with a long poll: ${bytes.toFixed(0)} bytes more, at most ${MOST_BYTES}`, bytes <= MOST_BYTES],
  ];
  for (const [name, { p99, lost, rate: reached }] of Object.entries(over)) {
    limits.push([
      `keepalives over ${name}: p99 ${p99.toFixed(1)} ms, at most ${MOST_MILLISECONDS}`,
      p99 <= MOST_MILLISECONDS,
    ]);
    limits.push([`… ${reached.toFixed(0)} a second, at least ${(rate * 0.98).toFixed(0)}`, reached >= rate * 0.98]);
    limits.push([`… ${lost} packets lost, at most 0`, lost === 0]);
  }
  for (const [text, ok] of limits) console.log(`${ok ? 'ok    ' : 'NOT OK'} ${text}`);
  if (!limits.every(([, ok]) => ok)) process.exitCode = 1;
}
