// One measurement: a server, N viewers of a mountpoint, frames of B packets.
import { join } from 'node:path';
import { addCommand, JanusSession, readDescription, writeAnswer } from './janus-api.mjs';
import { Child, cpuBetween, cpuSeconds, forEachLimited, residentBytes, sleep } from './processes.mjs';

export const FRAMES_PER_SECOND = 30;
// Viewers that are being set up at a time.
const SETUPS_AT_A_TIME = 8;
const SETUP_PATIENCE = 60;
const WARM_UP_HANDLES = 300;
// From the first packet to the interval that is measured, in seconds.
const SETTLING = 1.5;
// What was lost at the end of the interval may still be resent.
const RESENDING = 0.5;

const root = join(import.meta.dirname, '..');
const program = (name) => join(root, 'build/bench', name);

/** The load client and the mountpoint's feeder, in processes of their own. */
class Load {
  #client;
  #feeder;
  #session;
  #nextId = 1;

  constructor(address, gro = true) {
    const args = gro ? [address] : [address, '--no-gro'];
    this.#client = new Child(program('load_client'), args, { name: 'load client' });
  }

  feed(address, port, packetsPerFrame) {
    const args = [address, port, packetsPerFrame, FRAMES_PER_SECOND].map(String);
    this.#feeder = new Child(program('feeder'), args, { name: 'feeder' });
  }

  startFeed() {
    this.#feeder.send('start');
  }

  stopFeed() {
    this.#feeder.send('stop');
  }

  /** How many packets were fed so far. */
  async fed() {
    this.#feeder.send('count');
    return (await this.#feeder.next(() => true, 5, 'count of packets sent')).sent;
  }

  async openSinks(count) {
    this.#client.send(`sink ${count}`);
    const { ports } = await this.#client.next(({ event }) => event === 'sinks', 10, 'sinks');
    if (ports.length !== count) throw new Error('the load client could not bind its sockets');
    return ports;
  }

  /** Handles that come, ask something and go: signalling alone, without a peer. */
  async exerciseSignalling(url, count) {
    this.#session ??= await JanusSession.open(url);
    await forEachLimited(Array.from({ length: count }), SETUPS_AT_A_TIME, async () => {
      const handle = await this.#session.attach();
      await this.#session.ask(handle, { request: 'info', id: 1 });
      await this.#session.detach(handle);
    });
  }

  /** Sets up viewers; gives their ids and how long each took, in milliseconds. */
  async addViewers(url, count) {
    this.#session ??= await JanusSession.open(url);
    const viewers = [];
    const numbers = Array.from({ length: count }, () => this.#nextId++);
    await forEachLimited(numbers, SETUPS_AT_A_TIME, async (id) => viewers.push(await this.#addViewer(id)));
    return viewers;
  }

  async #addViewer(id) {
    const about = (name) => (message) => message.event === name && message.id === id;
    const handle = await this.#session.attach();
    const begin = performance.now();
    const { jsep } = await this.#session.message(handle, { request: 'watch', id: 1 });
    const offer = readDescription(jsep.sdp);
    this.#client.send(addCommand(id, offer));
    const local = await this.#client.next(about('local'), SETUP_PATIENCE, 'candidates of a viewer');
    const answer = { type: 'answer', sdp: writeAnswer(offer, local) };
    const [{ profile }] = await Promise.all([
      this.#client.next(about('connected'), SETUP_PATIENCE, `connection of viewer ${id}`),
      this.#session.message(handle, { request: 'start' }, answer),
    ]);
    return { id, handle, profile, milliseconds: performance.now() - begin };
  }

  async waitForMedia(viewers, seconds) {
    const first = ({ id }) => this.#client.next((m) => m.event === 'media' && m.id === id, seconds, 'media');
    const results = await Promise.allSettled(viewers.map(first));
    return results.filter(({ status }) => status === 'fulfilled').length;
  }

  async removeViewer({ id, handle }) {
    this.#client.send(`remove ${id}`);
    await this.#session.detach(handle);
  }

  async mark() {
    this.#client.send('mark');
    await this.#client.next(({ event }) => event === 'marked', 30, 'answer');
  }

  async report() {
    this.#client.send('report');
    return this.#client.next(({ event }) => event === 'report', 30, 'report');
  }

  async close() {
    await this.#session?.close();
    await this.#feeder?.close();
    await this.#client.close();
  }
}

/** Starts a server with `viewers` watching and runs `then`; ends everything. */
export async function withViewers(server, { address, viewers, packets, gro }, then) {
  const load = new Load(address, gro);
  let instance;
  try {
    instance = await server.start({ address });
    load.feed(address, instance.feedPort, packets);

    // What a process that has just started pays once is no viewer's memory: the
    // young generation of V8's heap, code that the first viewer brings in.
    await load.exerciseSignalling(instance.url, WARM_UP_HANDLES);
    load.startFeed();
    const [first] = await load.addViewers(instance.url, 1);
    if ((await load.waitForMedia([first], 10)) !== 1) throw new Error('the first viewer got no media');
    await load.removeViewer(first);
    load.stopFeed();
    await sleep(0.5);

    const residentBefore = residentBytes(instance.pid);
    const begin = performance.now();
    const added = await load.addViewers(instance.url, viewers);
    const setupSeconds = (performance.now() - begin) / 1000;
    load.startFeed();
    const watching = await load.waitForMedia(added, 15);
    await sleep(SETTLING);
    return await then({ load, instance, added, residentBefore, setupSeconds, watching });
  } finally {
    await load.close();
    await instance?.close();
  }
}

/** A cell of the table for one server. */
export async function measure(server, { address, viewers, packets, seconds, gro }) {
  if (server.bare) return measureBareLoop({ address, viewers, packets, seconds, gro });
  return withViewers(
    server,
    { address, viewers, packets, gro },
    async ({ load, instance, added, residentBefore, setupSeconds, watching }) => {
      const fedBefore = await load.fed();
      await load.mark();
      const { slices, ...interval } = await measureSlices(load, instance.pid, seconds, 'received');
      const fed = (await load.fed()) - fedBefore;
      const resident = residentBytes(instance.pid);
      await sleep(RESENDING);
      const end = await load.report();
      return {
        ...interval,
        slices,
        clientLoad: interval.clientCpu / interval.seconds,
        fed: fed * viewers,
        // Fewer than at its begin: what was missing then was resent meanwhile.
        loss: Math.max(end.missing, 0) / Math.max(end.received + end.missing, 1),
        silent: viewers - watching,
        latencyP50: end.latencyP50 / 1000,
        latencyP99: end.latencyP99 / 1000,
        bytesPerViewer: (resident - residentBefore) / viewers,
        setupMilliseconds: median(added.map(({ milliseconds }) => milliseconds)),
        setupSeconds,
        profile: added[0].profile,
        report: end,
      };
    },
  );
}

/**
 * What the process `pid` uses per packet (of those that the client counts as
 * `counter`): the median over slices of a second, which a machine that stood
 * still for a moment does not spoil.
 */
export async function measureSlices(load, pid, seconds, counter) {
  const slices = [];
  let report = { [counter]: 0 };
  const cpuBefore = cpuSeconds(pid);
  let cpu = cpuBefore;
  for (let i = 0; i < seconds; i++) {
    await sleep(1);
    // Read as the report comes: a busy client takes its time.
    const next = await load.report();
    const cpuNow = cpuSeconds(pid);
    slices.push((cpuBetween(cpu, cpuNow).seconds * 1e6) / Math.max(next[counter] - report[counter], 1));
    report = next;
    cpu = cpuNow;
  }
  const all = cpuBetween(cpuBefore, cpu);
  return {
    microsPerPacket: median(slices),
    slices,
    load: all.seconds / report.seconds,
    threads: all.threads,
    received: report[counter],
    seconds: report.seconds,
    clientCpu: report.clientCpu,
  };
}

async function measureBareLoop({ address, viewers, packets, seconds, gro }) {
  const load = new Load(address, gro);
  let child;
  try {
    const ports = await load.openSinks(viewers);
    const script = join(import.meta.dirname, 'bare-server.mjs');
    const args = [script, program('bare_loop.node'), address, packets, FRAMES_PER_SECOND, ports.join(',')];
    child = new Child(process.execPath, args.map(String), { name: 'bare loop' });
    await child.next(({ event }) => event === 'ready', 20, 'start');
    await sleep(SETTLING);
    await load.mark();
    const interval = await measureSlices(load, child.pid, seconds, 'sunk');
    return {
      ...interval,
      fed: viewers * packets * FRAMES_PER_SECOND * interval.seconds,
      profile: 'AEAD_AES_128_GCM',
    };
  } finally {
    await load.close();
    await child?.close();
  }
}

/**
 * The application hangs in `while (true)` for two seconds; no viewer may notice.
 * Gives what went wrong, and the figures.
 */
export async function measureStall(server, { address, viewers, packets, milliseconds, gro }) {
  return withViewers(server, { address, viewers, packets, gro }, async ({ load, instance, watching }) => {
    const stats = async () => {
      instance.child.send('stats');
      return instance.child.next(({ event }) => event === 'stats', 10, 'statistics');
    };
    const before = await stats();
    const fedBefore = await load.fed();
    await load.mark();
    instance.child.send(`stall ${milliseconds}`);
    await sleep(milliseconds / 1000 + 0.5);
    await instance.child.next(({ event }) => event === 'stalled', 10, 'end of the stall');
    load.stopFeed();
    await sleep(RESENDING);
    const fed = (await load.fed()) - fedBefore;
    const report = await load.report();
    const after = await stats();
    const sum = ({ gateway }) => gateway.threads.reduce((all, { socketDrops }) => all + socketDrops, 0);
    const dropped = ({ mountpoint }) => mountpoint.media.reduce((all, one) => all + one.dropped + one.lost, 0);
    const figures = {
      socketDrops: sum(after) - sum(before),
      sourceDrops: dropped(after) - dropped(before),
      missing: report.missing,
      lost: report.lost,
      corrupt: report.corrupt + report.wrong,
      received: report.received,
      fed: fed * viewers,
      fewest: report.fewest,
      most: report.most,
      clientDrops: report.clientDrops,
      latencyP99: report.latencyP99 / 1000,
      latencyMax: report.latencyMax / 1000,
    };
    const failures = ['socketDrops', 'sourceDrops', 'missing', 'lost', 'corrupt']
      .filter((name) => figures[name] !== 0)
      .map((name) => `${name} is ${figures[name]}`);
    const nominal = (packets * FRAMES_PER_SECOND * milliseconds) / 1000;
    if (fed < nominal / 2) failures.push(`only ${fed} packets were fed: this machine is too busy to tell`);
    if (watching !== viewers) failures.push(`only ${watching} of ${viewers} viewers got media`);
    // A frame may have been between the two counts as they began.
    if (report.fewest < fed - packets) failures.push(`a viewer got ${report.fewest} of ${fed} packets`);
    return { ok: failures.length === 0, failures, ...figures };
  });
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
