import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JanusHttpOptions } from './http.js';
import { HttpTransport } from './http.js';
import type { SignallingGateway } from './janus-api.js';

interface FastifyRequestLike {
  raw: IncomingMessage;
}

interface FastifyReplyLike {
  raw: ServerResponse;
  hijack(): unknown;
}

/** What of a Fastify instance is used. */
export interface FastifyLike {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  setErrorHandler(handler: (error: Error, request: FastifyRequestLike, reply: FastifyReplyLike) => void): unknown;
  route(options: {
    method: string[];
    url: string;
    exposeHeadRoute: boolean;
    handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => void;
  }): unknown;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * The Janus API over HTTP as a Fastify plugin, at `/janus` or at the prefix it is
 * registered with. It reads bodies itself; the parsers of the application stay as they are.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * await fastify.register(janusFastify(gateway));
 */
export function janusFastify(
  gateway: SignallingGateway,
  options: JanusHttpOptions = {},
): (fastify: FastifyLike, registered: object, done: () => void) => void {
  const http = new HttpTransport(gateway, 'janusFastify', options);
  return (fastify, _registered, done) => {
    const { prefix } = fastify;
    const base = options.path ?? (prefix === '' ? '/janus' : '/');
    // Ours alone: what a plugin changes, its parent does not see. The stream stays unread.
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', (_request, _payload, parsed) => {
      parsed(null);
    });
    const handler = (request: FastifyRequestLike, reply: FastifyReplyLike): void => {
      const originalUrl = request.raw.url ?? '/';
      const url = originalUrl.slice(prefix.length);
      reply.hijack();
      void http.serve(request.raw, reply.raw, http.match(url.startsWith('/') ? url : `/${url}`, originalUrl), {
        originalUrl,
      });
    };
    // A content type that cannot even be read is no reason to refuse: it is ignored.
    fastify.setErrorHandler((_error, request, reply) => {
      handler(request, reply);
    });
    const root = base.replace(/\/+$/, '');
    for (const url of new Set([root === '' ? '/' : root, `${root}/*`])) {
      fastify.route({ method: METHODS, url, exposeHeadRoute: false, handler });
    }
    done();
  };
}
