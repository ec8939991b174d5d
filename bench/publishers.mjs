// One measurement of what peers send: a server, N peers with its echo test.
import { join } from 'node:path';
import { connectCommand, JanusSession, readDescription, writeDataOffer, writeVideoOffer } from './janus-api.mjs';
import { measureSlices } from './measure.mjs';
import { Child, forEachLimited, sleep } from './processes.mjs';

export const PACKETS_PER_SECOND = 240;
const SETUPS_AT_A_TIME = 8;
const SETUP_PATIENCE = 60;
// From the first packet to the interval that is measured, in seconds.
const SETTLING = 1.5;
// What was lost at the end of the interval may still be resent.
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

/** Starts a server with `count` peers and runs `then`; ends everything. */
async function withPublishers(server, { address, gro, count, kind }, then) {
  const publishers = new Publishers(address, gro);
  let instance;
  try {
    instance = await server.start({ address });
    await publishers.add(instance.url, count, kind);
    return await then(publishers, instance.pid);
  } finally {
    await publishers.close();
    await instance?.close();
  }
}

/** An interval in which the peers send what they were told to; `counter`: what a slice is divided by. */
async function measureInterval(publishers, pid, seconds, counter) {
  await sleep(SETTLING);
  await publishers.mark();
  const interval = await measureSlices(publishers, pid, seconds, counter);
  publishers.quiet();
  await sleep(RESENDING);
  const report = await publishers.report();
  return {
    micros: interval.microsPerPacket,
    slices: interval.slices,
    load: interval.load,
    threads: interval.threads,
    clientLoad: interval.clientCpu / interval.seconds,
    clientMicros: (interval.clientCpu * 1e6) / Math.max(report.received, 1),
    // At its begin some were under way.
    loss: Math.max(report.sent - report.received, 0) / Math.max(report.sent, 1),
    latencyP50: report.latencyP50 / 1000,
    latencyP99: report.latencyP99 / 1000,
    report,
  };
}

/** Video of `count` publishers; `note(case, figures)` for each of `cases`: `received`, `echoed`. */
export async function measureVideo(server, { address, gro, count, burst, seconds, cases }, note) {
  await withPublishers(server, { address, gro, count, kind: 'video' }, async (publishers, pid) => {
    if (cases.includes('received')) {
      publishers.sendVideo(burst);
      const figures = await measureInterval(publishers, pid, seconds, 'sent');
      // Nothing comes back: the server's reports tell, of all it was sent.
      await sleep(REPORTING);
      const { lostInAll, sentInAll } = await publishers.report();
      const loss = lostInAll / Math.max(sentInAll, 1);
      note('received', { ...figures, loss, micros: figures.micros / Math.max(1 - loss, 0.001) });
    }
    if (cases.includes('echoed')) {
      await publishers.sendBack(true);
      publishers.sendVideo(burst);
      note('echoed', await measureInterval(publishers, pid, seconds, 'received'));
    }
  });
}

/** Messages of `size` bytes, `rate` a second of each of `count` peers, which come back. */
export async function measureMessages(server, { address, gro, count, rate, size, seconds }) {
  return withPublishers(server, { address, gro, count, kind: 'data' }, async (publishers, pid) => {
    publishers.sendMessages(rate, size);
    return measureInterval(publishers, pid, seconds, 'received');
  });
}
