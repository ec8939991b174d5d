import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import type { RawData } from 'ws';
import { WebSocket, WebSocketServer } from 'ws';

import { Emitter } from '../events.js';
import { option, readOptions } from '../options.js';
import { API_ERROR } from '../session/api-error.js';
import type { SessionOwner } from '../session/owner.js';
import type { Session } from '../session/session.js';
import type { JanusApi, Origin, SignallingGateway } from './janus-api.js';
import { apiOf } from './janus-api.js';
import { onUpgrade, refuseUpgrade } from './upgrades.js';
import type { JsonFormat } from './wire.js';
import { addressOf, JSON_FORMATS, makeError, readJson, writeJson } from './wire.js';

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
  readonly #options: ReturnType<typeof readOptions<typeof OPTIONS>>;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<Connection>();
  readonly #unmount: () => void;
  readonly #onGatewayClose = (): void => void this.close();
  #closing: Promise<void> | null = null;

  /** Use {@link janusWebSocket}. */
  constructor(gateway: SignallingGateway, server: Server, options: JanusWebSocketOptions) {
    super();
    this.#options = readOptions('janusWebSocket', options, OPTIONS);
    this.#api = apiOf(gateway);
    this.#api.mounted(TRANSPORT, { name: 'WebSocket', description: 'The Janus API over WebSocket' });
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
      const connection = new Connection(this.#api, websocket, this.#options);
      connection.tellConnected(req);
      this.#connections.add(connection);
      websocket.once('close', () => {
        this.#connections.delete(connection);
      });
    });
  }
}

/** One client. */
class Connection implements SessionOwner {
  readonly transport = TRANSPORT;
  readonly id: string;
  readonly #api: JanusApi;
  readonly #websocket: WebSocket;
  readonly #options: { json: JsonFormat; maxBuffered: number; pingInterval: number; pongTimeout: number };
  readonly #sessions = new Set<Session>();
  readonly #origin: Origin = { ownerFor: () => this };
  #pinger: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;

  constructor(
    api: JanusApi,
    websocket: WebSocket,
    options: { json: JsonFormat; maxBuffered: number; pingInterval: number; pongTimeout: number },
  ) {
    this.#api = api;
    this.id = api.nextTransportId();
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

  tellConnected({ socket: { remoteAddress, remotePort } }: IncomingMessage): void {
    if (!this.#api.tellsTransports) return;
    const from = addressOf(remoteAddress, remotePort);
    this.#api.tellTransport(TRANSPORT, this.id, { event: 'connected', admin_api: false, ...from });
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
    for (const session of [...this.#sessions]) this.#api.sessions.lost(session);
    this.#sessions.clear();
    if (this.#api.tellsTransports) this.#api.tellTransport(TRANSPORT, this.id, { event: 'disconnected' });
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
