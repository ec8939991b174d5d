import type { Logger } from '../logger.js';
import type { HangupReason } from '../peer/peer.js';
import type { Handle, Jsep, RemoteJsep } from './handle.js';
import type { Shape, Shaped } from './shape.js';
import { fit } from './shape.js';

/** What a request handler gets besides the handle and the body. */
export interface RequestContext {
  /** Names the request in events that answer it. */
  readonly transaction: string;
  /** The session description that came along. An answer was given to the peer already. */
  readonly jsep: RemoteJsep | undefined;
  /** The body as it was sent, with the fields the shape does not name. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** An answer with a session description; made by {@link reply}. */
export class Reply {
  constructor(
    readonly data: object,
    readonly jsep: Jsep | undefined,
  ) {}
}

/** Answers an asynchronous request with data and a session description. */
export function reply(data: object, jsep?: Jsep): Reply {
  return new Reply(data, jsep);
}

/** One verb of a plugin; made by {@link request} or {@link asyncRequest}. */
export interface Request {
  readonly kind: 'sync' | 'async';
  readonly shape: Shape;
  run(
    handle: Handle,
    body: Readonly<Record<string, unknown>>,
    context: RequestContext,
  ): object | void | Promise<object | void>;
}

/** Verb → request. */
export type Requests = Readonly<Record<string, Request>>;

/**
 * A request that is answered at once, in the reply to the client's message.
 *
 * @example
 * readonly requests = { greet: request({ name: string }, (_handle, { name }) => ({ hello: name })) };
 */
export function request<S extends Shape>(
  shape: S,
  run: (handle: Handle, body: Shaped<S>, context: RequestContext) => object,
): Request {
  return { kind: 'sync', shape, run: run };
}

/**
 * A request that is acknowledged at once and answered by an event. Requests of
 * one handle run one after another. What is returned is sent as the event that
 * carries the request's transaction; nothing returned sends nothing.
 *
 * @example
 * readonly requests = {
 *   watch: asyncRequest({}, async (handle) => {
 *     const sdp = await handle.createPeer().createOffer({ sessionName: 'x', media: [] });
 *     return reply({ result: 'preparing' }, { type: 'offer', sdp });
 *   }),
 * };
 */
export function asyncRequest<S extends Shape>(
  shape: S,
  run: (handle: Handle, body: Shaped<S>, context: RequestContext) => object | void | Promise<object | void>,
): Request {
  return { kind: 'async', shape, run: run };
}

/**
 * Throw it from a request: the client gets `error_code` and `error` in the
 * plugin's data, as `success` or as an event.
 */
export class PluginError extends Error {
  /** The client sees it as `error_code`. */
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.name = 'PluginError';
    this.code = code;
  }
}

/** The numbers a plugin answers with when the base class refuses a request. */
export interface PluginErrorCodes {
  /** `request` is none of the plugin's. */
  readonly unknownRequest: number;
  /** A required field is absent. */
  readonly missing: number;
  /** A field is of the wrong type. */
  readonly invalid: number;
  /** The plugin's code failed. */
  readonly unknownError: number;
}

/** What a plugin sees of the gateway it is used in. */
export interface PluginHost {
  readonly logger: Logger;

  /**
   * Tells those who listen to the gateway's `events` what happened in a plugin.
   *
   * @param about - the handle that it is about, or the plugin if it is about none
   * @param data - a JSON object, or what makes it: not called while nobody listens
   */
  notify(about: Handle | Plugin, data: object | (() => object)): void;
}

/** The static members that a plugin's class may have; `package` it must have. */
export interface PluginClass {
  /** What clients attach to: `janus.plugin.streaming`. */
  readonly package: string;
  /** First key of the data of errors: `{"streaming":"event","error_code":…}`. Without it that member is left out. */
  readonly key?: string;
  /** Numbers for what the base class refuses; those not given are 452, 453, 454 and 499. */
  readonly errorCodes?: Partial<PluginErrorCodes>;
}

const DEFAULT_ERROR_CODES: PluginErrorCodes = {
  unknownRequest: 452,
  missing: 453,
  invalid: 454,
  unknownError: 499,
};

/**
 * Base of all plugins, built-in or the application's own. A request is data: a
 * shape and a function, listed in {@link requests} under its verb. The class
 * has the static members of {@link PluginClass}. (They are not declared here:
 * a plugin's author would have to write `static override` then.)
 *
 * @example
 * class ClockPlugin extends Plugin {
 *   static readonly package = 'example.plugin.clock';
 *   readonly requests = { now: request({}, () => ({ now: Date.now() })) };
 * }
 */
export abstract class Plugin {
  abstract readonly requests: Requests;

  /** For `server_info`. */
  get name(): string {
    return this.package;
  }
  /** For `server_info`. */
  get author(): string {
    return 'unknown';
  }
  /** For `server_info`. */
  get description(): string {
    return '';
  }
  /** For `server_info`. */
  get versionString(): string {
    return '0.0.1';
  }
  /** For `server_info`: grows with each release. */
  get version(): number {
    return 1;
  }

  /** The static member of that name. */
  get package(): string {
    return this.#class.package;
  }
  /** The static member of that name. */
  get key(): string | undefined {
    return this.#class.key;
  }
  /** The static member of that name, complete. */
  get errorCodes(): PluginErrorCodes {
    return { ...DEFAULT_ERROR_CODES, ...this.#class.errorCodes };
  }

  get #class(): PluginClass {
    return this.constructor as unknown as PluginClass;
  }

  /**
   * Verbs of {@link requests} that the admin API may use with `message_plugin`.
   * They are synchronous and leave their handle alone: it belongs to no client,
   * and is closed. Default: none.
   */
  get adminRequests(): readonly string[] {
    return [];
  }

  /** What `handle_info` of the admin API shows as `plugin_specific`: a JSON object. Default: an empty one. */
  handleInfo(_handle: Handle): object {
    return {};
  }

  /** The gateway begins to use the plugin. */
  opened(_gateway: PluginHost): void | Promise<void> {
    // nothing to prepare
  }
  /** The gateway closes. */
  closed(): void | Promise<void> {
    // nothing to give back
  }

  /**
   * A client attached. To refuse it, throw {@link PluginError}: the client gets
   * the core error 461 with its text.
   */
  attached(_handle: Handle): void {
    // welcome
  }
  /** The handle is gone, by whatever way. Its peer is closed already. */
  detached(_handle: Handle): void {
    // farewell
  }
  /** Media can flow. What is pushed here reaches the client before `webrtcup`. */
  peerUp(_handle: Handle): void {
    // nothing to start
  }
  /** The peer is gone. What is pushed here reaches the client before `hangup`. */
  peerClosed(_handle: Handle, _reason: HangupReason): void {
    // nothing to stop
  }

  /**
   * Finds the request a body asks for.
   *
   * @throws {@link PluginError} when the field `request` is absent, no string, or unknown
   */
  requestFor(body: Readonly<Record<string, unknown>>): Request {
    const verb = Object.hasOwn(body, 'request') ? body['request'] : undefined;
    if (verb === undefined) {
      throw new PluginError(this.errorCodes.missing, '"request" is missing: it must be a string');
    }
    if (typeof verb !== 'string') {
      throw new PluginError(this.errorCodes.invalid, '"request" must be a string');
    }
    const found = Object.hasOwn(this.requests, verb) ? this.requests[verb] : undefined;
    if (found === undefined) {
      const shown = JSON.stringify(verb.length > 40 ? `${verb.slice(0, 40)}…` : verb);
      throw new PluginError(this.errorCodes.unknownRequest, `there is no request ${shown}`);
    }
    return found;
  }

  /**
   * Checks a body, or a part of one, against a shape.
   *
   * @throws {@link PluginError} with the plugin's number for missing or invalid
   */
  check<S extends Shape>(shape: S, body: Readonly<Record<string, unknown>>): Shaped<S> {
    const { body: fitted, misfit } = fit(shape, body);
    if (misfit !== undefined) throw new PluginError(this.errorCodes[misfit.problem], misfit.text);
    return fitted;
  }

  /** The data that tells a client of an error. */
  errorData(error: PluginError): Record<string, unknown> {
    const envelope = this.key === undefined ? {} : { [this.key]: 'event' };
    return { ...envelope, error_code: error.code, error: error.message };
  }
}
