import type { IncomingMessage, ServerResponse } from 'node:http';

import { asExpressApp } from './express.js';
import type { RequestBody } from './http-body.js';
import type { HttpEndpoint } from './http-endpoint.js';
import type { ReadJson } from './wire.js';
import { readJson } from './wire.js';

/** What a request handler is called with to let the next one try. */
export type Next = (error?: unknown) => void;

/** What {@link janusHttp} and {@link janusAdminHttp} return. */
export interface JanusHttpHandler {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;
  /**
   * Express error handler that turns the failure of a JSON parser in front into
   * the answer a Janus client expects. `app.use` mounts it by itself; an
   * `express.Router` does not: give it to `app.use` then.
   */
  readonly errors: (error: unknown, req: IncomingMessage, res: ServerResponse, next: Next) => void;
}

interface ExpressRequest {
  originalUrl?: string;
  body?: unknown;
}

/** An endpoint as a request handler of `node:http`, Express and Connect. */
export function httpHandler(http: HttpEndpoint): JanusHttpHandler {
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

/** What Express' body parser says when it fails; other errors are none of ours. */
function parserFailure(error: unknown): RequestBody | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { type, body } = error as { type?: unknown; body?: unknown };
  if (type === 'entity.too.large') return 'too long';
  if (type !== 'entity.parse.failed') return undefined;
  const read: ReadJson = readJson(typeof body === 'string' ? body : '');
  return 'problem' in read ? read : { problem: 'line 1: no JSON' };
}
