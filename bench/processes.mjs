// Child processes that speak in lines of JSON, and what the kernel says of a
// process: processor time and memory.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A process of ours. It is told lines on stdin, and ends when stdin does. */
export class Child {
  #child;
  #name;
  #waiting = new Set();
  #messages = [];

  /** `log`: a file that takes stdout and stderr instead of `messages`. */
  constructor(command, args, { name = command, log, env = {} } = {}) {
    this.#name = name;
    const file = log === undefined ? null : openSync(log, 'w');
    this.#child = spawn(command, args, {
      stdio: ['pipe', file ?? 'pipe', file ?? 'inherit'],
      env: { ...process.env, ...env },
    });
    if (file !== null) closeSync(file);
    children.add(this.#child);
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error.message));
      this.#child.on('exit', (code, signal) => resolve(signal ?? `status ${code}`));
    }).then((how) => {
      children.delete(this.#child);
      for (const waiting of this.#waiting) waiting.reject(new Error(`${this.#name} ended: ${how}`));
      this.#waiting.clear();
      return how;
    });
    this.#child.stdin.on('error', () => {}); // `exited` tells
    if (file === null) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#onLine(line));
  }

  get pid() {
    return this.#child.pid;
  }

  send(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next message, also one that came already, for which `matches` is true. */
  async next(matches, seconds, what) {
    const index = this.#messages.findIndex(matches);
    if (index >= 0) return this.#messages.splice(index, 1)[0];
    return new Promise((resolve, reject) => {
      const waiting = {
        matches,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new Error(`${this.#name}: no ${what} within ${seconds} s`));
      }, seconds * 1000);
      this.#waiting.add(waiting);
    });
  }

  /** Ends it: by the end of stdin or, if `signal` is given, by that; then harder. */
  async close(signal) {
    if (!children.has(this.#child)) return;
    if (signal === undefined) this.#child.stdin.end();
    else this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.exited;
    clearTimeout(timer);
  }

  #onLine(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      console.error(`${this.#name}: ${line}`);
      return;
    }
    for (const waiting of this.#waiting) {
      if (!waiting.matches(message)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(message);
      return;
    }
    this.#messages.push(message);
  }
}

/**
 * Processor time of a process so far, user and system, in seconds: `ticks` of
 * all its threads, in steps of 10 ms; `threads`, finer, by name, of those that
 * live.
 */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  const threads = {};
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${thread}`;
      const name = readFileSync(`${folder}/comm`, 'latin1').trim();
      const [nanoseconds] = readFileSync(`${folder}/schedstat`, 'latin1').split(' ');
      threads[name] = (threads[name] ?? 0) + Number(nanoseconds) / 1e9;
    } catch {
      // It ended meanwhile, or the kernel keeps no such count.
    }
  }
  // In units of 1/100 s (USER_HZ), whatever the kernel's own tick is.
  return { ticks: (Number(utime) + Number(stime)) / 100, threads };
}

/** What a process used between two readings, in seconds; `threads` by name. */
export function cpuBetween(before, after) {
  const ticks = after.ticks - before.ticks;
  const threads = Object.fromEntries(
    Object.entries(after.threads).map(([name, seconds]) => [name, seconds - (before.threads[name] ?? 0)]),
  );
  const fine = Object.values(threads).reduce((sum, seconds) => sum + seconds, 0);
  // Threads that ended in between are missing in the finer count.
  return { seconds: Math.abs(ticks - fine) <= 0.03 ? fine : ticks, threads };
}

/** Resident memory, in bytes. */
export function residentBytes(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(kilobytes) * 1024;
}

export function sleep(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** `run(item)` for each, at most `limit` at a time. */
export async function forEachLimited(items, limit, run) {
  const queue = [...items];
  const worker = async () => {
    while (queue.length > 0) await run(queue.shift());
  };
  await Promise.all(Array.from({ length: Math.min(limit, queue.length) }, worker));
}
