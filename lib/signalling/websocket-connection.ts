import type { IncomingMessage } from 'node:http';

import type { RawData } from 'ws';
import { WebSocket } from 'ws';

import type { ConnectionContext } from './connection.js';
import { Connection } from './connection.js';

/** The package name of WebSockets in `server_info`. */
export const WEBSOCKET_TRANSPORT = 'janus.transport.websockets';

/** How one client is served. */
export interface ConnectionOptions {
  readonly maxBuffered: number;
  readonly pingInterval: number;
  readonly pongTimeout: number;
  readonly answerTimeout: number;
}

/** How long a client may take to close its side, in milliseconds. */
const GOODBYE = 2_000;
/** The server goes away (RFC 6455 section 7.4.1). */
const GOING_AWAY = 1001;

/** One client. */
export class WebSocketConnection extends Connection {
  readonly #websocket: WebSocket;
  readonly #options: ConnectionOptions;
  #pinger: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;

  constructor(context: ConnectionContext, websocket: WebSocket, request: IncomingMessage, options: ConnectionOptions) {
    super(context, { request, answerTimeout: options.answerTimeout });
    this.#websocket = websocket;
    this.#options = options;
    websocket.on('message', (data) => void this.take(textOf(data)));
    websocket.on('error', (error) => {
      context.logger.debug({ err: error }, 'WebSocket failed');
    });
    websocket.once('close', () => {
      clearInterval(this.#pinger);
      clearTimeout(this.#pongTimer);
      this.gone();
    });
    if (options.pingInterval > 0) this.#startPinging();
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

  protected transmit(text: string): boolean {
    const websocket = this.#websocket;
    if (websocket.readyState !== WebSocket.OPEN) return true;
    if (websocket.bufferedAmount > this.#options.maxBuffered) return false;
    websocket.send(text);
    return true;
  }

  protected hold(): void {
    this.#websocket.pause();
    // Pongs are not read either.
    this.#forgetPing();
  }

  protected goOn(): void {
    if (this.#websocket.isPaused) this.#websocket.resume();
  }

  protected terminate(): void {
    this.#websocket.terminate();
  }

  #startPinging(): void {
    this.#websocket.on('pong', () => {
      this.#forgetPing();
    });
    this.#pinger = setInterval(() => {
      if (this.#websocket.isPaused) return;
      this.#websocket.ping();
      this.#pongTimer ??= setTimeout(() => {
        this.#websocket.terminate();
      }, this.#options.pongTimeout);
    }, this.#options.pingInterval);
  }

  #forgetPing(): void {
    clearTimeout(this.#pongTimer);
    this.#pongTimer = undefined;
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString();
}
