import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist/cli/main.js');
/** In seconds. */
const TIMEOUT = 30;

/** Debian's configuration folder of Janus, if its package is installed. */
export const DEBIAN = '/etc/janus';
export const hasDebian = existsSync(join(DEBIAN, 'janus.jcfg'));

const folders = new WeakSet<Test>();
/** The test's own folder; unlike `t.testdir()` it may be asked for twice. */
export function folderOf(t: Test): string {
  if (folders.has(t)) return t.testdirName;
  folders.add(t);
  return t.testdir();
}

/** TCP and UDP ports that nobody has at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A copy of a folder, with texts in its files replaced; each must be there. */
export function copyFolder(
  t: Test,
  from: string,
  changes: Record<string, readonly [string | RegExp, string][]>,
): string {
  const folder = join(folderOf(t), 'config');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(from)) cpSync(join(from, name), join(folder, name));
  for (const [name, list] of Object.entries(changes)) {
    let text = readFileSync(join(folder, name), 'utf8');
    for (const [before, after] of list) {
      const next = text.replace(before, after);
      if (next === text) throw new Error(`${name} has no ${String(before)}`);
      text = next;
    }
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A folder with these files. */
export function makeFolder(t: Test, files: Record<string, string>): string {
  const folder = join(folderOf(t), 'config');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** The `headgate` command in a process of its own, on dist/; it ends with the test at the latest. */
export class HeadgateProcess {
  /** All that it wrote so far. */
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();

  constructor(t: Test, ...args: readonly string[]) {
    // Without the loaders of this test.
    this.#child = spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: { ...process.env, NODE_OPTIONS: '' } });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this[name] += text;
        for (const watch of this.#watchers) watch();
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        resolve(signal ?? code ?? -1);
        for (const watch of this.#watchers) watch();
      });
    });
    t.teardown(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
      if (!t.passing()) console.error(this.stdout + this.stderr);
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it wrote this to stdout. */
  async says(pattern: RegExp): Promise<RegExpMatchArray> {
    const timer = setTimeout(() => this.kill('SIGKILL'), TIMEOUT * 1000);
    try {
      for (;;) {
        const found = pattern.exec(this.stdout);
        if (found !== null) return found;
        if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          throw new Error(`it ended without ${String(pattern)}: ${this.stdout}${this.stderr}`);
        }
        await new Promise<void>((resolve) => {
          const watch = (): void => {
            this.#watchers.delete(watch);
            resolve();
          };
          this.#watchers.add(watch);
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
