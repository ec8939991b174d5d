import { resolve } from 'node:path';

import { ResourceError, UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import { native } from '../native/binding.js';
import type { NativeFailure, NativeUnixEvent, NativeUnixServer, NativeUnixServerOptions } from '../native/types.js';
import { option, readOptions } from '../options.js';
import { API_ERROR } from '../session/api-error.js';
import type { Session } from '../session/session.js';
import { adminApiOf } from './admin-api.js';
import type { ConnectionContext } from './connection.js';
import { Connection } from './connection.js';
import type { SignallingGateway } from './janus-api.js';
import { apiOf } from './janus-api.js';
import type { JsonFormat } from './wire.js';
import { JSON_FORMATS, makeError } from './wire.js';

/** Kinds of Unix sockets that keep messages apart (unix(7)). */
export type UnixSocketType = 'SOCK_SEQPACKET' | 'SOCK_DGRAM';

const TYPES = ['SOCK_SEQPACKET', 'SOCK_DGRAM'] as const satisfies readonly UnixSocketType[];

/** Options of {@link janusUnix}. */
export interface JanusUnixOptions {
  /** Where the socket is, at most 107 bytes. */
  path: string;
  /** Default `SOCK_SEQPACKET`. */
  type?: UnixSocketType;
  /** How JSON is written. Default `indented`. */
  json?: JsonFormat;
  /** Longest message, in bytes; a longer one is answered with error 454. Default 1 MiB. */
  maxMessage?: number;
  /** What may wait to be sent to one client, in bytes; a slower one is cut off. Default 8 MiB. */
  maxBuffered?: number;
}

/** Events of {@link JanusUnixServer}. */
export interface JanusUnixEvents {
  /** Final: all clients are cut off, and the socket's file is gone. */
  close: [];
}

const OPTIONS = {
  path: option.string({ pattern: /^[^\0]+$/, expected: 'the path of a file' }),
  type: option.oneOf(TYPES, { default: 'SOCK_SEQPACKET' as UnixSocketType }),
  json: option.oneOf(JSON_FORMATS, { default: 'indented' as JsonFormat }),
  maxMessage: option.integer({ min: 1024, max: 2 ** 30, default: 2 ** 20 }),
  maxBuffered: option.integer({ min: 1024, default: 8 * 2 ** 20 }),
};

const TRANSPORT = 'janus.transport.pfunix';
/** Of one client that may wait for `authenticate`. */
const MAX_REQUESTS = 1024;

// `process.exit()` closes nothing by itself: the files would stay, and the
// threads must be gone before the process takes its memory down.
const open = new Set<NativeUnixServer>();
process.on('exit', () => {
  for (const server of open) server.close();
});

/**
 * The Janus API over a Unix socket, one JSON text per packet; for programs on
 * the same machine, such as janode.
 *
 * With `SOCK_SEQPACKET` sessions end with the connection they were created over;
 * an empty packet ends it, too. With `SOCK_DGRAM` a client is the path its own
 * socket is bound to; that it went away is not noticed, and its sessions end
 * when they time out. One that lets what it is sent wait unread holds up all
 * others of a `SOCK_DGRAM` socket, for ten seconds at most.
 *
 * Who may connect is who may write to the socket's file: it is made as the
 * umask says, in a folder that may say more. A file left by a process that died
 * is replaced.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @throws {@link ResourceError} `HG_ERR_SYSTEM` if somebody listens there, or the file cannot be made
 * @example
 * janusUnix(gateway, { path: '/run/headgate/janus.sock' });
 */
export function janusUnix(gateway: SignallingGateway, options: JanusUnixOptions): JanusUnixServer {
  const api = apiOf(gateway);
  const server = new JanusUnixServer('janusUnix', gateway, api, options);
  api.mounted(TRANSPORT, { name: 'Unix sockets', description: 'The Janus API over Unix sockets' }, server);
  server.once('close', () => {
    api.unmounted(TRANSPORT, server);
  });
  return server;
}

/**
 * The admin API over a Unix socket, as {@link janusUnix} has it.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`, also if the gateway has no `adminSecret`
 * @throws {@link ResourceError} `HG_ERR_SYSTEM` if somebody listens there, or the file cannot be made
 */
export function janusAdminUnix(gateway: SignallingGateway, options: JanusUnixOptions): JanusUnixServer {
  const name = 'janusAdminUnix';
  return new JanusUnixServer(name, gateway, adminApiOf(gateway, name), options);
}

/** What {@link janusUnix} returns. It closes with the gateway. */
export class JanusUnixServer extends Emitter<JanusUnixEvents> {
  readonly #gateway: SignallingGateway;
  readonly #context: ConnectionContext;
  readonly #type: UnixSocketType;
  readonly #maxMessage: number;
  readonly #native: NativeUnixServer;
  readonly #connections = new Map<number, UnixConnection>();
  readonly #onGatewayClose = (): void => void this.close();
  #closed = false;

  /** Use {@link janusUnix}. `where`: how errors name the options. */
  constructor(where: string, gateway: SignallingGateway, api: ConnectionContext['api'], options: JanusUnixOptions) {
    super();
    const { path, type, json, maxMessage, maxBuffered } = readOptions(where, options, OPTIONS);
    const { sessions, logger } = gateway;
    this.#gateway = gateway;
    this.#context = { api, sessions, logger, transport: TRANSPORT, json };
    this.#type = type;
    this.#maxMessage = maxMessage;
    this.#native = listen(
      where,
      { path: resolve(path), datagrams: type === 'SOCK_DGRAM', maxMessage, maxBuffered },
      (events) => {
        for (const event of events) this.#onEvent(event);
      },
    );
    open.add(this.#native);
    sessions.once('close', this.#onGatewayClose);
  }

  /** True from {@link close} on. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many clients are connected; of `SOCK_DGRAM`, how many have a session. */
  get connections(): number {
    return this.#connections.size;
  }

  /** How JSON is written from now on. */
  setFormat(json: JsonFormat): void {
    this.#context.json = json;
  }

  /** Cuts off all clients and removes the file. Twice does nothing more. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#gateway.sessions.off('close', this.#onGatewayClose);
      open.delete(this.#native);
      this.#native.close();
      for (const connection of [...this.#connections.values()]) connection.end();
      this.emit('close');
    }
    return Promise.resolve();
  }

  #onEvent(event: NativeUnixEvent): void {
    if (event.type === 'connected') {
      const { client } = event;
      const left = (): void => void this.#connections.delete(client);
      this.#connections.set(client, new UnixConnection(this.#context, this.#native, client, this.#type, left));
      return;
    }
    // Closed, or cut off, since the events were collected: there is none.
    const connection = this.#connections.get(event.client);
    if (event.type === 'message') connection?.receive(event.text);
    else if (event.type === 'too-long') connection?.refuse(event.size, this.#maxMessage);
    else connection?.end();
  }
}

/** One client. */
class UnixConnection extends Connection {
  readonly #native: NativeUnixServer;
  readonly #client: number;
  readonly #type: UnixSocketType;
  readonly #left: () => void;
  #requests = 0;
  #ended = false;

  constructor(
    context: ConnectionContext,
    server: NativeUnixServer,
    client: number,
    type: UnixSocketType,
    left: () => void,
  ) {
    super(context);
    this.#native = server;
    this.#client = client;
    this.#type = type;
    this.#left = left;
  }

  receive(text: string): void {
    this.#requests += 1;
    void this.take(text).then(() => {
      this.#requests -= 1;
      this.#forgetIfIdle();
    });
  }

  refuse(size: number, limit: number): void {
    const message = `the message has ${String(size)} bytes; ${String(limit)} are allowed`;
    this.send(makeError({ code: API_ERROR.INVALID_JSON, message }));
    this.#forgetSoon();
  }

  override released(session: Session): undefined {
    super.released(session);
    this.#forgetSoon();
  }

  /** Nothing more comes of it. */
  end(): void {
    this.#ended = true;
    this.#left();
    this.gone();
  }

  protected transmit(text: string, message: object): boolean {
    const sent = this.#native.send(this.#client, text);
    if (sent === 'too-long') this.#apologize(text, message);
    return sent !== 'too-slow';
  }

  /** Programs of the same machine: one that asks this much at once is broken. */
  protected hold(): void {
    if (this.#requests < MAX_REQUESTS) return;
    this.context.logger.warn({ transport: TRANSPORT }, 'a client asks too much at once and is cut off');
    this.terminate();
  }

  protected goOn(): void {
    // nothing was held
  }

  protected terminate(): void {
    this.#native.release(this.#client);
    this.end();
  }

  /** Not now: more events of the same client may have come with this one. */
  #forgetSoon(): void {
    queueMicrotask(() => {
      this.#forgetIfIdle();
    });
  }

  /** Whether an address is still somebody's is never known, so it is kept for its sessions only. */
  #forgetIfIdle(): void {
    if (this.#type !== 'SOCK_DGRAM' || this.#ended || this.#requests > 0 || this.sessions > 0) return;
    this.terminate();
  }

  #apologize(text: string, message: { session_id?: number; transaction?: string }): void {
    const reason = `a message of ${String(Buffer.byteLength(text))} bytes fits into no packet`;
    this.context.logger.warn({ transport: this.transport }, `${reason}; net.core.wmem_max limits them`);
    const address = { sessionId: message.session_id, transaction: message.transaction };
    this.send(makeError({ code: API_ERROR.UNKNOWN, message: reason }, address));
  }
}

function listen(
  where: string,
  options: NativeUnixServerOptions,
  onEvents: (events: NativeUnixEvent[]) => void,
): NativeUnixServer {
  try {
    return new native.UnixServer(options, onEvents);
  } catch (error) {
    throw explain(where, error as NativeFailure, options.path);
  }
}

function explain(where: string, failure: NativeFailure, path: string): Error {
  if (failure.code === 'ENAMETOOLONG') {
    const problem = `${path} is too long for a Unix socket: 107 bytes are allowed`;
    return new UsageError('HG_ERR_OPTION', { option: `${where}.path`, problem }, { cause: failure });
  }
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another socket is open there; end its process, or choose another path',
    EEXIST: 'what is there is no socket; remove it, or choose another path',
  };
  const reason = reasons[failure.code] ?? failure.message;
  return new ResourceError('HG_ERR_SYSTEM', { what: `listening at ${path}`, reason }, { cause: failure });
}
