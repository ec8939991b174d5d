// What peers send to servers that take turns, a second each: N peers of each with
// its echo test. A machine whose speed changes from minute to minute is the same
// for two seconds beside each other.
import { join } from 'node:path';
import { connectCommand, JanusSession, readDescription, writeDataOffer, writeVideoOffer } from './janus-api.mjs';
import { median } from './measure.mjs';
import { Child, cpuBetween, cpuSeconds, forEachLimited, sleep } from './processes.mjs';

export const PACKETS_PER_SECOND = 240;
const SETUPS_AT_A_TIME = 8;
const SETUP_PATIENCE = 60;
// From the first packet to the second that is measured, in seconds.
const SETTLING = 0.5;
// What was lost at its end may still be resent.
const RESENDING = 0.5;
// Receiver reports come once a second, and get lost.
const REPORTING = 2.5;

const program = join(import.meta.dirname, '../build/bench/publish_client');

/** The publish client and the handles of its peers. */
class Publishers {
  #client;
  #session;
  #handles = [];

  constructor(address, gro) {
    this.#client = new Child(program, gro ? [address] : [address, '--no-gro'], { name: 'publish client' });
  }

  /** Peers that offer video, which is not sent back at first, or data channels. */
  async add(url, count, kind) {
    this.#session = await JanusSession.open(url);
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    await forEachLimited(numbers, SETUPS_AT_A_TIME, (id) => this.#add(id, kind));
  }

  async #add(id, kind) {
    const about = (name) => (message) => message.event === name && message.id === id;
    const handle = await this.#session.attach('janus.plugin.echotest');
    this.#client.send(`add id=${id}`);
    const local = await this.#client.next(about('local'), SETUP_PATIENCE, 'candidates of a peer');
    const offer = kind === 'video' ? writeVideoOffer(id, local) : writeDataOffer(local);
    const body = { audio: false, video: false };
    const { jsep } = await this.#session.message(handle, body, { type: 'offer', sdp: offer });
    this.#client.send(connectCommand(id, readDescription(jsep.sdp)));
    await this.#client.next(about('connected'), SETUP_PATIENCE, `connection of peer ${id}`);
    this.#handles.push(handle);
  }

  async sendBack(video) {
    await forEachLimited(this.#handles, SETUPS_AT_A_TIME, (handle) => this.#session.message(handle, { video }));
  }

  sendVideo(burst) {
    this.#client.send(`video ${PACKETS_PER_SECOND} ${burst}`);
  }

  sendMessages(rate, size) {
    this.#client.send(`messages ${rate} ${size}`);
  }

  quiet() {
    this.#client.send('quiet');
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
    await this.#client.close();
  }
}

/**
 * Starts servers with `count` peers each and runs `then` with those that could
 * be had; ends everything. `onFailure(name, error)` is told of the others: Janus
 * may give up where it is overloaded, which is a result.
 */
async function withPublishers(servers, { address, gro, count, kind, onFailure }, then) {
  const rigs = [];
  try {
    for (const [name, server] of Object.entries(servers)) {
      const rig = { name, publishers: new Publishers(address, gro), slices: [] };
      rigs.push(rig);
      try {
        rig.instance = await server.start({ address });
        await rig.publishers.add(rig.instance.url, count, kind);
      } catch (error) {
        rig.failed = true;
        onFailure(name, error);
      }
    }
    await then(rigs.filter(({ failed }) => !failed));
  } finally {
    for (const { publishers, instance } of rigs) {
      await publishers.close();
      await instance?.close();
    }
  }
}

/** A second of one server; what it cost for each that the client counts as `counter`. */
async function takeTurn(rig, counter, start) {
  const { publishers, instance } = rig;
  start(publishers);
  await sleep(SETTLING);
  const before = await publishers.report();
  const cpuBefore = cpuSeconds(instance.pid);
  await sleep(1);
  // Read as the report comes: a busy client takes its time.
  const after = await publishers.report();
  const cpuAfter = cpuSeconds(instance.pid);
  publishers.quiet();
  await sleep(RESENDING);
  const cpu = cpuBetween(cpuBefore, cpuAfter).seconds;
  rig.slices.push({
    micros: (cpu * 1e6) / Math.max(after[counter] - before[counter], 1),
    load: cpu / (after.seconds - before.seconds),
    clientLoad: (after.clientCpu - before.clientCpu) / (after.seconds - before.seconds),
    clientMicros: ((after.clientCpu - before.clientCpu) * 1e6) / Math.max(after.received - before.received, 1),
  });
}

/** `turns` seconds of each; `note(name, figures)` of each server. */
async function takeTurns(rigs, { turns, counter, start, note }) {
  for (const rig of rigs) {
    rig.slices = [];
    await rig.publishers.mark();
  }
  // There and back, so that a drift meets all alike.
  for (let turn = 0; turn < turns; turn++) {
    for (const rig of turn % 2 === 0 ? rigs : [...rigs].reverse()) await takeTurn(rig, counter, start);
  }
  for (const { name, slices, publishers } of rigs) {
    const report = await publishers.report();
    const of = (member) => median(slices.map((slice) => slice[member]));
    note(name, {
      micros: of('micros'),
      slices: slices.map(({ micros }) => micros),
      load: of('load'),
      clientLoad: of('clientLoad'),
      clientMicros: of('clientMicros'),
      loss: Math.max(report.sent - report.received, 0) / Math.max(report.sent, 1),
      latencyP50: report.latencyP50 / 1000,
      latencyP99: report.latencyP99 / 1000,
      report,
    });
  }
}

/** Video of `count` publishers; `note(case, name, figures)` for each of `cases`: `received`, `echoed`. */
export async function measureVideo(servers, { burst, turns, cases, ...settings }, note) {
  await withPublishers(servers, { ...settings, kind: 'video' }, async (rigs) => {
    const start = (publishers) => publishers.sendVideo(burst);
    if (cases.includes('received')) {
      const noted = [];
      await takeTurns(rigs, { turns, counter: 'sent', start, note: (name, figures) => noted.push([name, figures]) });
      // Nothing comes back: the servers' reports tell, of all they were sent.
      await sleep(REPORTING);
      for (const [name, figures] of noted) {
        const { lostInAll, sentInAll } = await rigs.find((rig) => rig.name === name).publishers.report();
        const loss = lostInAll / Math.max(sentInAll, 1);
        const really = (micros) => micros / Math.max(1 - loss, 0.001);
        note('received', name, {
          ...figures,
          loss,
          micros: really(figures.micros),
          slices: figures.slices.map(really),
        });
      }
    }
    if (cases.includes('echoed')) {
      for (const { publishers } of rigs) await publishers.sendBack(true);
      await takeTurns(rigs, { turns, counter: 'received', start, note: (...of) => note('echoed', ...of) });
    }
  });
}

/** Messages of `size` bytes, `rate` a second of each of `count` peers, which come back; `note(name, figures)`. */
export async function measureMessages(servers, { rate, size, turns, ...settings }, note) {
  await withPublishers(servers, { ...settings, kind: 'data' }, (rigs) =>
    takeTurns(rigs, {
      turns,
      counter: 'received',
      start: (publishers) => publishers.sendMessages(rate, size),
      note,
    }),
  );
}
