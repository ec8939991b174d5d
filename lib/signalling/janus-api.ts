import type { Logger } from '../logger.js';
import { isObject, optional, positiveInteger, string } from '../plugins/shape.js';
import { API_ERROR, ApiError } from '../session/api-error.js';
import { SessionHandle } from '../session/handle.js';
import { checked, readTrickle } from '../session/jsep.js';
import type { SessionOwner } from '../session/owner.js';
import type { Session } from '../session/session.js';
import type { EventBus } from '../session/event-bus.js';
import type { TransportEventData } from '../session/handler-events.js';
import type { SessionTable } from '../session/sessions.js';
import type { Authorizer, Credentials } from './auth.js';
import { apiSecretAuthorizer } from './auth.js';
import type { ServerFacts, TransportFacts } from './server-info.js';
import { serverInfo } from './server-info.js';
import type { Address } from './wire.js';
import { makeError, makeReply } from './wire.js';

/** What signalling needs of a gateway. */
export interface SignallingGateway {
  readonly sessions: SessionTable;
  readonly logger: Logger;
  /** Requests must carry it as `apisecret`. Without it everybody may do everything. */
  readonly apiSecret?: string | undefined;
  /** What happens is told there. */
  readonly events?: EventBus;
  /** Read anew for each `info`. */
  serverFacts?(): ServerFacts;
}

/** From where a request comes. */
export interface Origin {
  /** The owner that `create` and `claim` give the session to. `current` owns it now. */
  ownerFor(current: SessionOwner | null): SessionOwner;
}

/** Ids that a transport found elsewhere than in the JSON, for instance in a path; 0: none. */
export interface PathIds {
  sessionId: number;
  handleId: number;
}

/** What to answer. */
export interface Outcome {
  readonly reply: object;
  /** To be called, always, when the reply is on its way: what follows from the request follows now. */
  readonly after: () => void;
}

type Body = Readonly<Record<string, unknown>>;

/** A request whose session was found. */
interface Call {
  readonly body: Body;
  readonly transaction: string;
  readonly session: Session;
  readonly handle: SessionHandle | undefined;
  readonly origin: Origin;
}

const NO_IDS: PathIds = { sessionId: 0, handleId: 0 };
const nothing = (): void => undefined;
const apis = new WeakMap<SignallingGateway, JanusApi>();

/** The API of a gateway; all transports share it. */
export function apiOf(gateway: SignallingGateway): JanusApi {
  let api = apis.get(gateway);
  if (api === undefined) {
    api = new JanusApi(gateway);
    apis.set(gateway, api);
  }
  return api;
}

/** The verbs of the Janus API. Knows no transport: an object comes in, an object goes out. */
export class JanusApi {
  readonly sessions: SessionTable;
  readonly logger: Logger;
  readonly auth: Authorizer;
  readonly #gateway: SignallingGateway;
  readonly #transports = new Map<string, TransportFacts>();
  #connections = 0;

  constructor(gateway: SignallingGateway) {
    this.#gateway = gateway;
    this.sessions = gateway.sessions;
    this.logger = gateway.logger;
    this.auth = apiSecretAuthorizer(gateway.apiSecret);
    if (gateway.events !== undefined) gateway.events.describe = () => ({ janus: 'server_info', ...this.#describe() });
  }

  /** A transport was mounted; it appears in `server_info`. */
  mounted(id: string, facts: TransportFacts): void {
    this.#transports.set(id, facts);
  }

  /** A name for a connection, in events. */
  nextTransportId(): string {
    this.#connections += 1;
    return String(this.#connections);
  }

  /** Whether anybody wants to know of connections and requests. */
  get tellsTransports(): boolean {
    return this.#gateway.events?.wants('transport') ?? false;
  }

  /** Tells of a connection or a request; ask {@link tellsTransports} before. */
  tellTransport(transport: string, id: string, data: TransportEventData['data']): void {
    this.#gateway.events?.tell('transport', {}, { transport, id, data });
  }

  /** Answers a request. Never throws, never rejects. */
  handle(request: unknown, origin: Origin, path: PathIds = NO_IDS): Outcome | Promise<Outcome> {
    const address: Address = {};
    try {
      return this.#handle(request, origin, path, address);
    } catch (error) {
      return this.#failure(error, address);
    }
  }

  /** The reply to `info`. */
  info(transaction: string): object {
    return makeReply('server_info', { transaction }, this.#describe());
  }

  #describe(): object {
    const { sessions, auth } = this;
    const { sessionTimeout, reclaimSessionTimeout, opaqueIdInApi } = sessions.options;
    const state = {
      accepting: sessions.accepting,
      sessionTimeout,
      reclaimSessionTimeout,
      candidatesTimeout: SessionHandle.EARLY_CANDIDATES_LIFETIME,
      apiSecret: auth.needsSecret,
      authToken: auth.needsToken,
      opaqueIdInApi,
      transports: this.#transports,
      plugins: sessions.plugins,
    };
    return serverInfo(this.#gateway.serverFacts?.() ?? {}, state);
  }

  /** The reply to `ping`. */
  ping(transaction: string): object {
    return makeReply('pong', { transaction });
  }

  #handle(request: unknown, origin: Origin, path: PathIds, address: Address): Outcome | Promise<Outcome> {
    if (!isObject(request)) throw new ApiError(API_ERROR.NO_OBJECT, 'the request must be a JSON object');
    const ids = readIds(request, path);
    address.sessionId = ids.sessionId;
    const { transaction, janus, id } = checked(
      { transaction: string, janus: string, id: optional(positiveInteger, 0) },
      request,
    );
    address.transaction = transaction;
    const verb = janus.toLowerCase();

    if (ids.sessionId === 0 && ids.handleId === undefined) {
      return this.#withoutSession(verb, id, request, transaction, origin, address);
    }
    if (ids.sessionId < 1) throw new ApiError(API_ERROR.NO_SESSION, 'no session is given');
    if (ids.handleId !== undefined && ids.handleId < 1) throw new ApiError(API_ERROR.NO_HANDLE, 'no handle is given');
    const credentials = this.#authorize(request);
    const session = this.sessions.get(ids.sessionId);
    if (session === undefined || session.internal) {
      throw new ApiError(API_ERROR.NO_SESSION, `there is no session ${String(ids.sessionId)}`);
    }
    session.touch();
    const handle = ids.handleId === undefined ? undefined : session.handles.get(ids.handleId);
    if (ids.handleId !== undefined && handle === undefined) {
      const message = `session ${String(ids.sessionId)} has no handle ${String(ids.handleId)}`;
      throw new ApiError(API_ERROR.NO_HANDLE, message);
    }
    return this.#withSession(verb, { body: request, transaction, session, handle, origin }, credentials);
  }

  #withoutSession(
    verb: string,
    id: number,
    body: Body,
    transaction: string,
    origin: Origin,
    address: Address,
  ): Outcome {
    switch (verb) {
      case 'ping':
        return { reply: this.ping(transaction), after: nothing };
      case 'info':
        return { reply: this.info(transaction), after: nothing };
      case 'create': {
        this.#authorize(body);
        if (this.sessions.get(id) !== undefined) address.sessionId = id;
        const session = this.sessions.create(origin.ownerFor(null), id);
        return { reply: makeReply('success', { transaction }, { data: { id: session.id } }), after: nothing };
      }
      default:
        throw new ApiError(API_ERROR.WRONG_LEVEL, `there is no request ${show(verb)} without a session`);
    }
  }

  #withSession(verb: string, call: Call, credentials: Credentials): Outcome | Promise<Outcome> {
    const { session, handle } = call;
    // No event may overtake the reply to the request that caused it.
    session.hold();
    let held = true;
    const resume = (): void => {
      if (held) session.resume();
      held = false;
    };
    try {
      const outcome =
        handle === undefined ? this.#onSession(verb, call, credentials) : this.#onHandle(verb, call, handle);
      if (!(outcome instanceof Promise)) return followedBy(outcome, resume);
      // Others wait for events of this session, too.
      resume();
      return outcome.catch((error: unknown) => this.#failure(error, addressOf(call)));
    } catch (error) {
      return followedBy(this.#failure(error, addressOf(call)), resume);
    }
  }

  #onSession(verb: string, call: Call, credentials: Credentials): Outcome {
    const { session } = call;
    switch (verb) {
      case 'keepalive':
      case 'claim':
        return this.#onEither(verb, call);
      case 'attach':
        return this.#attach(call, credentials);
      case 'destroy':
        session.close('destroyed');
        return success(call);
      case 'message':
      case 'trickle':
      case 'hangup':
      case 'detach':
        throw new ApiError(API_ERROR.WRONG_LEVEL, `${show(verb)} needs "handle_id"`);
      default:
        throw unknownVerb(verb);
    }
  }

  #onHandle(verb: string, call: Call, handle: SessionHandle): Outcome | Promise<Outcome> {
    const { body } = call;
    switch (verb) {
      case 'keepalive':
      case 'claim':
        return this.#onEither(verb, call);
      case 'message':
        return this.#message(call, handle);
      case 'trickle':
        handle.trickle(readTrickle(body));
        return { reply: makeReply('ack', addressOf(call)), after: nothing };
      case 'hangup':
        handle.hangup('Janus API');
        return success(call);
      case 'detach':
        handle.close(true);
        return success(call);
      case 'attach':
      case 'destroy':
        throw new ApiError(API_ERROR.WRONG_LEVEL, `${show(verb)} is a request of the session: leave "handle_id" out`);
      default:
        throw unknownVerb(verb);
    }
  }

  #onEither(verb: 'keepalive' | 'claim', call: Call): Outcome {
    if (verb === 'keepalive') return { reply: makeReply('ack', addressOf(call)), after: nothing };
    const { session, origin } = call;
    session.claim(origin.ownerFor(session.owner));
    return success(call);
  }

  #attach(call: Call, credentials: Credentials): Outcome {
    const { plugin, opaque_id: opaqueId } = checked(
      { plugin: string, opaque_id: optional(string), loop_index: optional(positiveInteger) },
      call.body,
    );
    const found = this.sessions.plugins.get(plugin);
    if (found === undefined) throw new ApiError(API_ERROR.NO_PLUGIN, `there is no plugin ${show(plugin)}`);
    if (!this.auth.allowsPlugin(credentials, plugin)) {
      throw new ApiError(API_ERROR.UNAUTHORIZED_PLUGIN, `the token does not allow the plugin ${show(plugin)}`);
    }
    const handle = call.session.attach(found, opaqueId);
    return success(call, { data: { id: handle.id } });
  }

  #message(call: Call, handle: SessionHandle): Outcome | Promise<Outcome> {
    if (!Object.hasOwn(call.body, 'body'))
      throw new ApiError(API_ERROR.MISSING, '"body" is missing: it must be an object');
    const body = call.body['body'];
    if (!isObject(body)) throw new ApiError(API_ERROR.INVALID, '"body" must be an object');
    const jsep = Object.hasOwn(call.body, 'jsep') ? call.body['jsep'] : undefined;
    const answer = (data: object): Outcome =>
      success(call, {
        sender: handle.id,
        ...handle.labels,
        plugindata: { plugin: handle.plugin.package, data },
      });

    const delivery = handle.message(body, jsep, call.transaction);
    if (delivery instanceof Promise) {
      return delivery.then((done) => {
        // A request that is answered late is still one that is answered in the reply.
        if (done.kind !== 'success') throw new Error('a synchronous request was not answered');
        return answer(done.data);
      });
    }
    if (delivery.kind === 'success') return answer(delivery.data);
    return { reply: makeReply('ack', addressOf(call)), after: () => void delivery.run() };
  }

  #authorize(body: Body): Credentials {
    const credentials = { secret: own(body, 'apisecret'), token: own(body, 'token') };
    if (this.auth.allows(credentials)) return credentials;
    throw new ApiError(API_ERROR.UNAUTHORIZED, '"apisecret" or "token" is missing or wrong');
  }

  #failure(error: unknown, address: Address): Outcome {
    if (error instanceof ApiError) return { reply: makeError(error, address), after: nothing };
    this.logger.error({ err: error }, 'a request failed');
    return { reply: makeError({ code: API_ERROR.UNKNOWN, message: 'the gateway failed' }, address), after: nothing };
  }
}

/**
 * Finds the ids of a request. An id of a wrong type counts as 0, which no session
 * has; `handleId` is undefined when the request names no handle.
 */
function readIds(body: Body, path: PathIds): { sessionId: number; handleId: number | undefined } {
  const inBody = { session: own(body, 'session_id'), handle: own(body, 'handle_id') };
  const sessionId = asId(inBody.session);
  const handleId = asId(inBody.handle);
  if (path.sessionId !== 0 && sessionId !== 0 && path.sessionId !== sessionId) {
    throw new ApiError(API_ERROR.WRONG_LEVEL, '"session_id" differs from the session in the path');
  }
  if (path.handleId !== 0 && handleId !== 0 && path.handleId !== handleId) {
    throw new ApiError(API_ERROR.WRONG_LEVEL, '"handle_id" differs from the handle in the path');
  }
  const hasHandle = path.handleId !== 0 || (inBody.handle !== undefined && inBody.handle !== null);
  return { sessionId: path.sessionId || sessionId, handleId: hasHandle ? path.handleId || handleId : undefined };
}

function asId(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}

function own(body: Body, field: string): unknown {
  return Object.hasOwn(body, field) ? body[field] : undefined;
}

function addressOf({ session, transaction }: Call): Address {
  return { sessionId: session.id, transaction };
}

function success(call: Call, rest?: object): Outcome {
  return { reply: makeReply('success', addressOf(call), rest), after: nothing };
}

function followedBy(outcome: Outcome, next: () => void): Outcome {
  return {
    reply: outcome.reply,
    after: () => {
      next();
      outcome.after();
    },
  };
}

function unknownVerb(verb: string): ApiError {
  return new ApiError(API_ERROR.UNKNOWN_REQUEST, `there is no request ${show(verb)}`);
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
