import { UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import { string } from '../plugins/shape.js';
import { isObject } from '../plugins/shape.js';
import { sameSecret } from '../secrets.js';
import { API_ERROR, ApiError } from '../session/api-error.js';
import { checked } from '../session/jsep.js';
import { HandleCaptures } from './admin/captures.js';
import { HANDLE_REQUESTS } from './admin/handle.js';
import type { AdminRequests } from './admin/request.js';
import { SERVER_REQUESTS } from './admin/server.js';
import { SESSION_REQUESTS } from './admin/session.js';
import { AdminSettings } from './admin/settings.js';
import type { Api, JanusApi, Origin, Outcome, SignallingGateway } from './janus-api.js';
import { apiOf } from './janus-api.js';
import type { Body, PathIds } from './request.js';
import { NO_IDS, own, readIds, show } from './request.js';
import type { Address } from './wire.js';
import { makeError, makeReply } from './wire.js';
import type { TransportEvents } from './transport-events.js';

const nothing = (): void => undefined;
const apis = new WeakMap<SignallingGateway, AdminApi>();

/**
 * The admin API of a gateway; all its mounts share it.
 *
 * @param where - how errors name whoever mounts it
 * @throws {@link UsageError} `HG_ERR_OPTION` if the gateway has no `adminSecret`
 */
export function adminApiOf(gateway: SignallingGateway, where = 'the admin API'): AdminApi {
  let api = apis.get(gateway);
  if (api === undefined) {
    const { adminSecret } = gateway;
    if (adminSecret === undefined || adminSecret === '') {
      throw new UsageError('HG_ERR_OPTION', {
        option: where,
        problem:
          'it answers nobody without a secret: set the option adminSecret of Gateway.open to a text of your choice',
      });
    }
    api = new AdminApi(gateway, adminSecret);
    apis.set(gateway, api);
  }
  return api;
}

/**
 * The verbs of the admin API: they look into a running gateway, and change it.
 * Knows no transport: an object comes in, an object goes out.
 */
export class AdminApi implements Api {
  readonly logger: Logger;
  readonly admin = true;
  readonly transports: TransportEvents;
  readonly #gateway: SignallingGateway;
  readonly #secret: string;
  readonly #core: JanusApi;
  readonly #settings: AdminSettings;
  readonly #captures: HandleCaptures;

  /** Use {@link adminApiOf}. */
  constructor(gateway: SignallingGateway, secret: string) {
    this.logger = gateway.logger;
    this.#gateway = gateway;
    this.#secret = secret;
    this.#core = apiOf(gateway);
    this.transports = this.#core.transports;
    this.#settings = new AdminSettings(gateway);
    this.#captures = new HandleCaptures(gateway);
  }

  /** The reply to `info`. */
  info(transaction: string): object {
    return this.#core.info(transaction);
  }

  /** The reply to `ping`. */
  ping(transaction: string): object {
    return this.#core.ping(transaction);
  }

  /** Answers a request. Never throws, never rejects. */
  async handle(request: unknown, _origin?: Origin, path: PathIds = NO_IDS): Promise<Outcome> {
    const address: Address = {};
    try {
      return { reply: await this.#handle(request, path, address), after: nothing };
    } catch (error) {
      return { reply: this.#failure(error, address), after: nothing };
    }
  }

  #handle(request: unknown, path: PathIds, address: Address): object | Promise<object> {
    if (!isObject(request)) throw new ApiError(API_ERROR.NO_OBJECT, 'the request must be a JSON object');
    const { sessionId, handleId } = readIds(request, path);
    address.sessionId = sessionId;
    const { transaction, janus } = checked({ transaction: string, janus: string }, request);
    address.transaction = transaction;
    const verb = janus.toLowerCase();
    const isServer = sessionId === 0 && handleId === undefined;
    if (isServer && verb === 'info') return this.info(transaction);
    if (isServer && verb === 'ping') return this.ping(transaction);
    if (!sameSecret(own(request, 'admin_secret'), this.#secret)) {
      throw new ApiError(API_ERROR.UNAUTHORIZED, '"admin_secret" is missing or wrong');
    }

    const { sessions } = this.#gateway;
    const context = {
      gateway: this.#gateway,
      core: this.#core,
      settings: this.#settings,
      captures: this.#captures,
    };
    if (isServer) return run(SERVER_REQUESTS, verb, 'server', context, request, address);
    const session = sessions.get(sessionId);
    if (session === undefined || session.internal) {
      throw new ApiError(API_ERROR.NO_SESSION, `there is no session ${String(sessionId)}`);
    }
    if (handleId === undefined) {
      return run(SESSION_REQUESTS, verb, 'session', { ...context, session }, request, address);
    }
    const handle = session.handles.get(handleId);
    if (handle === undefined) {
      const message = `session ${String(sessionId)} has no handle ${String(handleId)}`;
      throw new ApiError(API_ERROR.NO_HANDLE, message);
    }
    return run(HANDLE_REQUESTS, verb, 'handle', { ...context, session, handle }, request, address);
  }

  #failure(error: unknown, address: Address): object {
    if (error instanceof ApiError) return makeError(error, address);
    this.logger.error({ err: error }, 'a request of the admin API failed');
    return makeError({ code: API_ERROR.UNKNOWN, message: 'the gateway failed' }, address);
  }
}

/** Answers with what the request's entry in the table gives. */
async function run<Context>(
  requests: AdminRequests<Context>,
  verb: string,
  level: string,
  context: Context,
  body: Body,
  address: Address,
): Promise<object> {
  const found = Object.hasOwn(requests, verb) ? requests[verb] : undefined;
  if (found === undefined) {
    throw new ApiError(API_ERROR.WRONG_LEVEL, `there is no request ${show(verb)} about a ${level}`);
  }
  found.permit?.(context);
  const rest = await found.run(context, checked(found.shape, body));
  return makeReply('success', address, rest);
}
