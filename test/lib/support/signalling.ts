/** A gateway without media, and clients that speak to it over real sockets. */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { WebSocket } from 'ws';

import { Emitter } from '../../../lib/events.js';
import type { LogControl, Logger } from '../../../lib/logger.js';
import type { MediaTuning } from '../../../lib/peer/media-tuning.js';
import type {
  HangupReason,
  Peer,
  PeerEvents,
  PeerFactory,
  PeerState,
  RemoteCandidate,
} from '../../../lib/peer/peer.js';
import type { Handle } from '../../../lib/plugins/handle.js';
import { asyncRequest, Plugin, PluginError, reply, request } from '../../../lib/plugins/plugin.js';
import { object, optional, positiveInteger, string } from '../../../lib/plugins/shape.js';
import { LocalClient } from '../../../lib/session/local-client.js';
import type { SessionTableOptions } from '../../../lib/session/sessions.js';
import { SessionTable } from '../../../lib/session/sessions.js';
import type { AuthSettings } from '../../../lib/signalling/auth.js';
import type { ServerFacts } from '../../../lib/signalling/server-info.js';

/** Counts who waits for a room: the least a plugin can be. */
export class LobbyPlugin extends Plugin {
  static readonly package = 'example.plugin.lobby';
  static readonly key = 'lobby';
  readonly #waiting = new Map<Handle, string>();

  readonly requests = {
    wait: request({ name: string }, (handle, { name }) => {
      this.#waiting.set(handle, name);
      return { waiting: this.#waiting.size };
    }),
    /** Tells all who wait, then the one who asked. */
    call: asyncRequest({ text: string }, (_handle, { text }) => {
      for (const handle of this.#waiting.keys()) handle.push({ called: text });
      return { told: this.#waiting.size };
    }),
  };

  override detached(handle: Handle): void {
    this.#waiting.delete(handle);
  }
}

/** Does what good plugins do not, and what only those with media do. */
export class OddPlugin extends Plugin {
  static readonly package = 'example.plugin.odd';
  static readonly errorCodes = { missing: 413, invalid: 414, unknownRequest: 411 };
  /** What the plugin's methods were called with, in order. */
  readonly calls: string[] = [];
  /** Ends requests that wait for it. */
  release: () => void = () => undefined;
  refuse: Error | null = null;
  onAttached: (handle: Handle) => void = () => undefined;

  readonly requests = {
    throw: request({}, () => {
      throw new Error('secret detail');
    }),
    'plugin-error': request({}, () => {
      throw new PluginError(477, 'not today');
    }),
    reject: asyncRequest({}, async () => {
      await Promise.resolve();
      throw new Error('secret detail');
    }),
    'reject-plugin-error': asyncRequest({}, async () => {
      await Promise.resolve();
      throw new PluginError(477, 'not today');
    }),
    number: request({}, () => 5 as unknown as object),
    bigint: request({}, () => ({ big: 5n })),
    'push-bigint': request({}, (handle) => {
      handle.push({ big: 5n });
      return {};
    }),
    echo: request({ value: optional(object), delay: optional(positiveInteger) }, (_handle, { value }) => ({
      value: value ?? null,
    })),
    late: request({}, async () => {
      await new Promise<void>((resolve) => (this.release = resolve));
      return { late: true };
    }),
    wait: asyncRequest({}, async (_handle, _body, { transaction }) => {
      this.calls.push(`begin ${transaction}`);
      await new Promise<void>((resolve) => (this.release = resolve));
      this.calls.push(`end ${transaction}`);
      return { waited: transaction };
    }),
    silent: asyncRequest({}, () => undefined),
    'push-first': request({}, (handle) => {
      handle.push({ pushed: true });
      return { answered: true };
    }),
    offer: asyncRequest({}, (handle) => {
      handle.createPeer();
      return reply({ offering: true }, { type: 'offer', sdp: SDP });
    }),
    start: asyncRequest({}, (_handle, _body, { jsep }) => ({ started: jsep?.type ?? null })),
    'hang-up': asyncRequest({}, (handle) => {
      handle.hangup('Close PC');
      return { stopped: true };
    }),
  };

  override attached(handle: Handle): void {
    this.calls.push('attached');
    if (this.refuse !== null) throw this.refuse;
    this.onAttached(handle);
  }
  override detached(): void {
    this.calls.push('detached');
  }
  override peerUp(handle: Handle): void {
    this.calls.push('peerUp');
    handle.push({ flowing: true });
  }
  override peerClosed(handle: Handle, reason: string): void {
    this.calls.push(`peerClosed ${reason}`);
    handle.push({ over: true });
  }
}

/** What passes for a session description in tests without media. */
export const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n';

/** Stands in for a peer where no media can be: remembers what was done to it. */
export class FakePeer extends Emitter<PeerEvents> {
  readonly calls: string[] = [];
  state: PeerState = 'have-local-offer';
  answerError: Error | null = null;

  get closed(): boolean {
    return this.state === 'closed';
  }
  setAnswer(): void {
    if (this.answerError !== null) throw this.answerError;
    this.state = 'stable';
    this.calls.push('answer');
    this.emit('negotiated');
  }
  addCandidate({ candidate }: RemoteCandidate): void {
    this.calls.push(candidate);
  }
  endOfCandidates(): void {
    this.calls.push('end of candidates');
  }
  close(reason: HangupReason): void {
    if (this.closed) return;
    this.state = 'closed';
    this.calls.push(`close ${reason}`);
    setImmediate(() => this.emit('close', { reason }));
  }
}

export interface LogEntry {
  level: string;
  message: string;
  details: unknown;
}

/** Everything signalling needs of a gateway, and what tests want to see of it. */
export interface TestGateway extends AuthSettings {
  readonly sessions: SessionTable;
  readonly local: LocalClient;
  readonly logger: Logger;
  readonly log: LogEntry[];
  readonly peers: FakePeer[];
  readonly lobby: LobbyPlugin;
  readonly odd: OddPlugin;
  readonly adminSecret?: string | undefined;
  customEvent?: (schema: string, data: object) => void;
  tuning?: MediaTuning;
  serverFacts(): ServerFacts;
}

export function testGateway(
  t: Test,
  options: SessionTableOptions &
    AuthSettings & {
      adminSecret?: string;
      facts?: ServerFacts;
      control?: LogControl;
      /** Default: fakes, in `peers`. */
      createPeer?: PeerFactory['createPeer'];
    } = {},
): TestGateway {
  const peers: FakePeer[] = [];
  const {
    apiSecret,
    adminSecret,
    control,
    tokens,
    tokenAuthSecret,
    authenticate,
    facts = { versionString: '1.2.3' },
    createPeer = () => {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as Peer;
    },
    ...sessionOptions
  } = options;
  const log: LogEntry[] = [];
  const write =
    (level: string) =>
    (first: string | object, second = ''): void => {
      if (typeof first === 'string') log.push({ level, message: first, details: {} });
      else log.push({ level, message: second, details: first });
    };
  const logger: Logger & Partial<LogControl> = {
    ...control,
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  const lobby = new LobbyPlugin();
  const odd = new OddPlugin();
  const sessions = new SessionTable(
    {
      plugins: new Map<string, Plugin>([
        [lobby.package, lobby],
        [odd.package, odd],
      ]),
      logger,
      createPeer,
    },
    sessionOptions,
  );
  t.teardown(() => {
    sessions.close();
  });
  return {
    sessions,
    local: new LocalClient(sessions),
    logger,
    log,
    peers,
    lobby,
    odd,
    apiSecret,
    adminSecret,
    tokens,
    tokenAuthSecret,
    authenticate,
    serverFacts: () => facts,
  };
}

export type RequestListener = (req: IncomingMessage, res: ServerResponse) => void;

/** Starts a server for the time of the test; resolves with `http://127.0.0.1:port`. */
export async function listen(t: Test, handler: Server | RequestListener): Promise<string> {
  const server = typeof handler === 'function' ? createServer(handler) : handler;
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers freely
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

/** A client of the HTTP API; `base` is the URL the API is at. */
export class HttpClient {
  #transactions = 0;

  constructor(
    readonly base: string,
    readonly headers: Record<string, string> = {},
  ) {}

  /** Sends a body as it is, or JSON. */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.#answer(
      await fetch(this.base + path, { method: 'POST', body: text, headers: { ...this.headers, ...headers } }),
    );
  }

  async get(
    path: string,
    { method = 'GET', headers = {}, signal }: RequestInit & { headers?: object } = {},
  ): Promise<Answer> {
    const init: RequestInit = { method, headers: { ...this.headers, ...headers }, redirect: 'manual' };
    if (signal) init.signal = signal;
    return this.#answer(await fetch(this.base + path, init));
  }

  /** Sends a request with a new transaction; resolves with the JSON of the answer. */
  async request(path: string, verb: string, rest: object = {}): Promise<Json> {
    this.#transactions += 1;
    const transaction = `t${String(this.#transactions)}`;
    return (await this.post(path, { janus: verb, transaction, ...rest })).json;
  }

  /** Creates a session; resolves with its path. */
  async create(rest: object = {}): Promise<string> {
    return `/${String((await this.request('', 'create', rest)).data.id)}`;
  }

  /** Attaches to a plugin; resolves with the path of the handle. */
  async attach(session: string, plugin = LobbyPlugin.package, rest: object = {}): Promise<string> {
    return `${session}/${String((await this.request(session, 'attach', { plugin, ...rest })).data.id)}`;
  }

  message(handle: string, body: object, rest: object = {}): Promise<Json> {
    return this.request(handle, 'message', { body, ...rest });
  }

  async #answer(response: Response): Promise<Answer> {
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json' && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }
}

/** A client whose requests, replies and events are messages. */
export abstract class MessageClient {
  readonly #received: Json[] = [];
  readonly #waiting: ((message: Json) => void)[] = [];
  #transactions = 0;

  abstract send(message: unknown): void;

  protected take(text: string): void {
    const message: Json = JSON.parse(text);
    const next = this.#waiting.shift();
    if (next === undefined) this.#received.push(message);
    else next(message);
  }

  /** The next message, a reply or an event. */
  async next(): Promise<Json> {
    if (this.#received.length > 0) return this.#received.shift();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends a request; resolves with the next message. */
  async request(verb: string, rest: object = {}): Promise<Json> {
    this.#transactions += 1;
    this.send({ janus: verb, transaction: `t${String(this.#transactions)}`, ...rest });
    return this.next();
  }

  async create(rest: object = {}): Promise<number> {
    return (await this.request('create', rest)).data.id;
  }

  async attach(session_id: number, plugin = LobbyPlugin.package): Promise<{ session_id: number; handle_id: number }> {
    return { session_id, handle_id: (await this.request('attach', { session_id, plugin })).data.id };
  }
}

/** A client of the WebSocket API. */
export class WsClient extends MessageClient {
  private constructor(readonly socket: WebSocket) {
    super();
    socket.on('message', (data: Buffer) => {
      this.take(data.toString());
    });
  }

  static async connect(
    t: Test,
    url: string,
    protocols: string[] = ['janus-protocol'],
    headers: Record<string, string> = {},
  ): Promise<WsClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers });
    const client = new WsClient(socket);
    await once(socket, 'open');
    t.teardown(() => {
      socket.terminate();
    });
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }
}
