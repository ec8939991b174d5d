import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

import { Emitter } from '../events.js';
import { option, readOptions } from '../options.js';
import type { SessionTable } from '../session/sessions.js';
import type { AclOptions } from './acl.js';
import { ACL_OPTIONS, readAcl } from './acl.js';
import { CORS_OPTIONS, corsAllows, type CorsOptions } from './cors.js';
import type { ConnectionContext } from './connection.js';
import type { Api, SignallingGateway } from './janus-api.js';
import { ANSWER_TIMEOUT, apiOf } from './janus-api.js';
import { onUpgrade, refuseUpgrade } from './upgrades.js';
import { WEBSOCKET_TRANSPORT, WebSocketConnection } from './websocket-connection.js';
import type { JsonFormat } from './wire.js';
import { JSON_FORMATS } from './wire.js';

/** Options of {@link janusWebSocket} and {@link janusAdminWebSocket}. */
export interface JanusWebSocketOptions extends AclOptions, CorsOptions {
  /** Upgrades at this path and below are ours. Default `/janus`, for the admin API `/admin`; `/` takes all. */
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
  /** How long `authenticate` may take, in milliseconds; then the request is refused. Default 10,000. */
  answerTimeout?: number;
}

/** Events of {@link JanusWebSocketServer}. */
export interface JanusWebSocketEvents {
  /** Final: all sockets are closed. */
  close: [];
}

const OPTIONS = {
  ...ACL_OPTIONS,
  ...CORS_OPTIONS,
  path: option.optional(option.string({ pattern: /^\/[^?#]*$/, expected: 'a path that begins with /' })),
  json: option.oneOf(JSON_FORMATS, { default: 'indented' as JsonFormat }),
  maxMessage: option.integer({ min: 1024, max: 2 ** 30, default: 2 ** 20 }),
  maxBuffered: option.integer({ min: 1024, default: 8 * 2 ** 20 }),
  pingInterval: option.integer({ min: 0, max: 3_600_000, default: 0 }),
  pongTimeout: option.integer({ min: 1, max: 3_600_000, default: 10_000 }),
  answerTimeout: option.integer({ min: 1, max: 600_000, default: ANSWER_TIMEOUT }),
};

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
  const api = apiOf(gateway);
  const mounted = new JanusWebSocketServer(
    { api, sessions: gateway.sessions, name: 'janusWebSocket', path: '/janus', subprotocol: 'janus-protocol' },
    server,
    options,
  );
  api.mounted(WEBSOCKET_TRANSPORT, { name: 'WebSocket', description: 'The Janus API over WebSocket' }, mounted);
  mounted.once('close', () => {
    api.unmounted(WEBSOCKET_TRANSPORT, mounted);
  });
  return mounted;
}

/** Which API is served, and where. */
export interface WebSocketApi {
  readonly api: Api;
  readonly sessions: SessionTable;
  /** For errors. */
  readonly name: string;
  readonly path: string;
  readonly subprotocol: string;
}

/** What {@link janusWebSocket} and {@link janusAdminWebSocket} return. It closes with the gateway. */
export class JanusWebSocketServer extends Emitter<JanusWebSocketEvents> {
  readonly #of: WebSocketApi;
  readonly #options: ReturnType<typeof readOptions<typeof OPTIONS>>;
  readonly #mayCome: (req: IncomingMessage) => boolean;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<WebSocketConnection>();
  readonly #context: ConnectionContext;
  readonly #unmount: () => void;
  readonly #onGatewayClose = (): void => void this.close();
  #closing: Promise<void> | null = null;

  /** Use {@link janusWebSocket}. */
  constructor(of: WebSocketApi, server: Server, options: JanusWebSocketOptions) {
    super();
    this.#options = readOptions(of.name, options, OPTIONS);
    this.#mayCome = readAcl(this.#options);
    this.#of = of;
    const { api, sessions } = of;
    this.#context = { api, sessions, logger: api.logger, transport: WEBSOCKET_TRANSPORT, json: this.#options.json };
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: this.#options.maxMessage,
      perMessageDeflate: false,
      handleProtocols: () => of.subprotocol,
    });
    this.#unmount = onUpgrade(server, this.#options.path ?? of.path, (req, socket, head) => {
      this.#upgrade(req, socket, head);
    });
    this.#of.sessions.once('close', this.#onGatewayClose);
  }

  /** True from {@link close} on. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** How JSON is written from now on. */
  setFormat(json: JsonFormat): void {
    this.#context.json = json;
  }

  /** Takes no more clients and closes the sockets of those there are; ends when all are closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#unmount();
    this.#of.sessions.off('close', this.#onGatewayClose);
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    this.emit('close');
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#mayCome(req)) {
      refuseUpgrade(socket, '403 Forbidden', 'this address may not come here');
      return;
    }
    if (!corsAllows(req, this.#options)) {
      refuseUpgrade(socket, '403 Forbidden', 'pages of this origin may not come here');
      return;
    }
    const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const { subprotocol } = this.#of;
    if (!offered.includes(subprotocol)) {
      refuseUpgrade(socket, '400 Bad Request', `the WebSocket subprotocol must be ${subprotocol}`);
      return;
    }
    this.#sockets.handleUpgrade(req, socket, head, (websocket) => {
      const connection = new WebSocketConnection(this.#context, websocket, req, this.#options);
      this.#connections.add(connection);
      websocket.once('close', () => {
        this.#connections.delete(connection);
      });
    });
  }
}
