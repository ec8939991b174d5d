import type { IncomingMessage } from 'node:http';

import type { Logger } from '../logger.js';
import { isObject, optional, positiveInteger, string } from '../plugins/shape.js';
import { API_ERROR, ApiError } from '../session/api-error.js';
import type { SessionHandle } from '../session/handle.js';
import { checked, readTrickle } from '../session/jsep.js';
import type { SessionOwner } from '../session/owner.js';
import type { Session } from '../session/session.js';
import type { EventBus } from '../session/event-bus.js';
import type { SessionTable } from '../session/sessions.js';
import type { Capture, CaptureOptions } from '../peer/capture.js';
import type { MediaTuning } from '../peer/media-tuning.js';
import type { TokenStore } from '../session/tokens.js';
import type { AuthSettings, Grant } from './auth.js';
import { Authorizer } from './auth.js';
import type { Body, PathIds } from './request.js';
import { NO_IDS, own, readIds, show } from './request.js';
import type { ServerFacts, TransportFacts } from './server-info.js';
import { serverInfo } from './server-info.js';
import type { TransportEvents } from './transport-events.js';
import { transportEventsOf } from './transport-events.js';
import type { Step, Turns } from './turns.js';
import type { Address, JsonFormat } from './wire.js';
import { makeError, makeReply } from './wire.js';

/** What signalling needs of a gateway. */
export interface SignallingGateway extends AuthSettings {
  readonly sessions: SessionTable;
  readonly logger: Logger;
  /** Requests to the admin API must carry it as `admin_secret`. Without it there is no admin API. */
  readonly adminSecret?: string | undefined;
  /** What the admin API can change of media. */
  readonly tuning?: MediaTuning | undefined;
  /** What happens is told there. */
  readonly events?: EventBus | undefined;
  /** Makes the files of `start_pcap` and `start_text2pcap`. */
  createCapture?(options: CaptureOptions): Capture;
  /** Gets the `custom_event` of the admin API. */
  customEvent?(schema: string, data: object): void;
  /** Read anew for each `info`. */
  serverFacts?(): ServerFacts;
}

/** From where a request comes. */
export interface Origin {
  /** The owner that `create` and `claim` give the session to. `current` owns it now. */
  ownerFor(current: SessionOwner | null): SessionOwner;
  /** Package name of the transport: `janus.transport.http`. */
  readonly transport: string;
  /** The HTTP request, or the one that became the WebSocket, if it was one. */
  readonly request?: IncomingMessage | undefined;
  /** How long the application may take to decide whether a request is allowed, in milliseconds. Default 10,000. */
  readonly answerTimeout?: number;
  /** Of a connection whose requests are answered in order. Without it each is answered when it can be. */
  readonly turns?: Turns;
}

/** What to answer. */
export interface Outcome {
  readonly reply: object;
  /** To be called, always, when the reply is on its way: what follows from the request follows now. */
  readonly after: () => void;
}

/** What a request shows to prove that it may be made. */
export interface Credentials {
  secret: unknown;
  token: unknown;
}

/** A request that is whole. */
interface Asked {
  readonly verb: string;
  /** `handleId` is undefined when the request names no handle. */
  readonly ids: { sessionId: number; handleId: number | undefined };
  /** The session id that `create` wishes for; 0: any. */
  readonly id: number;
  readonly transaction: string;
  readonly body: Body;
}

/** A request whose session was found. */
interface Call {
  readonly body: Body;
  readonly transaction: string;
  readonly session: Session;
  readonly handle: SessionHandle | undefined;
  readonly origin: Origin;
  readonly grant: Grant;
}

/** How long whatever answers a request may take unless a transport says otherwise, in milliseconds. */
export const ANSWER_TIMEOUT = 10_000;

const nothing = (): void => undefined;
const apis = new WeakMap<SignallingGateway, JanusApi>();

/** A place where a transport is mounted, for the admin API. */
export interface TransportMount {
  /** Clients, or requests, that are there now. */
  readonly connections: number;
  /** How JSON is written from now on. */
  setFormat(json: JsonFormat): void;
}

/** What transports need of an API. */
export interface Api {
  readonly logger: Logger;
  /** Whether it is the admin API. */
  readonly admin: boolean;
  /** Hears of connections and requests. */
  readonly transports: TransportEvents;
  /** Answers a request. Never throws, never rejects. */
  handle(request: unknown, origin: Origin, path?: PathIds): Outcome | Promise<Outcome>;
  /** The reply to `info`. */
  info(transaction: string): object;
  /** The reply to `ping`. */
  ping(transaction: string): object;
}

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
export class JanusApi implements Api {
  readonly admin = false;
  readonly transports: TransportEvents;
  readonly sessions: SessionTable;
  readonly logger: Logger;
  /** The stored tokens; undefined if the gateway has none. */
  readonly tokens: TokenStore | undefined;
  readonly #auth: Authorizer;
  readonly #gateway: SignallingGateway;
  readonly #transports = new Map<string, TransportFacts>();
  readonly #mounts = new Map<string, Set<TransportMount>>();

  constructor(gateway: SignallingGateway) {
    this.#gateway = gateway;
    this.sessions = gateway.sessions;
    this.logger = gateway.logger;
    this.transports = transportEventsOf(gateway);
    this.tokens = gateway.tokens;
    this.#auth = new Authorizer(gateway, gateway.logger);
    if (gateway.events !== undefined) gateway.events.describe = () => ({ janus: 'server_info', ...this.#describe() });
  }

  /** A transport was mounted; it appears in `server_info`. */
  mounted(id: string, facts: TransportFacts, mount: TransportMount): void {
    this.#transports.set(id, facts);
    const mounts = this.#mounts.get(id) ?? new Set();
    this.#mounts.set(id, mounts.add(mount));
  }

  /** It takes no more clients. */
  unmounted(id: string, mount: TransportMount): void {
    this.#mounts.get(id)?.delete(mount);
  }

  /** Where a transport is mounted; undefined if it never was. */
  mountsOf(id: string): ReadonlySet<TransportMount> | undefined {
    return this.#mounts.get(id);
  }

  /** Answers a request. Never throws, never rejects. */
  handle(request: unknown, origin: Origin, path: PathIds = NO_IDS): Outcome | Promise<Outcome> {
    const step = this.#prepare(request, origin, path);
    if (origin.turns !== undefined) return origin.turns.take(step);
    return step instanceof Promise ? step.then((run) => run()) : step();
  }

  /** Whether somebody may ask for the events of a session. */
  async mayPoll(credentials: Credentials, origin: Origin): Promise<boolean> {
    return (await this.#authorize(credentials, 'poll', undefined, origin)) !== undefined;
  }

  /** The reply to `info`. */
  info(transaction: string): object {
    return makeReply('server_info', { transaction }, this.#describe());
  }

  #describe(): object {
    const { sessions } = this;
    const { sessionTimeout, reclaimSessionTimeout, candidatesTimeout, opaqueIdInApi } = sessions.options;
    const state = {
      accepting: sessions.accepting,
      sessionTimeout,
      reclaimSessionTimeout,
      candidatesTimeout,
      apiSecret: this.#auth.needsSecret,
      authToken: this.#auth.needsToken,
      opaqueIdInApi,
      transports: this.#transports,
      eventHandlers: this.#gateway.events?.handlers ?? new Map(),
      plugins: sessions.plugins,
    };
    return serverInfo(this.#gateway.serverFacts?.() ?? {}, state);
  }

  /** The reply to `ping`. */
  ping(transaction: string): object {
    return makeReply('pong', { transaction });
  }

  /**
   * Does all there is to do before the state of the gateway matters: checks the
   * request and whether it may be made. The step it returns does the rest.
   */
  #prepare(request: unknown, origin: Origin, path: PathIds): Step | Promise<Step> {
    const address: Address = {};
    const guarded =
      (run: Step): Step =>
      () => {
        try {
          return run();
        } catch (error) {
          return this.#failure(error, address);
        }
      };
    try {
      const asked = readRequest(request, path, address);
      const { verb, ids, transaction, body } = asked;
      const isAnonymous = ids.sessionId === 0 && ids.handleId === undefined;
      if (isAnonymous && verb !== 'create') return guarded(() => this.#withoutSession(verb, transaction));
      if (!isAnonymous && ids.sessionId < 1) throw new ApiError(API_ERROR.NO_SESSION, 'no session is given');
      if (ids.handleId !== undefined && ids.handleId < 1) {
        throw new ApiError(API_ERROR.NO_HANDLE, 'no handle is given');
      }
      const granted = (grant: Grant | undefined): Step =>
        guarded(() => {
          if (grant === undefined) {
            throw new ApiError(API_ERROR.UNAUTHORIZED, '"apisecret" or "token" is missing or wrong');
          }
          return isAnonymous ? this.#create(asked, origin, address) : this.#inSession(asked, origin, grant);
        });
      const credentials = { secret: own(body, 'apisecret'), token: own(body, 'token') };
      const plugin = verb === 'attach' ? own(body, 'plugin') : undefined;
      const grant = this.#authorize(credentials, verb, plugin, origin);
      return grant instanceof Promise ? grant.then(granted) : granted(grant);
    } catch (error) {
      return guarded(() => {
        throw error;
      });
    }
  }

  #authorize(
    credentials: Credentials,
    verb: string,
    plugin: unknown,
    { transport, request, answerTimeout = ANSWER_TIMEOUT }: Origin,
  ): Grant | undefined | Promise<Grant | undefined> {
    const named = typeof plugin === 'string' ? { plugin } : {};
    return this.#auth.authorize({ ...credentials, request, transport, verb, ...named }, answerTimeout);
  }

  #withoutSession(verb: string, transaction: string): Outcome {
    switch (verb) {
      case 'ping':
        return { reply: this.ping(transaction), after: nothing };
      case 'info':
        return { reply: this.info(transaction), after: nothing };
      default:
        throw new ApiError(API_ERROR.WRONG_LEVEL, `there is no request ${show(verb)} without a session`);
    }
  }

  #create({ id, transaction }: Asked, origin: Origin, address: Address): Outcome {
    if (this.sessions.get(id) !== undefined) address.sessionId = id;
    const session = this.sessions.create(origin.ownerFor(null), id);
    return { reply: makeReply('success', { transaction }, { data: { id: session.id } }), after: nothing };
  }

  #inSession({ verb, ids, transaction, body }: Asked, origin: Origin, grant: Grant): Outcome | Promise<Outcome> {
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
    return this.#withSession(verb, { body, transaction, session, handle, origin, grant });
  }

  #withSession(verb: string, call: Call): Outcome | Promise<Outcome> {
    const { session, handle } = call;
    // No event may overtake the reply to the request that caused it.
    session.hold();
    let held = true;
    const resume = (): void => {
      if (held) session.resume();
      held = false;
    };
    try {
      const outcome = handle === undefined ? this.#onSession(verb, call) : this.#onHandle(verb, call, handle);
      if (!(outcome instanceof Promise)) return followedBy(outcome, resume);
      // Others wait for events of this session, too.
      resume();
      return outcome.catch((error: unknown) => this.#failure(error, addressOf(call)));
    } catch (error) {
      return followedBy(this.#failure(error, addressOf(call)), resume);
    }
  }

  #onSession(verb: string, call: Call): Outcome {
    const { session } = call;
    switch (verb) {
      case 'keepalive':
      case 'claim':
        return this.#onEither(verb, call);
      case 'attach':
        return this.#attach(call);
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

  #attach(call: Call): Outcome {
    const { plugin, opaque_id: opaqueId } = checked(
      { plugin: string, opaque_id: optional(string), loop_index: optional(positiveInteger) },
      call.body,
    );
    const found = this.sessions.plugins.get(plugin);
    if (found === undefined) throw new ApiError(API_ERROR.NO_PLUGIN, `there is no plugin ${show(plugin)}`);
    if (!call.grant.allowsPlugin(plugin)) {
      throw new ApiError(API_ERROR.UNAUTHORIZED_PLUGIN, `the token does not allow the plugin ${show(plugin)}`);
    }
    const token = own(call.body, 'token');
    const handle = call.session.attach(found, opaqueId, typeof token === 'string' ? token : undefined);
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

  #failure(error: unknown, address: Address): Outcome {
    if (error instanceof ApiError) return { reply: makeError(error, address), after: nothing };
    this.logger.error({ err: error }, 'a request failed');
    return { reply: makeError({ code: API_ERROR.UNKNOWN, message: 'the gateway failed' }, address), after: nothing };
  }
}

/**
 * Checks the members that every request has.
 *
 * @param address - gets what is known of the request even if it is refused
 */
function readRequest(request: unknown, path: PathIds, address: Address): Asked {
  if (!isObject(request)) throw new ApiError(API_ERROR.NO_OBJECT, 'the request must be a JSON object');
  const ids = readIds(request, path);
  address.sessionId = ids.sessionId;
  const { transaction, janus, id } = checked(
    { transaction: string, janus: string, id: optional(positiveInteger, 0) },
    request,
  );
  address.transaction = transaction;
  return { verb: janus.toLowerCase(), ids, id, transaction, body: request };
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
