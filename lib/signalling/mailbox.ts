import type { Logger } from '../logger.js';
import type { SessionOwner } from '../session/owner.js';

/** A client that waits for events. */
export interface Poll {
  /** How many events it takes at once. */
  readonly max: number;
  /** Ends the poll; without events, the client may come again. */
  answer(events: readonly object[]): void;
}

/** The package name of HTTP in `server_info`. */
export const HTTP_TRANSPORT = 'janus.transport.http';

/**
 * The events of a session whose client polls for them. Each event goes to one
 * poll, in order; the poll that waits longest gets it.
 */
export class Mailbox implements SessionOwner {
  /** Events that may wait; the oldest make room. */
  static readonly MAX_EVENTS = 4096;
  /** Polls of one session that may wait; the oldest is sent away. */
  static readonly MAX_POLLS = 16;

  readonly transport = HTTP_TRANSPORT;
  /** Of the request that made the session. */
  readonly id: string;
  /** Events nobody came for in time. */
  dropped = 0;
  readonly #logger: Logger;
  readonly #total: { droppedEvents: number };
  #events: object[] = [];
  #polls: Poll[] = [];

  /** @param total - counts what all mailboxes dropped */
  constructor(logger: Logger, id = '', total = { droppedEvents: 0 }) {
    this.id = id;
    this.#logger = logger;
    this.#total = total;
  }

  /** How many events wait. */
  get size(): number {
    return this.#events.length;
  }

  /** How many polls wait. */
  get polls(): number {
    return this.#polls.length;
  }

  acquired(): void {
    // nothing to prepare
  }

  deliver(event: object): void {
    this.#events.push(event);
    this.#flush();
    this.#shorten();
  }

  released(): readonly object[] {
    const left = this.#events;
    this.#events = [];
    for (const poll of this.#polls.splice(0)) poll.answer([]);
    return left;
  }

  /** A client asks for events. */
  poll(poll: Poll): void {
    this.#polls.push(poll);
    this.#flush();
    if (this.#polls.length > Mailbox.MAX_POLLS) this.#polls.shift()?.answer([]);
  }

  /** The client went away, or waited long enough. Returns whether it was waiting. */
  cancel(poll: Poll): boolean {
    const index = this.#polls.indexOf(poll);
    if (index < 0) return false;
    this.#polls.splice(index, 1);
    return true;
  }

  /** An answer did not reach its client: its events are the first to go to the next one. */
  putBack(events: readonly object[]): void {
    this.#events.unshift(...events);
    this.#flush();
    this.#shorten();
  }

  #flush(): void {
    while (this.#events.length > 0) {
      const poll = this.#polls.shift();
      if (poll === undefined) return;
      poll.answer(this.#events.splice(0, poll.max));
    }
  }

  #shorten(): void {
    const excess = this.#events.length - Mailbox.MAX_EVENTS;
    if (excess <= 0) return;
    this.#events.splice(0, excess);
    if (this.dropped === 0) this.#logger.warn('a session that nobody polls loses its oldest events');
    this.dropped += excess;
    this.#total.droppedEvents += excess;
  }
}
