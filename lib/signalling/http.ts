import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { option, readOptions } from '../options.js';
import { API_ERROR } from '../session/api-error.js';
import type { SessionOwner } from '../session/owner.js';
import { asExpressApp } from './express.js';
import type { RequestBody } from './http-body.js';
import { readBody } from './http-body.js';
import type { JanusApi, Origin, Outcome, PathIds, SignallingGateway } from './janus-api.js';
import { apiOf } from './janus-api.js';
import { HTTP_TRANSPORT, Mailbox } from './mailbox.js';
import type { JsonFormat, ReadJson } from './wire.js';
import { addressOf, JSON_FORMATS, makeError, readJson, writeJson } from './wire.js';

/** Options of {@link janusHttp}, {@link janusKoa} and {@link janusFastify}. */
export interface JanusHttpOptions {
  /**
   * Where the API is, below the place it is mounted at. Default: `/janus`, or
   * that place itself if the framework strips it, as `app.use('/janus', …)` does.
   */
  path?: string;
  /** How JSON is written. Default `indented`. */
  json?: JsonFormat;
  /** The web origin that may use the API, with cookies. Default: every one, without. */
  allowOrigin?: string;
  /** Refuses requests of other origins, and those that name none, with status 403. Default false. */
  enforceCors?: boolean;
  /** Longest body, in bytes. Default 1 MiB. */
  maxBody?: number;
  /** How long a request for events waits for one, in milliseconds. Default 30,000. */
  longPollTimeout?: number;
  /** How long a plugin may take to answer, in milliseconds; then the connection is closed. Default 10,000. */
  answerTimeout?: number;
}

/** What a request handler is called with to let the next one try. */
export type Next = (error?: unknown) => void;

/** What {@link janusHttp} returns. */
export interface JanusHttpHandler {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;
  /**
   * Express error handler that turns the failure of a JSON parser in front into
   * the answer a Janus client expects. `app.use` mounts it by itself; an
   * `express.Router` does not: give it to `app.use` then.
   */
  readonly errors: (error: unknown, req: IncomingMessage, res: ServerResponse, next: Next) => void;
}

/** What the framework knows of a request besides Node's own. */
export interface Framed {
  /** What a body parser left. */
  parsed?: unknown;
  /** What the parser found instead of JSON; the stream is read then. */
  failed?: RequestBody;
  /** The URL before the framework stripped anything. */
  originalUrl?: string | undefined;
}

const OPTIONS = {
  path: option.optional(option.string({ pattern: /^\/[^?#]*$/, expected: 'a path that begins with /' })),
  json: option.oneOf(JSON_FORMATS, { default: 'indented' as JsonFormat }),
  allowOrigin: option.optional(option.string()),
  enforceCors: option.boolean({ default: false }),
  maxBody: option.integer({ min: 1024, max: 2 ** 30, default: 2 ** 20 }),
  longPollTimeout: option.integer({ min: 1, max: 600_000, default: 30_000 }),
  answerTimeout: option.integer({ min: 1, max: 600_000, default: 10_000 }),
};

const DEFAULT_PATH = '/janus';
const ANONYMOUS: PathIds = { sessionId: 0, handleId: 0 };
const KEEPALIVE = { janus: 'keepalive' };

/**
 * The Janus API over HTTP, with long poll: a request handler for `node:http`,
 * Express and Connect. It works with and without a body parser in front.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * createServer(janusHttp(gateway)).listen(8088); // http://localhost:8088/janus
 * @example
 * app.use('/janus', janusHttp(gateway)); // Express
 */
export function janusHttp(gateway: SignallingGateway, options: JanusHttpOptions = {}): JanusHttpHandler {
  const http = new HttpTransport(gateway, 'janusHttp', options);
  const run = (
    req: IncomingMessage & ExpressRequest,
    res: ServerResponse,
    next: Next | undefined,
    failed?: RequestBody,
  ) => {
    const { originalUrl } = req;
    const parts = http.match(req.url, originalUrl);
    if (parts === null && next !== undefined) {
      next();
      return;
    }
    void http.serve(req, res, parts, { parsed: req.body, originalUrl, ...(failed === undefined ? {} : { failed }) });
  };
  const handler = (req: IncomingMessage, res: ServerResponse, next?: Next): void => {
    run(req, res, next);
  };
  // Express knows an error handler by its four parameters.
  const errors = (error: unknown, req: IncomingMessage, res: ServerResponse, next: Next): void => {
    const failed = parserFailure(error);
    if (failed === undefined) next(error);
    else {
      run(
        req,
        res,
        () => {
          next(error);
        },
        failed,
      );
    }
  };
  return asExpressApp(Object.assign(handler, { errors }));
}

interface ExpressRequest {
  originalUrl?: string;
  body?: unknown;
}

/** What Express' body parser says when it fails; other errors are none of ours. */
function parserFailure(error: unknown): RequestBody | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { type, body } = error as { type?: unknown; body?: unknown };
  if (type === 'entity.too.large') return 'too long';
  if (type !== 'entity.parse.failed') return undefined;
  const read: ReadJson = readJson(typeof body === 'string' ? body : '');
  return 'problem' in read ? read : { problem: 'line 1: no JSON' };
}

/** The HTTP side of the API; the functions that frameworks take are wrapped around it. */
export class HttpTransport {
  readonly #api: JanusApi;
  readonly #options: ReturnType<typeof readOptions<typeof OPTIONS>>;

  constructor(gateway: SignallingGateway, where: string, options: JanusHttpOptions) {
    this.#options = readOptions(where, options, OPTIONS);
    this.#api = apiOf(gateway);
    this.#api.mounted(HTTP_TRANSPORT, { name: 'HTTP', description: 'The Janus API over HTTP with long poll' });
  }

  #originOf(id: string): Origin {
    return {
      ownerFor: (current: SessionOwner | null) =>
        current instanceof Mailbox ? current : new Mailbox(this.#api.logger, id),
    };
  }

  /**
   * Takes a path apart; null if it is not below ours.
   *
   * @param original - the URL before a framework stripped the place we are mounted at
   */
  match(url = '/', original = url): string[] | null {
    const base = this.#options.path ?? (original === url ? DEFAULT_PATH : '/');
    return splitPath(url, base);
  }

  /** Answers a request; the promise ends when the answer is written. It never rejects. */
  async serve(req: IncomingMessage, res: ServerResponse, parts: string[] | null, framed: Framed = {}): Promise<void> {
    try {
      await this.#serve(req, res, parts, framed);
    } catch (error) {
      this.#api.logger.error({ err: error }, 'an HTTP request failed');
      cut(res);
    }
  }

  async #serve(req: IncomingMessage, res: ServerResponse, parts: string[] | null, framed: Framed): Promise<void> {
    const method = req.method ?? 'GET';
    const id = this.#api.nextTransportId();
    if (this.#api.tellsTransports) {
      const { remoteAddress, remotePort } = req.socket;
      this.#api.tellTransport(HTTP_TRANSPORT, id, {
        event: 'request',
        admin_api: false,
        ...addressOf(remoteAddress, remotePort),
      });
    }
    this.#setCors(req, res);
    if (!this.#corsAllows(req)) {
      end(res, 403);
    } else if (method === 'OPTIONS') {
      end(res, 200);
    } else if (method !== 'GET' && method !== 'POST') {
      this.#send(res, makeError({ code: API_ERROR.TRANSPORT, message: `the method ${method} is of no use here` }));
    } else if (parts === null || parts.length > 2) {
      end(res, 404);
    } else if (method === 'GET') {
      await this.#get(req, res, parts, framed);
    } else {
      await this.#post(req, res, parts, framed, id);
    }
  }

  // ---- GET ----------------------------------------------------------------------

  async #get(req: IncomingMessage, res: ServerResponse, parts: string[], framed: Framed): Promise<void> {
    const [first = '', second] = parts;
    if (second === undefined && first === 'info') {
      this.#send(res, this.#api.info(randomUUID()));
    } else if (second === undefined && first === 'ping') {
      this.#send(res, this.#api.ping(randomUUID()));
    } else if (idOf(first) === 0) {
      end(res, 404);
    } else if (second !== undefined) {
      res.setHeader('Location', parentOf(framed.originalUrl ?? req.url ?? '/'));
      end(res, 302);
    } else {
      await this.#poll(req, res, idOf(first));
    }
  }

  async #poll(req: IncomingMessage, res: ServerResponse, sessionId: number): Promise<void> {
    const query = new URLSearchParams(/\?(.*)$/s.exec(req.url ?? '')?.[1] ?? '');
    const credentials = { secret: query.get('apisecret') ?? undefined, token: query.get('token') ?? undefined };
    if (!this.#api.auth.allows(credentials)) {
      end(res, 403);
      return;
    }
    const session = this.#api.sessions.get(sessionId);
    const mailbox = session?.owner;
    // What goes to a WebSocket cannot be polled for.
    if (session === undefined || !(mailbox instanceof Mailbox)) {
      end(res, 404);
      return;
    }
    session.touch();
    const max = Number.parseInt(query.get('maxev') ?? '1', 10);
    await this.#wait(res, mailbox, max >= 2 ? max : 1);
  }

  #wait(res: ServerResponse, mailbox: Mailbox, max: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined = undefined;
      let taken: readonly object[] = [];
      const poll = {
        max,
        answer: (events: readonly object[]): void => {
          clearTimeout(timer);
          taken = events;
          const [first = KEEPALIVE] = events;
          this.#send(res, max === 1 ? first : events.length > 0 ? events : [first]);
        },
      };
      // Not `writableFinished`: that is true of a response that was destroyed, too.
      let finished = false;
      res.once('finish', () => (finished = true));
      res.once('close', () => {
        clearTimeout(timer);
        mailbox.cancel(poll);
        // The client left before the answer was on its way to it.
        if (!finished) mailbox.putBack(taken);
        resolve();
      });
      if (res.closed || res.destroyed) {
        resolve();
        return;
      }
      timer = setTimeout(() => {
        if (mailbox.cancel(poll)) poll.answer([]);
      }, this.#options.longPollTimeout);
      mailbox.poll(poll);
    });
  }

  // ---- POST ---------------------------------------------------------------------

  async #post(req: IncomingMessage, res: ServerResponse, parts: string[], framed: Framed, id: string): Promise<void> {
    const [first = '', second = ''] = parts;
    if (parts.length === 1 && (first === 'info' || first === 'ping')) {
      end(res, 400);
      return;
    }
    const body = framed.failed ?? (await readBody(req, framed.parsed, this.#options.maxBody));
    if (body === 'none' || body === 'gone') {
      cut(res);
    } else if (body === 'too long') {
      const message = `the body is longer than ${String(this.#options.maxBody)} bytes`;
      if (!req.complete) res.setHeader('Connection', 'close');
      this.#send(res, makeError({ code: API_ERROR.TRANSPORT, message }));
    } else if ('problem' in body) {
      this.#send(res, makeError({ code: API_ERROR.INVALID_JSON, message: `no JSON: ${body.problem}` }));
    } else {
      const path = first === '' ? ANONYMOUS : { sessionId: idOf(first), handleId: idOf(second) };
      await this.#answer(res, this.#api.handle(body.value, this.#originOf(id), path));
    }
  }

  async #answer(res: ServerResponse, pending: Outcome | Promise<Outcome>): Promise<void> {
    const outcome = pending instanceof Promise ? await this.#inTime(pending) : pending;
    if (outcome === undefined) {
      cut(res);
      return;
    }
    try {
      this.#send(res, outcome.reply);
    } finally {
      outcome.after();
    }
  }

  /** Undefined when the plugin takes too long; what it answers then is heard by nobody. */
  async #inTime(pending: Promise<Outcome>): Promise<Outcome | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, this.#options.answerTimeout, undefined);
    });
    try {
      return await Promise.race([pending, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  // ---- responses ----------------------------------------------------------------

  #send(res: ServerResponse, body: object): void {
    const text = writeJson(body, this.#options.json);
    res.setHeader('Content-Type', 'application/json');
    end(res, 200, text);
  }

  #setCors(req: IncomingMessage, res: ServerResponse): void {
    const { allowOrigin } = this.#options;
    res.setHeader('Access-Control-Allow-Origin', allowOrigin ?? '*');
    res.setHeader('Access-Control-Max-Age', '86400');
    if (allowOrigin !== undefined) {
      res.setHeader('Access-Control-Allow-Credentials', 'true');
      res.setHeader('Vary', 'Origin');
    }
    const { 'access-control-request-method': method, 'access-control-request-headers': headers } = req.headers;
    if (method !== undefined) res.setHeader('Access-Control-Allow-Methods', method);
    if (headers !== undefined) res.setHeader('Access-Control-Allow-Headers', headers);
  }

  #corsAllows(req: IncomingMessage): boolean {
    const { allowOrigin, enforceCors } = this.#options;
    if (!enforceCors || allowOrigin === undefined) return true;
    const from = req.headers.origin ?? req.headers.referer;
    if (from?.startsWith(allowOrigin) !== true) return false;
    // Unlike Janus we do not take http://here.example.evil for http://here.example.
    return allowOrigin.endsWith('/') || /^(?:$|[:/?#])/.test(from.slice(allowOrigin.length));
  }
}

function end(res: ServerResponse, status: number, body = ''): void {
  if (res.destroyed || res.writableEnded) return;
  res.statusCode = status;
  res.end(body);
}

/** Ends the connection without an answer. */
function cut(res: ServerResponse): void {
  res.destroy();
}

/** `/janus/1/2?x=y` below `/janus` is `['1', '2']`; null if it is not below. */
function splitPath(url: string, base: string): string[] | null {
  const path = pathOf(url);
  const prefix = base.replace(/\/+$/, '');
  if (!path.startsWith(prefix)) return null;
  const rest = path.slice(prefix.length);
  if (rest !== '' && !rest.startsWith('/')) return null;
  const inner = rest.replace(/^\//, '').replace(/\/$/, '');
  return inner === '' ? [] : inner.split('/');
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function idOf(part: string): number {
  return /^\d{1,16}$/.test(part) ? Number(part) : 0;
}

/** `/janus/1/2/?x=y` → `/janus/1`; never one that names another host. */
function parentOf(url: string): string {
  return pathOf(url)
    .replace(/\/+$/, '')
    .replace(/\/[^/]*$/, '')
    .replace(/^\/+/, '/');
}
