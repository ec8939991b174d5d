import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { option } from '../options.js';
import { API_ERROR } from '../session/api-error.js';
import type { AclOptions } from './acl.js';
import { ACL_OPTIONS, readAcl } from './acl.js';
import type { CorsOptions, CorsSettings } from './cors.js';
import { CORS_OPTIONS, corsAllows, setCors } from './cors.js';
import type { RequestBody } from './http-body.js';
import { readBody } from './http-body.js';
import { HTTP_TRANSPORT } from './mailbox.js';
import { idOf, splitPath } from './http-path.js';
import type { Api, Outcome } from './janus-api.js';
import { ANSWER_TIMEOUT } from './janus-api.js';
import type { PathIds } from './request.js';
import { NO_IDS } from './request.js';
import type { JsonFormat } from './wire.js';
import { JSON_FORMATS, makeError, writeJson } from './wire.js';

/** Options of every HTTP mount. */
export interface HttpEndpointOptions extends AclOptions, CorsOptions {
  /**
   * Where the API is, below the place it is mounted at. Default: `/janus`, for the
   * admin API `/admin`, or that place itself if the framework strips it, as
   * `app.use('/janus', …)` does.
   */
  path?: string;
  /** How JSON is written. Default `indented`. */
  json?: JsonFormat;
  /** Longest body, in bytes. Default 1 MiB. */
  maxBody?: number;
  /**
   * How long a plugin may take to answer, in milliseconds; then the connection is closed. Default 10,000.
   * A decision of `authenticate` that takes so long is a refusal.
   */
  answerTimeout?: number;
}

/** Readers of {@link HttpEndpointOptions}. */
export const HTTP_OPTIONS = {
  ...ACL_OPTIONS,
  ...CORS_OPTIONS,
  path: option.optional(option.string({ pattern: /^\/[^?#]*$/, expected: 'a path that begins with /' })),
  json: option.oneOf(JSON_FORMATS, { default: 'indented' as JsonFormat }),
  maxBody: option.integer({ min: 1024, max: 2 ** 30, default: 2 ** 20 }),
  answerTimeout: option.integer({ min: 1, max: 600_000, default: ANSWER_TIMEOUT }),
};

/** {@link HttpEndpointOptions}, read. */
export interface HttpSettings extends CorsSettings {
  readonly acl: readonly string[] | undefined;
  readonly aclForwarded: boolean;
  readonly path: string | undefined;
  json: JsonFormat;
  readonly maxBody: number;
  readonly answerTimeout: number;
}

/** Who asks. */
export interface Requester {
  readonly request: IncomingMessage;
  /** Names the request in events. */
  readonly id: string;
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

/** The HTTP side of an API; the functions that frameworks take are wrapped around it. */
export abstract class HttpEndpoint {
  readonly #api: Api;
  readonly #settings: HttpSettings;
  readonly #defaultPath: string;
  readonly #mayCome: (req: IncomingMessage) => boolean;
  #serving = 0;

  constructor(api: Api, settings: HttpSettings, defaultPath: string) {
    this.#api = api;
    this.#settings = settings;
    this.#defaultPath = defaultPath;
    this.#mayCome = readAcl(settings);
  }

  /** How JSON is written from now on. */
  setFormat(json: JsonFormat): void {
    this.#settings.json = json;
  }

  /** How many requests wait for their answers. */
  get connections(): number {
    return this.#serving;
  }

  /**
   * Takes a path apart; null if it is not below ours.
   *
   * @param original - the URL before a framework stripped the place we are mounted at
   */
  match(url = '/', original = url): string[] | null {
    const base = this.#settings.path ?? (original === url ? this.#defaultPath : '/');
    return splitPath(url, base);
  }

  /** Answers a request; the promise ends when the answer is written. It never rejects. */
  async serve(req: IncomingMessage, res: ServerResponse, parts: string[] | null, framed: Framed = {}): Promise<void> {
    this.#serving += 1;
    try {
      await this.#serve(req, res, parts, framed);
    } catch (error) {
      this.#api.logger.error({ err: error }, 'an HTTP request failed');
      cut(res);
    } finally {
      this.#serving -= 1;
    }
  }

  /** Answers a request that came as JSON. */
  protected abstract handle(request: object, path: PathIds, from: Requester): Outcome | Promise<Outcome>;
  /** Answers a GET that asks neither for `info` nor for `ping`. */
  protected abstract get(req: IncomingMessage, res: ServerResponse, parts: string[], framed: Framed): Promise<void>;
  /** Answers a POST without a body. */
  protected abstract postNothing(res: ServerResponse): void;

  protected send(res: ServerResponse, body: object): void {
    const text = writeJson(body, this.#settings.json);
    res.setHeader('Content-Type', 'application/json');
    end(res, 200, text);
  }

  async #serve(req: IncomingMessage, res: ServerResponse, parts: string[] | null, framed: Framed): Promise<void> {
    const method = req.method ?? 'GET';
    const { transports, admin } = this.#api;
    const id = transports.nextId();
    transports.tell('request', { transport: HTTP_TRANSPORT, id, admin }, req.socket);
    setCors(req, res, this.#settings);
    if (!this.#mayCome(req) || !corsAllows(req, this.#settings)) {
      end(res, 403);
    } else if (method === 'OPTIONS') {
      end(res, 200);
    } else if (method !== 'GET' && method !== 'POST') {
      this.send(res, makeError({ code: API_ERROR.TRANSPORT, message: `the method ${method} is of no use here` }));
    } else if (parts === null || parts.length > 2) {
      end(res, 404);
    } else if (method === 'POST') {
      await this.#post(req, res, parts, framed, id);
    } else if (asks(parts, 'info')) {
      this.send(res, this.#api.info(randomUUID()));
    } else if (asks(parts, 'ping')) {
      this.send(res, this.#api.ping(randomUUID()));
    } else {
      await this.get(req, res, parts, framed);
    }
  }

  async #post(req: IncomingMessage, res: ServerResponse, parts: string[], framed: Framed, id: string): Promise<void> {
    if (asks(parts, 'info') || asks(parts, 'ping')) {
      end(res, 400);
      return;
    }
    const [first = '', second = ''] = parts;
    const body = framed.failed ?? (await readBody(req, framed.parsed, this.#settings.maxBody));
    if (body === 'gone') {
      cut(res);
    } else if (body === 'none') {
      this.postNothing(res);
    } else if (body === 'too long') {
      const message = `the body is longer than ${String(this.#settings.maxBody)} bytes`;
      if (!req.complete) res.setHeader('Connection', 'close');
      this.send(res, makeError({ code: API_ERROR.TRANSPORT, message }));
    } else if ('problem' in body) {
      this.send(res, makeError({ code: API_ERROR.INVALID_JSON, message: `no JSON: ${body.problem}` }));
    } else {
      const path = first === '' ? NO_IDS : { sessionId: idOf(first), handleId: idOf(second) };
      await this.#answer(res, this.handle(body.value, path, { request: req, id }));
    }
  }

  async #answer(res: ServerResponse, pending: Outcome | Promise<Outcome>): Promise<void> {
    const outcome = pending instanceof Promise ? await this.#inTime(pending) : pending;
    if (outcome === undefined) {
      cut(res);
      // What follows from the request follows all the same.
      void Promise.resolve(pending).then(({ after }) => {
        after();
      });
      return;
    }
    try {
      this.send(res, outcome.reply);
    } finally {
      outcome.after();
    }
  }

  /** Undefined when the answer takes too long; what it is then is heard by nobody. */
  async #inTime(pending: Promise<Outcome>): Promise<Outcome | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, this.#settings.answerTimeout, undefined);
    });
    try {
      return await Promise.race([pending, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function asks(parts: string[], what: string): boolean {
  return parts.length === 1 && parts[0] === what;
}

/** Ends a response. */
export function end(res: ServerResponse, status: number, body = ''): void {
  if (res.destroyed || res.writableEnded) return;
  res.statusCode = status;
  res.end(body);
}

/** Ends the connection without an answer. */
export function cut(res: ServerResponse): void {
  res.destroy();
}
