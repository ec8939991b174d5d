import { randomBytes } from 'node:crypto';

import { Emitter } from '../events.js';
import { UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import { silentLogger } from '../logger.js';
import { option, readOptions } from '../options.js';
import type { PeerFactory } from '../peer/peer.js';
import type { Plugin } from '../plugins/plugin.js';
import { API_ERROR, ApiError } from './api-error.js';
import type { SessionOwner } from './owner.js';
import type { SessionEnd, SessionHost } from './session.js';
import { Session } from './session.js';

/** Options of {@link SessionTable}; those that clients notice are named as in `Gateway.open`. */
export interface SessionTableOptions {
  /** Silence after which a session ends, in milliseconds; 0: never. Default 60,000. */
  sessionTimeout?: number;
  /** How long a session outlives its WebSocket, in milliseconds. Default 0: not at all. */
  reclaimSessionTimeout?: number;
  /** How long candidates that come before the session description wait for it, in milliseconds. Default 45,000. */
  candidatesTimeout?: number;
  /** How often timeouts are looked for, in milliseconds. Default 2,000. */
  watchdogInterval?: number;
  /** Default 100,000. */
  maxSessions?: number;
  /** Per session. Default 1,000. */
  maxHandles?: number;
  /** Whether replies and events show a handle's `opaque_id`. Default false. */
  opaqueIdInApi?: boolean;
  /** Clients get our candidates in `trickle` events, not in descriptions. Default false. */
  fullTrickle?: boolean;
}

/** Readers of {@link SessionTableOptions}. */
export const SESSION_OPTIONS = {
  sessionTimeout: option.integer({ min: 0, max: 2 ** 31 - 1, default: 60_000 }),
  reclaimSessionTimeout: option.integer({ min: 0, max: 2 ** 31 - 1, default: 0 }),
  candidatesTimeout: option.integer({ min: 0, max: 3_600_000, default: 45_000 }),
  watchdogInterval: option.integer({ min: 10, max: 60_000, default: 2_000 }),
  maxSessions: option.integer({ min: 1, default: 100_000 }),
  maxHandles: option.integer({ min: 1, default: 1_000 }),
  opaqueIdInApi: option.boolean({ default: false }),
  fullTrickle: option.boolean({ default: false }),
};

/** What the table needs of the gateway. */
export interface SessionTableHost extends PeerFactory {
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly logger?: Logger;
}

/** Events of the table. */
export interface SessionTableEvents {
  created: [session: Session];
  ended: [session: Session, reason: SessionEnd];
  /** Final: no session is left and none will come. */
  close: [];
}

/** All sessions of a gateway. */
export class SessionTable extends Emitter<SessionTableEvents> {
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly options: Required<SessionTableOptions>;
  readonly logger: Logger;
  /** False: `create` is refused, what is there goes on. */
  accepting = true;
  /** Events of sessions that were dropped because their clients did not come for them; it never falls. */
  droppedEvents = 0;

  readonly #sessions = new Map<number, Session>();
  readonly #handleIds = new Set<number>();
  readonly #host: SessionHost;
  readonly #watchdog: NodeJS.Timeout;
  #internal = 0;
  #closed = false;

  constructor(host: SessionTableHost, options: SessionTableOptions = {}) {
    super();
    this.options = readOptions('sessions', options, SESSION_OPTIONS);
    this.plugins = host.plugins;
    this.logger = host.logger ?? silentLogger;
    this.#host = {
      logger: this.logger,
      maxHandles: this.options.maxHandles,
      opaqueIdInApi: this.options.opaqueIdInApi,
      fullTrickle: this.options.fullTrickle,
      candidatesTimeout: this.options.candidatesTimeout,
      createPeer: (options) => host.createPeer(options),
      newHandleId: () => {
        const id = randomId(this.#handleIds);
        this.#handleIds.add(id);
        return id;
      },
      freeHandleId: (id) => {
        this.#handleIds.delete(id);
      },
      forget: (session) => {
        this.#sessions.delete(session.id);
        if (session.internal) this.#internal -= 1;
      },
    };
    this.#watchdog = setInterval(() => {
      this.sweep();
    }, this.options.watchdogInterval);
    this.#watchdog.unref();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sessions there are, the application's own not counted. */
  get size(): number {
    return this.#sessions.size - this.#internal;
  }

  get(id: number): Session | undefined {
    return this.#sessions.get(id);
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /**
   * Makes a session.
   *
   * @param id - chosen by the client; 0 or none: random
   * @throws {@link ApiError} 468, 472, or 490 if there are too many
   */
  create(owner: SessionOwner, id = 0, now = performance.now()): Session {
    if (!this.accepting || this.#closed) {
      throw new ApiError(API_ERROR.DRAINING, 'no new sessions are accepted');
    }
    if (this.#sessions.has(id)) throw new ApiError(API_ERROR.SESSION_ID_TAKEN, `session id ${String(id)} is in use`);
    if (this.size >= this.options.maxSessions) {
      throw new ApiError(API_ERROR.UNKNOWN, `there are ${String(this.options.maxSessions)} sessions already`);
    }
    return this.#add(id === 0 ? randomId(this.#sessions) : id, owner, now, false);
  }

  /** Makes a session of the application's own, which neither time nor limits end. */
  createInternal(owner: SessionOwner): Session {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: 'The gateway' });
    this.#internal += 1;
    return this.#add(randomId(this.#sessions), owner, performance.now(), true);
  }

  /** Ends the sessions whose time is over. The watchdog does it by itself. */
  sweep(now = performance.now()): void {
    const { sessionTimeout, reclaimSessionTimeout } = this.options;
    for (const session of [...this.#sessions.values()]) {
      if (!session.expired(now, sessionTimeout, reclaimSessionTimeout)) continue;
      this.logger.info({ session: session.id }, 'session timed out');
      session.close('timeout');
    }
  }

  /**
   * The owner of a session is gone, for instance its WebSocket. The session
   * ends, or waits to be claimed if `reclaimSessionTimeout` says so.
   */
  lost(session: Session, now = performance.now()): void {
    if (this.options.reclaimSessionTimeout > 0) session.orphan(now);
    else session.close('transport gone');
  }

  /** Ends all sessions. Doing it twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watchdog);
    for (const session of [...this.#sessions.values()]) session.close('gateway closed');
    this.emit('close');
  }

  #add(id: number, owner: SessionOwner, now: number, internal: boolean): Session {
    const session = new Session(id, this.#host, owner, { now, internal });
    this.#sessions.set(id, session);
    session.once('close', (reason) => {
      this.emit('ended', session, reason);
    });
    this.emit('created', session);
    return session;
  }
}

/** A random integer from 1 to 2^53 - 1 that is not taken. */
function randomId(taken: { has(id: number): boolean }): number {
  for (;;) {
    const id = Number(randomBytes(8).readBigUInt64BE() >> 11n);
    if (id > 0 && !taken.has(id)) return id;
  }
}
