import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { connectCommand, JanusSession, readDescription, writeVideoOffer } from '../../bench/janus-api.mjs';
import { Child, type Message } from '../../bench/processes.mjs';

const PROGRAM = fileURLToPath(new URL('../../build/test/publish_client', import.meta.url));
const TIMEOUT = 30;
/** Of its offers. */
export const VIDEO_PAYLOAD_TYPE = 96;

/**
 * A peer of the echo test that sends video, in a process of its own; real ICE,
 * DTLS and SRTP.
 */
export class Publisher {
  readonly session: JanusSession;
  /** The id of its handle. */
  readonly handle: number;
  /** What its video comes with, and goes back with; of the last {@link connect}. */
  ssrc = 0;
  echoSsrc = 0;
  readonly #client: Child;
  #next = 1;

  /** @param url - of the Janus API over HTTP */
  static async open(t: Test, url: string, address = '127.0.0.1'): Promise<Publisher> {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: node native/build.mjs --preset test`);
    // In a run on the sanitizers' addon, only node is to be preloaded.
    const client = new Child(PROGRAM, [address, '--no-gro'], { name: 'publish client', env: { LD_PRELOAD: '' } });
    t.teardown(() => client.close('SIGKILL'));
    const session = await JanusSession.open(url);
    t.teardown(() => session.close());
    return new Publisher(client, session, await session.attach('janus.plugin.echotest'));
  }

  private constructor(client: Child, session: JanusSession, handle: number) {
    this.#client = client;
    this.session = session;
    this.handle = handle;
  }

  /** A PeerConnection, until it hangs up. */
  async connect(): Promise<void> {
    const id = this.#next++;
    const is = (event: string) => (message: Message) => message.event === event && message['id'] === id;
    this.#client.send(`add id=${String(id)}`);
    const local = await this.#client.next(is('local'), TIMEOUT, 'candidates');
    const offer = { type: 'offer', sdp: writeVideoOffer(id, local) };
    const { jsep } = await this.session.message(this.handle, { video: true }, offer);
    const answer = readDescription(jsep.sdp);
    this.ssrc = Number(/^a=ssrc:(\d+)/m.exec(offer.sdp)?.[1]);
    this.echoSsrc = Number(answer.ssrc);
    this.#client.send(connectCommand(id, answer));
    await this.#client.next(is('connected'), TIMEOUT, 'connection');
  }

  /** Of 1200 bytes each, and header extensions. */
  sendVideo(packetsPerSecond: number): void {
    this.#client.send(`video ${String(packetsPerSecond)} 1`);
  }

  /** Packets that came back so far, resends too. */
  async received(): Promise<number> {
    this.#client.send('report');
    const report = await this.#client.next(({ event }) => event === 'report', TIMEOUT, 'report');
    return Number(report['received']);
  }

  hangup(): Promise<void> {
    return this.session.hangup(this.handle);
  }
}
