import type { IncomingMessage, ServerResponse } from 'node:http';

import { readOptions } from '../options.js';
import { API_ERROR } from '../session/api-error.js';
import type { AdminApi } from './admin-api.js';
import { adminApiOf } from './admin-api.js';
import type { HttpEndpointOptions } from './http-endpoint.js';
import { HTTP_OPTIONS, HttpEndpoint } from './http-endpoint.js';
import type { JanusHttpHandler } from './http-handler.js';
import { httpHandler } from './http-handler.js';
import type { Outcome, SignallingGateway } from './janus-api.js';
import type { PathIds } from './request.js';
import { makeError } from './wire.js';

/**
 * The admin API over HTTP: `POST /admin`, `/admin/<session>` and
 * `/admin/<session>/<handle>`, `GET /admin/info` and `/admin/ping`. A request
 * handler for `node:http`, Express and Connect. Mount it where only you get.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`, also if the gateway has no `adminSecret`
 * @example
 * const gateway = await Gateway.open({ adminSecret: 'of your choice' });
 * createServer(janusAdminHttp(gateway)).listen(8088); // http://localhost:8088/admin
 */
export function janusAdminHttp(gateway: SignallingGateway, options: HttpEndpointOptions = {}): JanusHttpHandler {
  return httpHandler(new AdminHttp(gateway, 'janusAdminHttp', options));
}

/** The HTTP side of the admin API. */
class AdminHttp extends HttpEndpoint {
  readonly #api: AdminApi;

  constructor(gateway: SignallingGateway, where: string, options: HttpEndpointOptions) {
    const api = adminApiOf(gateway, where);
    super(api, readOptions(where, options, HTTP_OPTIONS), '/admin');
    this.#api = api;
  }

  protected handle(request: object, path: PathIds): Promise<Outcome> {
    return this.#api.handle(request, undefined, path);
  }

  protected async get(_req: IncomingMessage, res: ServerResponse): Promise<void> {
    this.postNothing(res);
  }

  protected postNothing(res: ServerResponse): void {
    this.send(res, makeError({ code: API_ERROR.INVALID_JSON, message: 'the request has no body' }));
  }
}
