import type { EventBus } from '../session/event-bus.js';
import type { TransportEventData } from '../session/handler-events.js';
import { addressOf } from './wire.js';

/** What {@link TransportEvents} needs of a gateway. */
interface Told {
  readonly events?: EventBus | undefined;
}

/** Tells who listens to a gateway's events of connections and requests. */
export class TransportEvents {
  readonly #gateway: Told;
  #ids = 0;

  constructor(gateway: Told) {
    this.#gateway = gateway;
  }

  /** A name for a connection, or for the request that made a session. */
  nextId(): string {
    this.#ids += 1;
    return String(this.#ids);
  }

  /** A client connected, or a request came, from the other end of `socket`. */
  tell(
    event: 'connected' | 'request',
    who: { transport: string; id: string; admin: boolean },
    socket?: { remoteAddress?: string | undefined; remotePort?: number | undefined },
  ): void {
    if (!this.#wanted) return;
    const from = addressOf(socket?.remoteAddress, socket?.remotePort);
    this.#tell(who, { event, admin_api: who.admin, ...from });
  }

  /** A client is gone. */
  tellDisconnected(who: { transport: string; id: string }): void {
    if (this.#wanted) this.#tell(who, { event: 'disconnected' });
  }

  get #wanted(): boolean {
    return this.#gateway.events?.wants('transport') ?? false;
  }

  #tell({ transport, id }: { transport: string; id: string }, data: TransportEventData['data']): void {
    this.#gateway.events?.tell('transport', {}, { transport, id, data });
  }
}

const all = new WeakMap<Told, TransportEvents>();

/** Those of a gateway; all transports share them. */
export function transportEventsOf(gateway: Told): TransportEvents {
  const found = all.get(gateway) ?? new TransportEvents(gateway);
  all.set(gateway, found);
  return found;
}
