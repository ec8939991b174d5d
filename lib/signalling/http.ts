import type { IncomingMessage, ServerResponse } from 'node:http';

import { option, readOptions } from '../options.js';
import type { SessionOwner } from '../session/owner.js';
import type { Framed, HttpEndpointOptions, Requester } from './http-endpoint.js';
import { cut, end, HTTP_OPTIONS, HttpEndpoint } from './http-endpoint.js';
import type { JanusHttpHandler } from './http-handler.js';
import { httpHandler } from './http-handler.js';
import { idOf, parentOf } from './http-path.js';
import type { JanusApi, Origin, Outcome, SignallingGateway } from './janus-api.js';
import { apiOf } from './janus-api.js';
import { HTTP_TRANSPORT, Mailbox } from './mailbox.js';
import type { PathIds } from './request.js';

/** Options of {@link janusHttp}, {@link janusKoa} and {@link janusFastify}. */
export interface JanusHttpOptions extends HttpEndpointOptions {
  /** How long a request for events waits for one, in milliseconds. Default 30,000. */
  longPollTimeout?: number;
}

const OPTIONS = {
  ...HTTP_OPTIONS,
  longPollTimeout: option.integer({ min: 1, max: 600_000, default: 30_000 }),
};

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
  return httpHandler(new HttpTransport(gateway, 'janusHttp', options));
}

/** The HTTP side of the Janus API. */
export class HttpTransport extends HttpEndpoint {
  readonly #api: JanusApi;
  readonly #longPollTimeout: number;
  readonly #answerTimeout: number;

  constructor(gateway: SignallingGateway, where: string, options: JanusHttpOptions) {
    const settings = readOptions(where, options, OPTIONS);
    const api = apiOf(gateway);
    super(api, settings, '/janus');
    this.#api = api;
    this.#longPollTimeout = settings.longPollTimeout;
    api.mounted(HTTP_TRANSPORT, { name: 'HTTP', description: 'The Janus API over HTTP with long poll' }, this);
    this.#answerTimeout = settings.answerTimeout;
  }

  protected handle(request: object, path: PathIds, from: Requester): Outcome | Promise<Outcome> {
    return this.#api.handle(request, this.#originOf(from), path);
  }

  #originOf({ request, id }: Requester): Origin {
    return {
      transport: HTTP_TRANSPORT,
      request,
      answerTimeout: this.#answerTimeout,
      ownerFor: (current: SessionOwner | null) =>
        current instanceof Mailbox ? current : new Mailbox(this.#api.logger, id, this.#api.sessions),
    };
  }

  protected async get(req: IncomingMessage, res: ServerResponse, parts: string[], framed: Framed): Promise<void> {
    const [first = '', second] = parts;
    if (idOf(first) === 0) {
      end(res, 404);
    } else if (second !== undefined) {
      res.setHeader('Location', parentOf(framed.originalUrl ?? req.url ?? '/'));
      end(res, 302);
    } else {
      await this.#poll(req, res, idOf(first));
    }
  }

  protected postNothing(res: ServerResponse): void {
    cut(res);
  }

  async #poll(req: IncomingMessage, res: ServerResponse, sessionId: number): Promise<void> {
    const query = new URLSearchParams(/\?(.*)$/s.exec(req.url ?? '')?.[1] ?? '');
    const credentials = { secret: query.get('apisecret') ?? undefined, token: query.get('token') ?? undefined };
    if (!(await this.#api.mayPoll(credentials, this.#originOf({ request: req, id: '' })))) {
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
          this.send(res, max === 1 ? first : events.length > 0 ? events : [first]);
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
      }, this.#longPollTimeout);
      mailbox.poll(poll);
    });
  }
}
