import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import type { Peer, PeerFactory, PeerOptions } from '../peer/peer.js';
import type { Plugin } from '../plugins/plugin.js';
import { PluginError } from '../plugins/plugin.js';
import { API_ERROR, ApiError } from './api-error.js';
import { SessionHandle } from './handle.js';
import type { HandleOwner } from './handle.js';
import type { SessionOwner } from './owner.js';

/** Why a session ended. */
export type SessionEnd = 'destroyed' | 'timeout' | 'transport gone' | 'admin' | 'gateway closed';

/** Events of a session. */
export interface SessionEvents {
  attached: [handle: SessionHandle];
  detached: [handle: SessionHandle];
  /** Final. */
  close: [reason: SessionEnd];
}

/** What a session needs of the table it is in. */
export interface SessionHost extends PeerFactory {
  readonly logger: Logger;
  readonly maxHandles: number;
  readonly opaqueIdInApi: boolean;
  readonly fullTrickle?: boolean;
  readonly candidatesTimeout: number;
  newHandleId(): number;
  freeHandleId(id: number): void;
  forget(session: Session): void;
}

/** One client's session: its handles, and the way its events go. */
export class Session extends Emitter<SessionEvents> implements HandleOwner {
  readonly id: number;
  /** The application's own: neither time nor limits end it. */
  readonly internal: boolean;
  /** When it was made, in milliseconds since 1970. */
  readonly createdAt = Date.now();
  /** Silence after which it ends, in milliseconds; 0: never; null: as all sessions. */
  timeout: number | null = null;

  readonly #host: SessionHost;
  readonly #handles = new Map<number, SessionHandle>();
  #owner: SessionOwner | null;
  #lastActivity: number;
  #orphanedAt: number | null = null;
  #closed = false;
  #holds = 0;
  #held: object[] = [];

  constructor(
    id: number,
    host: SessionHost,
    owner: SessionOwner,
    { now = performance.now(), internal = false }: { now?: number; internal?: boolean } = {},
  ) {
    super();
    this.id = id;
    this.internal = internal;
    this.#host = host;
    this.#owner = owner;
    this.#lastActivity = now;
    owner.acquired(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Null while it waits to be claimed. */
  get owner(): SessionOwner | null {
    return this.#owner;
  }

  /** When a client last asked for something, by `performance.now()`. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  get handles(): ReadonlyMap<number, SessionHandle> {
    return this.#handles;
  }

  get logger(): Logger {
    return this.#host.logger;
  }

  /** A client asked for something: the session timeout starts anew. */
  touch(now = performance.now()): void {
    this.#lastActivity = now;
  }

  /**
   * Whether its time is over.
   *
   * @param timeout - of sessions without one of their own, in milliseconds; 0: never
   * @param reclaimTimeout - how long it outlives the loss of its owner, in milliseconds
   */
  expired(now: number, timeout: number, reclaimTimeout: number): boolean {
    if (this.internal) return false;
    if (this.#orphanedAt !== null && now - Math.max(this.#orphanedAt, this.#lastActivity) >= reclaimTimeout) {
      return true;
    }
    const silence = this.timeout ?? timeout;
    return silence > 0 && now - this.#lastActivity >= silence;
  }

  /**
   * Attaches to a plugin.
   *
   * @param token - the one the client showed
   * @throws {@link ApiError} 461 if the plugin refuses, 490 if there are too many handles
   */
  attach(plugin: Plugin, opaqueId?: string, token?: string): SessionHandle {
    if (this.#handles.size >= this.#host.maxHandles && !this.internal) {
      throw new ApiError(API_ERROR.UNKNOWN, `a session has at most ${String(this.#host.maxHandles)} handles`);
    }
    const handle = new SessionHandle(this.#host.newHandleId(), plugin, this, {
      opaqueId,
      token,
      showOpaqueId: this.#host.opaqueIdInApi,
      fullTrickle: this.#host.fullTrickle ?? false,
      candidatesTimeout: this.#host.candidatesTimeout,
    });
    this.#handles.set(handle.id, handle);
    try {
      plugin.attached(handle);
    } catch (error) {
      this.#refused(handle, error);
    }
    this.emit('attached', handle);
    return handle;
  }

  /** Makes another owner the one who gets the events. */
  claim(owner: SessionOwner): void {
    this.#orphanedAt = null;
    if (this.#owner === owner) return;
    const before = this.#owner;
    this.#owner = owner;
    const left = before?.released(this) ?? [];
    owner.acquired(this);
    for (const event of left) this.deliver(event);
  }

  /** The owner is gone; somebody may claim the session. Events until then are lost. */
  orphan(now = performance.now()): void {
    this.#owner = null;
    this.#orphanedAt = now;
  }

  /**
   * Keeps events back while a request is answered, so that no event overtakes
   * the reply to the request that caused it. Ends with {@link resume}.
   */
  hold(): void {
    this.#holds += 1;
  }

  /** Lets go what {@link hold} kept. */
  resume(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    const events = this.#held;
    this.#held = [];
    for (const event of events) this.#owner?.deliver(event);
  }

  /** Ends the session and all its handles. Only `timeout` is told to the client. */
  close(reason: SessionEnd): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = [];
    for (const handle of [...this.#handles.values()]) handle.close(false);
    const owner = this.#owner;
    this.#owner = null;
    if (reason === 'timeout') owner?.deliver({ janus: 'timeout', session_id: this.id });
    owner?.released(this);
    this.#host.forget(this);
    this.emit('close', reason);
  }

  // ---- HandleOwner --------------------------------------------------------------

  createPeer(options?: PeerOptions): Peer {
    return this.#host.createPeer(options);
  }

  deliver(event: object): void {
    if (this.#closed) return;
    if (this.#holds > 0) this.#held.push(event);
    else this.#owner?.deliver(event);
  }

  forget(handle: SessionHandle): void {
    this.#handles.delete(handle.id);
    this.#host.freeHandleId(handle.id);
    this.emit('detached', handle);
  }

  #refused(handle: SessionHandle, error: unknown): never {
    this.#handles.delete(handle.id);
    this.#host.freeHandleId(handle.id);
    if (error instanceof PluginError) throw new ApiError(API_ERROR.ATTACH_REFUSED, error.message);
    this.logger.error({ err: error, plugin: handle.plugin.package }, 'attached failed');
    throw new ApiError(API_ERROR.ATTACH_REFUSED, 'the plugin failed');
  }
}
