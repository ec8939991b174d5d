import type { IncomingMessage } from 'node:http';

import type { Logger } from '../logger.js';
import { API_ERROR } from '../session/api-error.js';
import type { SessionOwner } from '../session/owner.js';
import type { Session } from '../session/session.js';
import type { SessionTable } from '../session/sessions.js';
import type { Api, Origin, Outcome } from './janus-api.js';
import { Turns } from './turns.js';
import type { JsonFormat, ReadJson } from './wire.js';
import { makeError, readJson, writeJson } from './wire.js';

/** What a {@link Connection} speaks for. */
export interface ConnectionContext {
  readonly api: Pick<Api, 'handle' | 'admin' | 'transports'>;
  readonly sessions: SessionTable;
  readonly logger: Logger;
  /** Package name of the transport. */
  readonly transport: string;
  /** May change while clients are connected. */
  json: JsonFormat;
}

/** Requests of a client that may wait for `authenticate`; no more are read until there is room. */
const MAX_WAITING = 64;

/** A client whose requests, replies and events are messages of one socket. Its sessions end with it. */
export abstract class Connection implements SessionOwner {
  readonly transport: string;
  readonly id: string;
  protected readonly context: ConnectionContext;
  readonly #sessions = new Set<Session>();
  readonly #turns = new Turns();
  readonly #origin: Origin;

  constructor(context: ConnectionContext, about: { request?: IncomingMessage; answerTimeout?: number } = {}) {
    this.context = context;
    this.transport = context.transport;
    const { transports, admin } = context.api;
    this.id = transports.nextId();
    const who = { transport: this.transport, id: this.id, admin };
    transports.tell('connected', who, about.request?.socket);
    this.#origin = { ...about, transport: context.transport, turns: this.#turns, ownerFor: () => this };
  }

  /** How many sessions it owns. */
  get sessions(): number {
    return this.#sessions.size;
  }

  acquired(session: Session): void {
    this.#sessions.add(session);
  }

  deliver(event: object): void {
    this.send(event);
  }

  released(session: Session): undefined {
    this.#sessions.delete(session);
  }

  /** Sends a message that was written as `text`. Never throws. False: too much waits already. */
  protected abstract transmit(text: string, message: object): boolean;

  /** Too many requests wait for a decision: the client is not to be read. */
  protected abstract hold(): void;

  /** Takes back {@link hold}. */
  protected abstract goOn(): void;

  /** Ends the socket without a word; {@link gone} follows. */
  protected abstract terminate(): void;

  /** Answers a message. Never rejects. */
  protected async take(text: string): Promise<void> {
    const { logger, transport } = this.context;
    try {
      const pending = this.#answer(readJson(text));
      if (this.#turns.waiting >= MAX_WAITING) this.hold();
      const outcome = pending instanceof Promise ? await pending : pending;
      try {
        this.send(outcome.reply);
      } finally {
        outcome.after();
        if (this.#turns.waiting < MAX_WAITING) this.goOn();
      }
    } catch (error) {
      logger.error({ err: error, transport }, 'a message failed');
    }
  }

  #answer(read: ReadJson): Outcome | Promise<Outcome> {
    if ('problem' in read) {
      const reply = makeError({ code: API_ERROR.INVALID_JSON, message: `no JSON: ${read.problem}` });
      return this.#turns.take(() => ({ reply, after: () => undefined }));
    }
    // Over HTTP an array is 455; here Janus says that its transaction is missing.
    return this.context.api.handle(Array.isArray(read.value) ? {} : read.value, this.#origin);
  }

  protected send(message: object): void {
    const { logger, transport, json } = this.context;
    if (this.transmit(writeJson(message, json), message)) return;
    logger.warn({ transport }, 'a client is too slow and is cut off');
    this.terminate();
  }

  /** The socket is closed. */
  protected gone(): void {
    this.#turns.close();
    for (const session of [...this.#sessions]) this.context.sessions.lost(session);
    this.#sessions.clear();
    this.context.api.transports.tellDisconnected(this);
  }
}
