import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import type { RawData } from 'ws';
import { WebSocket, WebSocketServer } from 'ws';

import { Emitter } from '../events.js';
import { option, readOptions } from '../options.js';
import type { ConnectionContext } from './connection.js';
import { Connection } from './connection.js';
import type { JanusApi, SignallingGateway } from './janus-api.js';
import { apiOf } from './janus-api.js';
import { onUpgrade, refuseUpgrade } from './upgrades.js';
import type { JsonFormat } from './wire.js';
import { JSON_FORMATS } from './wire.js';

/** Options of {@link janusWebSocket}. */
export interface JanusWebSocketOptions {
  /** Upgrades at this path and below are ours. Default `/janus`; `/` takes all. */
  path?: string;
  /** How JSON is written. Default `indented`. */
  json?: JsonFormat;
  /** Longest message, in bytes; the socket of a longer one is closed. Default 1 MiB. */
  maxMessage?: number;
  /** What may wait to be sent to one client, in bytes; the socket of a slower one is closed. Default 8 MiB. */
  maxBuffered?: number;
  /** How often clients are pinged, in milliseconds; 0: never. Default 0. */
  pingInterval?: number;
  /** How long a client may take to answer a ping, in milliseconds. Default 10,000. */
  pongTimeout?: number;
}

/** Events of {@link JanusWebSocketServer}. */
export interface JanusWebSocketEvents {
  /** Final: all sockets are closed. */
  close: [];
}

const OPTIONS = {
  path: option.string({ pattern: /^\/[^?#]*$/, expected: 'a path that begins with /', default: '/janus' }),
  json: option.oneOf(JSON_FORMATS, { default: 'indented' as JsonFormat }),
  maxMessage: option.integer({ min: 1024, max: 2 ** 30, default: 2 ** 20 }),
  maxBuffered: option.integer({ min: 1024, default: 8 * 2 ** 20 }),
  pingInterval: option.integer({ min: 0, max: 3_600_000, default: 0 }),
  pongTimeout: option.integer({ min: 1, max: 3_600_000, default: 10_000 }),
};

const TRANSPORT = 'janus.transport.websockets';
const SUBPROTOCOL = 'janus-protocol';
/** How long a client may take to close its side, in milliseconds. */
const GOODBYE = 2_000;
/** The server goes away (RFC 6455 section 7.4.1). */
const GOING_AWAY = 1001;

/**
 * The Janus API over WebSocket, on a server that may serve other things as well:
 * HTTP, and upgrades of others at other paths.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * janusWebSocket(gateway, app.listen(8088), { path: '/janus' });
 */
export function janusWebSocket(
  gateway: SignallingGateway,
  server: Server,
  options: JanusWebSocketOptions = {},
): JanusWebSocketServer {
  return new JanusWebSocketServer(gateway, server, options);
}

/** What {@link janusWebSocket} returns. It closes with the gateway. */
export class JanusWebSocketServer extends Emitter<JanusWebSocketEvents> {
  readonly #api: JanusApi;
  readonly #context: ConnectionContext;
  readonly #options: ReturnType<typeof readOptions<typeof OPTIONS>>;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<WebSocketConnection>();
  readonly #unmount: () => void;
  readonly #onGatewayClose = (): void => void this.close();
  #closing: Promise<void> | null = null;

  /** Use {@link janusWebSocket}. */
  constructor(gateway: SignallingGateway, server: Server, options: JanusWebSocketOptions) {
    super();
    this.#options = readOptions('janusWebSocket', options, OPTIONS);
    this.#api = apiOf(gateway);
    this.#api.mounted(TRANSPORT, { name: 'WebSocket', description: 'The Janus API over WebSocket' });
    const { sessions, logger } = this.#api;
    this.#context = { api: this.#api, sessions, logger, transport: TRANSPORT, json: this.#options.json };
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: this.#options.maxMessage,
      perMessageDeflate: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#unmount = onUpgrade(server, this.#options.path, (req, socket, head) => {
      this.#upgrade(req, socket, head);
    });
    this.#api.sessions.once('close', this.#onGatewayClose);
  }

  /** True from {@link close} on. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes no more clients and closes the sockets of those there are; ends when all are closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#unmount();
    this.#api.sessions.off('close', this.#onGatewayClose);
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    this.emit('close');
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (!offered.includes(SUBPROTOCOL)) {
      refuseUpgrade(socket, '400 Bad Request', `the WebSocket subprotocol must be ${SUBPROTOCOL}`);
      return;
    }
    this.#sockets.handleUpgrade(req, socket, head, (websocket) => {
      const connection = new WebSocketConnection(this.#context, websocket, this.#options);
      this.#connections.add(connection);
      websocket.once('close', () => {
        this.#connections.delete(connection);
      });
    });
  }
}

/** One client. */
class WebSocketConnection extends Connection {
  readonly #websocket: WebSocket;
  readonly #options: { maxBuffered: number; pingInterval: number; pongTimeout: number };
  #pinger: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;

  constructor(
    context: ConnectionContext,
    websocket: WebSocket,
    options: { maxBuffered: number; pingInterval: number; pongTimeout: number },
  ) {
    super(context);
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

  protected terminate(): void {
    this.#websocket.terminate();
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
