import { Emitter, type Listener } from '../events.js';
import { EVENT_TYPES, type EventData, type EventKind, type EventSubject, type HandlerEvent } from './handler-events.js';

type EventsByKind = { [Kind in EventKind]: [event: HandlerEvent<Kind>] };

/** One event per kind, and one for all. */
export interface EventBusEvents extends EventsByKind {
  /** Of whatever kind. */
  event: [event: HandlerEvent];
}

/** What brings events to somewhere else: `server_info` lists it, and the admin API may ask it. */
export interface EventHandler {
  readonly name: string;
  readonly description: string;
  /** Answers a `query_eventhandler`. */
  query?(request: Readonly<Record<string, unknown>>): object;
}

/**
 * What happens in a gateway, as Janus tells its event handlers. Costs nothing
 * while nobody listens: no object is made, no statistics are read.
 *
 * @example
 * gateway.events.on('session', ({ session_id, event }) => console.log(session_id, event.name));
 * gateway.events.on('event', (event) => process.send?.(event));
 */
export class EventBus extends Emitter<EventBusEvents> {
  /** What `info` answers, for those who begin to listen. Whoever answers it says so. */
  describe: () => object = () => ({});
  /** By package name, as `janus.eventhandler.sampleevh`; whoever is one enters itself. */
  readonly handlers = new Map<string, EventHandler>();
  readonly #emitter: string;
  readonly #onWanted: () => void;

  /**
   * For the gateway.
   *
   * @param onWanted - called when somebody begins to listen
   */
  constructor(emitter: string, onWanted: () => void) {
    super();
    this.#emitter = emitter;
    this.#onWanted = onWanted;
  }

  override on<Name extends keyof EventBusEvents>(name: Name, listener: Listener<EventBusEvents[Name]>): this {
    super.on(name, listener);
    this.#onWanted();
    return this;
  }

  override once<Name extends keyof EventBusEvents>(name: Name, listener: Listener<EventBusEvents[Name]>): this {
    super.once(name, listener);
    this.#onWanted();
    return this;
  }

  /** Whether anybody listens to events of that kind: ask before you make what {@link tell} takes. */
  wants(kind: EventKind): boolean {
    return this.listenerCount('event') > 0 || this.listenerCount(kind) > 0;
  }

  /** For those to whom it happens. */
  tell<Kind extends EventKind>(kind: Kind, about: EventSubject, event: EventData[Kind]): void {
    if (!this.wants(kind)) return;
    const { sessionId, handleId, opaqueId, subtype, timestamp = microseconds() } = about;
    const told = {
      emitter: this.#emitter,
      type: EVENT_TYPES[kind],
      ...(subtype === undefined ? {} : { subtype }),
      timestamp,
      ...(sessionId === undefined ? {} : { session_id: sessionId }),
      ...(handleId === undefined ? {} : { handle_id: handleId }),
      ...(opaqueId === undefined ? {} : { opaque_id: opaqueId }),
      event,
    };
    // A kind's listeners get that kind; TypeScript cannot follow the name there.
    const args = [told] as unknown as EventBusEvents[Kind];
    this.emit(kind, ...args);
    this.emit('event', told);
  }
}

/** Of the wall clock, since 1970. */
export function microseconds(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
