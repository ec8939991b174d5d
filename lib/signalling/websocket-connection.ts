import type { RawData } from 'ws';
import { WebSocket } from 'ws';

import { API_ERROR } from '../session/api-error.js';
import type { SessionOwner } from '../session/owner.js';
import type { Session } from '../session/session.js';
import type { Api, Origin } from './janus-api.js';
import type { JsonFormat } from './wire.js';
import { makeError, readJson, writeJson } from './wire.js';

/** The package name of WebSockets in `server_info`. */
export const WEBSOCKET_TRANSPORT = 'janus.transport.websockets';

/** How one client is served. */
export interface ConnectionOptions {
  readonly json: JsonFormat;
  readonly maxBuffered: number;
  readonly pingInterval: number;
  readonly pongTimeout: number;
}

/** How long a client may take to close its side, in milliseconds. */
const GOODBYE = 2_000;
/** The server goes away (RFC 6455 section 7.4.1). */
const GOING_AWAY = 1001;

/** One client. */
export class Connection implements SessionOwner {
  readonly transport = WEBSOCKET_TRANSPORT;
  readonly #api: Api;
  readonly #onGone: (session: Session) => void;
  readonly #websocket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #sessions = new Set<Session>();
  readonly #origin: Origin = { ownerFor: () => this };
  #pinger: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;

  /** @param onGone - what becomes of its sessions when the client is gone */
  constructor(api: Api, websocket: WebSocket, options: ConnectionOptions, onGone: (session: Session) => void) {
    this.#api = api;
    this.#onGone = onGone;
    this.#websocket = websocket;
    this.#options = options;
    websocket.on('message', (data) => void this.#take(data));
    websocket.on('error', (error) => {
      api.logger.debug({ err: error }, 'WebSocket failed');
    });
    websocket.once('close', () => {
      this.#gone();
    });
    if (options.pingInterval > 0) this.#startPinging();
  }

  acquired(session: Session): void {
    this.#sessions.add(session);
  }

  deliver(event: object): void {
    this.#send(event);
  }

  released(session: Session): undefined {
    this.#sessions.delete(session);
  }

  close(): Promise<void> {
    if (this.#websocket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const patience = setTimeout(() => {
        this.#websocket.terminate();
      }, GOODBYE);
      this.#websocket.once('close', () => {
        clearTimeout(patience);
        resolve();
      });
      this.#websocket.close(GOING_AWAY);
    });
  }

  async #take(data: RawData): Promise<void> {
    try {
      const read = readJson(textOf(data));
      if ('problem' in read) {
        this.#send(makeError({ code: API_ERROR.INVALID_JSON, message: `no JSON: ${read.problem}` }));
        return;
      }
      // Over HTTP an array is 455; here Janus says that its transaction is missing.
      const request = Array.isArray(read.value) ? {} : read.value;
      const pending = this.#api.handle(request, this.#origin);
      const outcome = pending instanceof Promise ? await pending : pending;
      try {
        this.#send(outcome.reply);
      } finally {
        outcome.after();
      }
    } catch (error) {
      this.#api.logger.error({ err: error }, 'a WebSocket message failed');
    }
  }

  #send(message: object): void {
    const websocket = this.#websocket;
    if (websocket.readyState !== WebSocket.OPEN) return;
    if (websocket.bufferedAmount > this.#options.maxBuffered) {
      this.#api.logger.warn({ buffered: websocket.bufferedAmount }, 'a WebSocket is too slow and is closed');
      websocket.terminate();
      return;
    }
    websocket.send(writeJson(message, this.#options.json));
  }

  #gone(): void {
    clearInterval(this.#pinger);
    clearTimeout(this.#pongTimer);
    for (const session of [...this.#sessions]) this.#onGone(session);
    this.#sessions.clear();
  }

  #startPinging(): void {
    this.#websocket.on('pong', () => {
      clearTimeout(this.#pongTimer);
      this.#pongTimer = undefined;
    });
    this.#pinger = setInterval(() => {
      this.#websocket.ping();
      this.#pongTimer ??= setTimeout(() => {
        this.#websocket.terminate();
      }, this.#options.pongTimeout);
    }, this.#options.pingInterval);
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString();
}
