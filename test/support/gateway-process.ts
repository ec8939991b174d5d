import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { GatewayStats } from '../../lib/index.js';

/** In seconds. */
const TIMEOUT = 30;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the programs say, one line of JSON each, by its `event`. */
export interface GatewayMessages {
  ready: { httpPort: number; feedPort: number };
  stalled: object;
  stats: { gateway: GatewayStats };
}

/**
 * A gateway in a process of its own, on dist/ as an application runs it. It is
 * told lines on stdin and read by line; it ends with the test at the latest.
 *
 * @example
 * const gateway = new GatewayProcess(t, 'test/support/gateway-process.mjs');
 * const { httpPort } = await gateway.message('ready');
 * gateway.send('close');
 * t.equal(await gateway.exited, 'status 0');
 */
export class GatewayProcess {
  /** `status 0`; or another status or the signal, and the end of what it wrote to stderr. */
  readonly exited: Promise<string>;
  readonly #program: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #complaint = '';

  /**
   * @param program - a script, from the top level of this project
   * @param options - `node`: the binary that runs it, by default that of this test;
   *   `env`: variables besides those of this test
   */
  constructor(
    t: Test,
    program: string,
    { args = [], node = process.execPath, env = {} }: { args?: string[]; node?: string; env?: NodeJS.ProcessEnv } = {},
  ) {
    this.#program = program;
    // Without the loaders of this test.
    this.#child = spawn(node, [program, ...args], { cwd: ROOT, env: { ...process.env, ...env, NODE_OPTIONS: '' } });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const complain = (text: string): unknown => (this.#complaint = (this.#complaint + text).slice(-2000));
    this.#child.stderr.setEncoding('utf8').on('data', complain);
    this.#child.on('error', ({ message }) => complain(message));
    this.#child.stdin.on('error', () => {}); // `exited` tells
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        const how = signal ?? `status ${String(code)}`;
        resolve(how === 'status 0' || this.#complaint === '' ? how : `${how}: ${this.#complaint}`);
      });
    });
    t.teardown(async () => {
      this.kill('SIGKILL');
      await this.exited;
      // A warning may tell why.
      if (!t.passing() && this.#complaint !== '') console.error(`${program}: ${this.#complaint}`);
    });
  }

  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The next message of this kind; skips what comes before. */
  async message<K extends keyof GatewayMessages>(event: K): Promise<GatewayMessages[K]> {
    return this.read((line) => {
      const message = JSON.parse(line) as GatewayMessages[K] & { event: string };
      return message.event === event ? message : undefined;
    }, event);
  }

  /**
   * Waits for a line that `find` makes something of, and skips those before.
   * If none comes in time the process is ended.
   *
   * @param what - named in the error
   */
  async read<T>(find: (line: string) => T | undefined, what: string): Promise<T> {
    const timer = setTimeout(() => this.kill('SIGKILL'), TIMEOUT * 1000);
    try {
      for (let line = await this.#lines.next(); !line.done; line = await this.#lines.next()) {
        const found = find(line.value);
        if (found !== undefined) return found;
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`${this.#program} ended without ${what} (it had ${String(TIMEOUT)} s): ${await this.exited}`);
  }
}
