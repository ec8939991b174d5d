import type { Logger } from '../logger.js';
import { API_ERROR } from '../session/api-error.js';
import type { SessionOwner } from '../session/owner.js';
import type { Session } from '../session/session.js';
import type { SessionTable } from '../session/sessions.js';
import type { Api, Origin } from './janus-api.js';
import type { JsonFormat } from './wire.js';
import { makeError, readJson, writeJson } from './wire.js';

/** What a {@link Connection} speaks for. */
export interface ConnectionContext {
  readonly api: Pick<Api, 'handle'>;
  readonly sessions: SessionTable;
  readonly logger: Logger;
  /** Package name of the transport. */
  readonly transport: string;
  /** May change while clients are connected. */
  json: JsonFormat;
}

/** A client whose requests, replies and events are messages of one socket. Its sessions end with it. */
export abstract class Connection implements SessionOwner {
  readonly transport: string;
  protected readonly context: ConnectionContext;
  readonly #sessions = new Set<Session>();
  readonly #origin: Origin = { ownerFor: () => this };

  constructor(context: ConnectionContext) {
    this.context = context;
    this.transport = context.transport;
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

  /** Ends the socket without a word; {@link gone} follows. */
  protected abstract terminate(): void;

  /** Answers a message. Never rejects. */
  protected async take(text: string): Promise<void> {
    const { api, logger, transport } = this.context;
    try {
      const read = readJson(text);
      if ('problem' in read) {
        this.send(makeError({ code: API_ERROR.INVALID_JSON, message: `no JSON: ${read.problem}` }));
        return;
      }
      // Over HTTP an array is 455; here Janus says that its transaction is missing.
      const request = Array.isArray(read.value) ? {} : read.value;
      const pending = api.handle(request, this.#origin);
      const outcome = pending instanceof Promise ? await pending : pending;
      try {
        this.send(outcome.reply);
      } finally {
        outcome.after();
      }
    } catch (error) {
      logger.error({ err: error, transport }, 'a message failed');
    }
  }

  protected send(message: object): void {
    const { logger, transport, json } = this.context;
    if (this.transmit(writeJson(message, json), message)) return;
    logger.warn({ transport }, 'a client is too slow and is cut off');
    this.terminate();
  }

  /** The socket is closed. */
  protected gone(): void {
    for (const session of [...this.#sessions]) this.context.sessions.lost(session);
    this.#sessions.clear();
  }
}
