import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import { option, problemOfHttpUrl, readOptions } from '../options.js';
import type { EventBus } from '../session/event-bus.js';
import { EVENT_TYPES, type EventKind, type HandlerEvent } from '../session/handler-events.js';

/** What {@link eventWebhook} takes. */
export interface EventWebhookOptions {
  /** Where events are posted to; `http:` or `https:`. */
  url: string;
  /** Default: all. */
  kinds?: readonly EventKind[];
  /** Which events of those kinds are posted. Default: all. */
  filter?: (event: HandlerEvent) => boolean;
  /** A post has an array of events; false: one event, as an object. Default true. */
  grouping?: boolean;
  /** Makes a post of an array of events, or of one. Default `JSON.stringify`. */
  serialize?: (events: object) => string;
  /** Level of gzip (RFC 1952) from 1, the fastest, to 9; 0: posts are not compressed. Default 0. */
  compression?: number;
  /** How long an event waits for others to go with it, milliseconds. Default 100. */
  batchDelay?: number;
  /** Most events of one post. Default 100. */
  maxBatch?: number;
  /** Events that may wait; the oldest make room. Default 10,000. */
  maxQueue?: number;
  /** How often a post is tried again before its events are given up. Default 5. */
  retries?: number;
  /** From the first failure to the next try, milliseconds; twice as long each time, at most a minute. Default 100. */
  backoff?: number;
  /** For HTTP basic authentication (RFC 7617). */
  auth?: { user: string; password: string };
  /** More headers. */
  headers?: Readonly<Record<string, string>>;
  /** Longest wait for an answer, milliseconds. Default 10,000. */
  timeout?: number;
  /** How long the gateway's end may take for what waits then, milliseconds; each post is tried once. Default 2000. */
  closeTimeout?: number;
}

/** What {@link EventWebhook.change} takes. */
export type WebhookChanges = Pick<EventWebhookOptions, 'url' | 'kinds' | 'grouping' | 'auth' | 'retries' | 'backoff'>;

/** What {@link EventWebhook.stats} gives. */
export interface EventWebhookStats {
  /** Events that were taken there. */
  delivered: number;
  /** Events that wait, those that are on their way too. */
  waiting: number;
  /** Events that were given up because too many waited. */
  dropped: number;
  /** Events that were given up because their post failed too often, or was refused. */
  failed: number;
  /** Posts that were tried again. */
  retries: number;
}

/** What a webhook needs of a gateway. */
export interface WebhookGateway {
  readonly events: EventBus;
  readonly logger: Logger;
  onClosing(task: () => Promise<void>): () => void;
}

const KINDS = Object.keys(EVENT_TYPES) as EventKind[];
const compress = promisify(gzip);
const LONGEST_BACKOFF = 60_000;
// Failures that may pass; any other answer would be the same again.
const MAY_PASS: readonly number[] = [408, 425, 429];

const OPTIONS = {
  url: option.string(),
  kinds: option.list(option.oneOf(KINDS), { default: KINDS }),
  filter: option.function<(event: HandlerEvent) => boolean>({ default: () => true }),
  grouping: option.boolean({ default: true }),
  serialize: option.function<(events: object) => string>({ default: JSON.stringify }),
  compression: option.integer({ min: 0, max: 9, default: 0 }),
  batchDelay: option.integer({ min: 0, max: 60_000, default: 100 }),
  maxBatch: option.integer({ min: 1, max: 10_000, default: 100 }),
  maxQueue: option.integer({ min: 1, max: 1_000_000, default: 10_000 }),
  retries: option.integer({ min: 0, max: 1000, default: 5 }),
  backoff: option.integer({ min: 1, max: LONGEST_BACKOFF, default: 100 }),
  auth: option.optional(option.object({ user: option.string(), password: option.string() })),
  headers: { read: readHeaders },
  timeout: option.integer({ min: 1, max: 600_000, default: 10_000 }),
  closeTimeout: option.integer({ min: 0, max: 600_000, default: 2_000 }),
};

/**
 * Posts a gateway's events to an HTTP server, as JSON, in order. It ends with
 * the gateway. A server that does not keep up costs events, never memory.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`
 * @example
 * const webhook = eventWebhook(gateway, { url: 'http://127.0.0.1:9000/events', kinds: ['session', 'webrtc'] });
 * webhook.on('failed', ({ events, reason }) => console.error(`${events} events are lost: ${reason}`));
 */
export function eventWebhook(gateway: WebhookGateway, options: EventWebhookOptions): EventWebhook {
  return new EventWebhook(gateway, options);
}

/** Events of {@link EventWebhook}. */
export interface EventWebhookEvents {
  /** So many events were given up. */
  failed: [{ events: number; reason: string }];
  /** Final. */
  close: [];
}

/** What {@link eventWebhook} returns. */
export class EventWebhook extends Emitter<EventWebhookEvents> implements AsyncDisposable {
  readonly #bus: EventBus;
  readonly #logger: Logger;
  #options: ReturnType<typeof readWebhookOptions>;
  #headers: Record<string, string>;
  readonly #listener = (event: HandlerEvent): void => this.#take(event);
  readonly #forget: () => void;
  readonly #stats = { delivered: 0, dropped: 0, failed: 0, retries: 0 };
  /** Ends waiting; then, what is on its way. */
  readonly #hurry = new AbortController();
  readonly #stop = new AbortController();
  #queue: HandlerEvent[] = [];
  #onItsWay = 0;
  /** Dropped since the last post that succeeded. */
  #droppedNow = 0;
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /** Use {@link eventWebhook}. */
  constructor(gateway: WebhookGateway, options: EventWebhookOptions) {
    super();
    this.#options = readWebhookOptions(options);
    this.#headers = headersOf(this.#options);
    this.#bus = gateway.events;
    this.#logger = gateway.logger;
    this.#forget = gateway.onClosing(() => this.close());
    this.#listen();
  }

  /** True from {@link close} on. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /**
   * Changes options from the next post on; those that are not named stay.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, and nothing is changed; `HG_ERR_CLOSED`
   * @example
   * const webhook = eventWebhook(gateway, { url: 'http://127.0.0.1:9000/events' });
   * webhook.change({ kinds: ['session'] });
   */
  change(changes: Partial<WebhookChanges>): void {
    if (this.closed) throw new UsageError('HG_ERR_CLOSED', { what: 'the webhook' });
    this.#options = readWebhookOptions({ ...this.#options, ...changes });
    this.#headers = headersOf(this.#options);
    this.#stopListening();
    this.#listen();
  }

  stats(): EventWebhookStats {
    return { ...this.#stats, waiting: this.#queue.length + this.#onItsWay };
  }

  /** Takes no more events; ends when those that wait were tried once, or `closeTimeout` is over. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#forget();
    this.#stopListening();
    this.#hurry.abort();
    const end = setTimeout(() => this.#stop.abort(), this.#options.closeTimeout);
    await this.#running;
    clearTimeout(end);
    this.emit('close');
  }

  #listen(): void {
    const { kinds } = this.#options;
    for (const name of kinds.length === KINDS.length ? ['event'] : kinds) this.#bus.on(name as 'event', this.#listener);
  }

  #stopListening(): void {
    for (const name of ['event', ...KINDS]) this.#bus.off(name as 'event', this.#listener);
  }

  #take(event: HandlerEvent): void {
    if (!this.#options.filter(event)) return;
    if (this.#queue.length + this.#onItsWay >= this.#options.maxQueue) this.#drop();
    this.#queue.push(event);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  #drop(): void {
    if (this.#droppedNow === 0) {
      const { url, maxQueue } = this.#options;
      this.#logger.warn(
        { url: shown(url) },
        `${String(maxQueue)} events wait for their webhook: the oldest are dropped`,
      );
    }
    this.#queue.shift();
    this.#droppedNow += 1;
    this.#stats.dropped += 1;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const { batchDelay, grouping, maxBatch } = this.#options;
      if (grouping && this.#queue.length < maxBatch) await this.#pause(batchDelay);
      const batch = this.#queue.splice(0, grouping ? maxBatch : 1);
      this.#onItsWay = batch.length;
      const problem = await this.#deliver(grouping ? batch : (batch[0] ?? {}));
      this.#onItsWay = 0;
      if (problem === null) this.#delivered(batch.length);
      else this.#failed(batch.length, problem);
    }
  }

  async #write(events: object): Promise<string | Buffer> {
    const { serialize, compression } = this.#options;
    const text = serialize(events);
    return compression === 0 ? text : compress(text, { level: compression });
  }

  /** What went wrong the last time; null: nothing. */
  async #deliver(events: object): Promise<string | null> {
    const { retries, backoff } = this.#options;
    let body: string | Buffer;
    try {
      body = await this.#write(events);
    } catch (error) {
      return `"serialize" failed: ${(error as Error).message}`;
    }
    for (let tries = 0; ; ++tries) {
      const { problem, mayPass } = await this.#post(body);
      if (problem === null || !mayPass || tries >= retries || this.closed) return problem;
      this.#stats.retries += 1;
      await this.#pause(Math.min(backoff * 2 ** tries, LONGEST_BACKOFF));
    }
  }

  async #post(body: string | Buffer): Promise<{ problem: string | null; mayPass: boolean }> {
    const { url, timeout } = this.#options;
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), this.#stop.signal]);
    try {
      const { ok, status, body: answer } = await fetch(url, { method: 'POST', headers: this.#headers, body, signal });
      await answer?.cancel();
      return ok
        ? { problem: null, mayPass: false }
        : { problem: `status ${String(status)}`, mayPass: status >= 500 || MAY_PASS.includes(status) };
    } catch (error) {
      const { message, cause } = error as Error;
      return { problem: cause instanceof Error ? cause.message || message : message, mayPass: true };
    }
  }

  /** Shorter when it closes. */
  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds === 0 || this.#hurry.signal.aborted) return;
    await wait(milliseconds, undefined, { signal: this.#hurry.signal }).catch(() => undefined);
  }

  #delivered(count: number): void {
    this.#stats.delivered += count;
    if (this.#droppedNow === 0) return;
    this.#logger.warn({ url: shown(this.#options.url), dropped: this.#droppedNow }, 'the webhook takes events again');
    this.#droppedNow = 0;
  }

  #failed(count: number, reason: string): void {
    this.#stats.failed += count;
    this.#logger.warn({ url: shown(this.#options.url), events: count, reason }, 'events did not reach their webhook');
    this.emit('failed', { events: count, reason });
  }
}

function readWebhookOptions(options: EventWebhookOptions) {
  const values = readOptions('eventWebhook', options, OPTIONS);
  const problem = problemOfHttpUrl(values.url, '"auth"');
  if (problem === undefined) return values;
  throw new UsageError('HG_ERR_OPTION', { option: 'eventWebhook.url', problem });
}

function headersOf({ auth, headers, compression }: ReturnType<typeof readWebhookOptions>): Record<string, string> {
  const credentials = auth === undefined ? '' : Buffer.from(`${auth.user}:${auth.password}`).toString('base64');
  return {
    'content-type': 'application/json',
    ...(compression === 0 ? {} : { 'content-encoding': 'gzip' }),
    ...headers,
    ...(auth === undefined ? {} : { authorization: `Basic ${credentials}` }),
  };
}

/** Without what may be a secret. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function readHeaders(path: string, value: unknown): Readonly<Record<string, string>> {
  const problem = (text: string): UsageError => new UsageError('HG_ERR_OPTION', { option: path, problem: text });
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw problem('expected an object with headers');
  try {
    return Object.fromEntries(new Headers(value as Record<string, string>));
  } catch (error) {
    throw problem((error as Error).message);
  }
}
