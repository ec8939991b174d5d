import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JanusHttpOptions } from './http.js';
import { HttpTransport } from './http.js';
import type { SignallingGateway } from './janus-api.js';

/** What of Koa's context is used. */
export interface KoaContext {
  req: IncomingMessage;
  res: ServerResponse;
  request: object;
  originalUrl: string;
  respond?: boolean;
}

/**
 * The Janus API over HTTP as Koa middleware, at `/janus` or where `koa-mount`
 * puts it. A body parser may be in front, but one that refuses malformed JSON
 * answers it itself, with status 400: put it behind.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * app.use(janusKoa(gateway)).listen(8088);
 */
export function janusKoa(
  gateway: SignallingGateway,
  options: JanusHttpOptions = {},
): <Context extends KoaContext>(ctx: Context, next: () => Promise<unknown>) => Promise<void> {
  const http = new HttpTransport(gateway, 'janusKoa', options);
  return async (ctx, next) => {
    const { req, res, originalUrl } = ctx;
    const parts = http.match(req.url, originalUrl);
    if (parts === null) {
      await next();
      return;
    }
    ctx.respond = false;
    await http.serve(req, res, parts, { parsed: (ctx.request as { body?: unknown }).body, originalUrl });
  };
}
