import type { Handle } from '../plugins/handle.js';
import { Plugin } from '../plugins/plugin.js';
import { EventBus, microseconds } from '../session/event-bus.js';
import type { SessionHandle } from '../session/handle.js';
import { SessionObserver, subjectOf } from '../session/session-observer.js';
import type { SessionTable } from '../session/sessions.js';
import type { GatewaySettings } from './options.js';

/** What a gateway tells of itself, once somebody listens. */
export class Observation {
  /** What happens, as Janus tells its event handlers. */
  readonly events: EventBus;

  readonly #sessions: SessionTable;
  readonly #options: GatewaySettings['events'];
  readonly #openedAt = microseconds();
  #observer: SessionObserver | null = null;
  #isStartTold = false;
  #closed = false;

  constructor({ serverName, events }: GatewaySettings, sessions: SessionTable) {
    this.#sessions = sessions;
    this.#options = events;
    this.events = new EventBus(serverName, () => {
      this.#observe();
    });
  }

  /** Somebody has listened. */
  get begun(): boolean {
    return this.#observer !== null;
  }

  /** What a plugin tells of itself, or of a handle. */
  notify(about: Handle | Plugin, data: object | (() => object)): void {
    if (!this.events.wants('plugin')) return;
    const plugin = about instanceof Plugin ? about : (about as SessionHandle).plugin;
    const subject = about instanceof Plugin ? {} : subjectOf(about as SessionHandle);
    const event = { plugin: plugin.package, data: typeof data === 'function' ? (data as () => object)() : data };
    this.events.tell('plugin', subject, event);
  }

  /** The gateway is closing: nothing is begun any more. */
  closing(): void {
    this.#closed = true;
  }

  /** The last thing that is told. */
  shutdown(): void {
    if (this.events.wants('core')) this.events.tell('core', { subtype: 2 }, { status: 'shutdown' });
  }

  #observe(): void {
    if (this.#closed) return;
    if (this.#observer === null) this.#observer = new SessionObserver(this.events, this.#sessions, this.#options);
    else this.#observer.wanted();
    if (this.#isStartTold || !this.events.wants('core')) return;
    this.#isStartTold = true;
    // Whoever begins to listen has to hear it, and so may those who follow.
    setImmediate(() => {
      const about = { subtype: 1, timestamp: this.#openedAt };
      if (!this.#closed) this.events.tell('core', about, { status: 'started', info: this.events.describe() });
    });
  }
}
