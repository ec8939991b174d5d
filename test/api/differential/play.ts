import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Server } from './janus-server.js';

/** A request over the scenario's WebSocket; `$name` in strings stands for what was captured under that name. */
export interface Ask {
  /** An object, or text to be sent as it is. */
  ask: object | string;
  /** Keeps `data.id` of the reply, or the member that is named. */
  as?: string;
  /** Events that follow and are not the answer to it, by their `janus`. */
  then?: readonly string[];
  /** No answer follows. */
  silent?: true;
}

/** A request over HTTP; `path` follows the base path, of the admin API if `admin` says so. */
export interface Http {
  http: string;
  path: string;
  admin?: true;
  headers?: Record<string, string>;
  body?: object | string;
  as?: string;
}

export type Step = Ask | Http;

/** Requests in a row, with sessions of their own. */
export interface Scenario {
  name: string;
  steps: readonly Step[];
}

/** What a server sent because of one step. */
export type Heard = readonly unknown[];

const PATIENCE = 5_000;

/** Plays a scenario; gives what was heard of each step. */
export async function play(server: Server, scenario: Scenario, given: Record<string, unknown>): Promise<Heard[]> {
  const names = new Map<string, unknown>(Object.entries(given));
  const socket = scenario.steps.some((step) => 'ask' in step) ? await Socket.open(server.ws) : undefined;
  const heard: Heard[] = [];
  try {
    for (const step of scenario.steps) {
      if ('http' in step) heard.push([await askHttp(server, step, names)]);
      else if (socket !== undefined) heard.push(await socket.ask(step, names));
    }
    return heard.map((messages) => messages.map((message) => unnamed(message, names, given)));
  } finally {
    await socket?.close();
  }
}

class Socket {
  readonly #socket: WebSocket;
  readonly #messages: Record<string, unknown>[] = [];
  #transactions = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#messages.push(JSON.parse(data.toString()) as Record<string, unknown>));
  }

  static async open(url: string): Promise<Socket> {
    const socket = new WebSocket(url, 'janus-protocol');
    const opened = new Socket(socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return opened;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.close();
    await closed;
  }

  async ask(step: Ask, names: Map<string, unknown>): Promise<Heard> {
    const transaction = `t${String((this.#transactions += 1))}`;
    const request = typeof step.ask === 'string' ? step.ask : named({ transaction, ...step.ask }, names);
    this.#socket.send(typeof request === 'string' ? request : JSON.stringify(request));
    if (step.silent) return [];
    const reply = await this.#next(({ janus }) => janus !== 'event' && !step.then?.includes(String(janus)));
    if (reply === undefined) return ['no answer'];
    capture(reply, step.as, names);
    const heard: unknown[] = [reply];
    // Janus may send the event ahead of the ack: nothing here hears which.
    if (reply['janus'] === 'ack' && typeof step.ask === 'object' && 'body' in step.ask) {
      heard.push((await this.#next((message) => message['transaction'] === transaction)) ?? 'no event');
    }
    for (const kind of step.then ?? []) {
      heard.push((await this.#next(({ janus }) => janus === kind)) ?? `no ${kind}`);
    }
    return heard;
  }

  async #next(fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown> | undefined> {
    for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; await sleep(2)) {
      const index = this.#messages.findIndex(fits);
      if (index >= 0) return this.#messages.splice(index, 1)[0];
    }
    return undefined;
  }
}

async function askHttp(server: Server, step: Http, names: Map<string, unknown>): Promise<object> {
  const body = typeof step.body === 'object' ? JSON.stringify(named(step.body, names)) : step.body;
  try {
    const response = await fetch((step.admin ? server.admin : server.http) + String(named(step.path, names)), {
      method: step.http,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...step.headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const answer: unknown = text === '' ? '' : JSON.parse(text);
    capture(answer, step.as, names);
    // Of a GET the server makes up a transaction.
    if (step.http === 'GET' && typeof answer === 'object' && answer !== null && 'version_string' in answer) {
      Object.assign(answer, { transaction: 'any' });
    }
    const headers = Object.fromEntries(
      [...response.headers].filter(([name]) => /^(access-control|content-type|location)/.test(name)),
    );
    const location = headers['location'];
    if (location !== undefined) headers['location'] = location.replace(/^https?:\/\/[^/]*/, '');
    return { status: response.status, headers, answer };
  } catch {
    return { status: 'cut off' };
  }
}

function capture(reply: unknown, as: string | undefined, names: Map<string, unknown>): void {
  if (as === undefined) return;
  const id = (reply as { data?: { id?: unknown } } | undefined)?.data?.id;
  if (id === undefined) throw new Error(`no id for $${as} in ${JSON.stringify(reply)}`);
  names.set(as, id);
}

/** Puts in what names stand for. */
function named(value: unknown, names: Map<string, unknown>): unknown {
  if (typeof value === 'string') {
    const whole = /^\$(\w+)$/.exec(value)?.[1];
    if (whole !== undefined && names.has(whole)) return names.get(whole);
    return value.replace(/\$(\w+)/g, (text, name: string) => (names.has(name) ? String(names.get(name)) : text));
  }
  if (Array.isArray(value)) return value.map((item) => named(item, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, named(item, names)]));
}

/** Puts names in for ids that a server chose. */
function unnamed(value: unknown, names: Map<string, unknown>, given: Record<string, unknown>): unknown {
  if (typeof value === 'number') {
    for (const [name, id] of names) if (id === value && !Object.hasOwn(given, name)) return `$${name}`;
    return value;
  }
  if (typeof value === 'string') {
    let text = value;
    for (const [name, id] of names) if (!Object.hasOwn(given, name)) text = text.replaceAll(String(id), `$${name}`);
    return text;
  }
  if (Array.isArray(value)) return value.map((item) => unnamed(item, names, given));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unnamed(item, names, given)]));
}
