import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { addCommand, JanusSession, readDescription, writeAnswer } from '../../bench/janus-api.mjs';
import { Child, type Message } from '../../bench/processes.mjs';

// In a run on the sanitizers' addon, only node is to be preloaded.
const PLAIN = { LD_PRELOAD: '' };
const TIMEOUT = 30;

function program(name: string): string {
  const path = fileURLToPath(new URL(`../../build/test/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${path} is missing: node native/build.mjs --preset test`);
  return path;
}

/** What the load client counted since the last mark. */
export interface Report {
  viewers: number;
  connected: number;
  received: number;
  fewest: number;
  most: number;
  missing: number;
  lost: number;
  recovered: number;
  wrong: number;
  corrupt: number;
  authFailures: number;
  clientDrops: number;
}

/** Viewers of a mountpoint, in a process of their own; real ICE, DTLS and SRTP. */
export class Viewers {
  readonly #client: Child;
  readonly #url: string;
  readonly #handles = new Map<number, number>();
  #session: Promise<JanusSession> | undefined;
  #next = 1;

  constructor(t: Test, url: string) {
    this.#url = url;
    this.#client = new Child(program('load_client'), ['127.0.0.1'], { name: 'load client', env: PLAIN });
    t.teardown(async () => {
      await (await this.#session)?.close();
      await this.#client.close('SIGKILL');
    });
  }

  /** One more viewer of a mountpoint's video, with media flowing; `more` goes into the request to watch it. */
  async add(mountpoint = 1, more: object = {}): Promise<number> {
    const session = await (this.#session ??= JanusSession.open(this.#url));
    const id = this.#next++;
    const is = (event: string) => (message: Message) => message.event === event && message['id'] === id;
    const handle = await session.attach();
    this.#handles.set(id, handle);
    const { jsep } = await session.message(handle, { request: 'watch', id: mountpoint, ...more });
    const offer = readDescription(jsep.sdp);
    this.#client.send(addCommand(id, offer));
    const local = await this.#client.next(is('local'), TIMEOUT, 'candidates');
    const answer = { type: 'answer', sdp: writeAnswer(offer, local) };
    await session.message(handle, { request: 'start' }, answer);
    await this.#client.next(is('connected'), TIMEOUT, 'connection');
    await this.#client.next(is('media'), TIMEOUT, 'media');
    return id;
  }

  /** Viewers side by side. */
  async addMany(count: number, atOnce = 10): Promise<void> {
    for (let left = count; left > 0; left -= atOnce) {
      await Promise.all(Array.from({ length: Math.min(left, atOnce) }, () => this.add()));
    }
  }

  /** The viewer detaches, as a page does that is closed. */
  async leave(id: number): Promise<void> {
    const handle = this.#handles.get(id);
    if (handle !== undefined) await (await this.#session)?.detach(handle);
    this.#client.send(`remove ${String(id)}`);
    this.#handles.delete(id);
  }

  /** Counting begins. */
  mark(): void {
    this.#client.send('mark');
  }

  async report(): Promise<Report> {
    this.#client.send('report');
    return (await this.#client.next(({ event }) => event === 'report', TIMEOUT, 'report')) as unknown as Report;
  }
}

/** Frames of `packets` packets of 1200 bytes each, 30 a second, numbered and with a keyframe each second. */
export class Feeder {
  readonly #feeder: Child;

  constructor(t: Test, port: number, { packets = 8 } = {}) {
    this.#feeder = new Child(program('feeder'), ['127.0.0.1', String(port), String(packets), '30'], {
      name: 'feeder',
      env: PLAIN,
    });
    t.teardown(() => this.#feeder.close('SIGKILL'));
    this.#feeder.send('start');
  }

  stop(): void {
    this.#feeder.send('stop');
  }
}

/** The load client alone, for a test that does the signalling itself; its viewer has the id 1. */
export class LoadClient {
  readonly #child: Child;

  constructor(t: Test) {
    this.#child = new Child(program('load_client'), ['127.0.0.1'], { name: 'load client', env: PLAIN });
    t.teardown(() => this.#child.close('SIGKILL'));
  }

  send(command: string): void {
    this.#child.send(command);
  }

  next(event: string): Promise<Message> {
    return this.#child.next((message) => message.event === event, TIMEOUT, event);
  }

  async report(): Promise<Report> {
    this.send('report');
    return (await this.next('report')) as unknown as Report;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) process.kill(this.#child.pid, signal);
  }
}
