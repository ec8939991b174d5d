import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

import type { UnixSocketType } from '../../../lib/signalling/unix.js';
import { MessageClient } from './signalling.js';

const program = fileURLToPath(new URL('../../support/unix_client.py', import.meta.url));

/** A client of the API over a Unix socket: a process, since Node has no such sockets. */
export class UnixClient extends MessageClient {
  /** The connection, or the process, ended. */
  readonly ended: Promise<void>;
  /** The last message as it came. */
  raw = '';
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  #killed = false;
  readonly #said = new Map<string, () => void>();

  private constructor(type: UnixSocketType, path: string, own: string[]) {
    super();
    this.#process = spawn('python3', [program, type, path, ...own], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdin.on('error', () => undefined);
    this.ended = this.#hear('end');
    createInterface(this.#process.stdout)
      .on('line', (line) => {
        const heard = this.#said.get(line);
        if (heard !== undefined) {
          heard();
          return;
        }
        // Half a line, perhaps.
        if (this.#killed) return;
        this.raw = Buffer.from(line, 'hex').toString();
        this.take(this.raw);
      })
      .on('close', () => this.#said.get('end')?.());
  }

  /** `own`: the path a datagram socket is bound to. */
  static async connect(t: Test, type: UnixSocketType, path: string, own?: string): Promise<UnixClient> {
    const client = new UnixClient(type, path, own === undefined ? [] : [own]);
    t.teardown(() => client.kill());
    await client.#hear('connected');
    return client;
  }

  send(message: unknown): void {
    const bytes = Buffer.isBuffer(message)
      ? message
      : Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    this.#command(`send ${bytes.toString('hex')}`);
  }

  /** It reads no more. One packet may come still. */
  pause(): void {
    this.#command('pause');
  }

  resume(): void {
    this.#command('resume');
  }

  /** So many connections come, send garbage and go. */
  async storm(count: number): Promise<void> {
    const calm = this.#hear('calm');
    this.#command(`storm ${String(count)}`);
    await calm;
  }

  /** Ends the process, as a crash would. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#killed = true;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #hear(line: string): Promise<void> {
    return new Promise((resolve) => this.#said.set(line, resolve));
  }

  #command(text: string): void {
    this.#process.stdin.write(`${text}\n`);
  }
}
