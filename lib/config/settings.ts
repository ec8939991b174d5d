/** What a configuration folder comes to: typed settings, and what is wrong with it. */
import type { GatewayOptions } from '../gateway.js';
import type { MountpointOptions } from '../routing/mountpoint.js';
import type { EventKind } from '../session/handler-events.js';
import type { JsonFormat } from '../signalling/wire.js';
import { show, type Place } from './tree.js';

/** How bad it is: with an `error` nothing is started. */
export type Severity = 'error' | 'warning' | 'not supported yet' | 'no use' | 'deprecated';

/** Something that has to be said of a place in the configuration. */
export interface Problem {
  readonly severity: Severity;
  readonly at: Place;
  /** What is wrong, and what to write instead. */
  readonly text: string;
}

/** One listening socket. */
export interface ListenerSettings {
  enabled?: boolean;
  port?: number;
  /** A name, or an address of it. */
  interface?: string;
  ip?: string;
  /** The path of a Unix socket, instead of a port. */
  unix?: string;
}

/** Files and words of a TLS server. */
export interface TlsSettings {
  cert?: string;
  key?: string;
  password?: string;
  ciphers?: string;
}

/** The servers of one API over one transport. */
export interface ServerSettings {
  path?: string;
  json?: JsonFormat;
  plain?: ListenerSettings;
  secure?: ListenerSettings;
  acl?: string[];
  aclForwarded?: boolean;
}

/** Which web pages may use an API. */
export interface CorsSettings {
  allowOrigin?: string;
  enforceCors?: boolean;
}

export interface HttpSettings extends ServerSettings, CorsSettings {
  maxConnections?: number;
  tls?: TlsSettings;
}

export interface WebSocketSettings extends ServerSettings, CorsSettings {
  /** Milliseconds. */
  pingInterval?: number;
  /** Milliseconds. */
  pongTimeout?: number;
  tls?: TlsSettings;
}

export interface UnixSettings {
  enabled?: boolean;
  path?: string;
  type?: 'SOCK_SEQPACKET' | 'SOCK_DGRAM';
  json?: JsonFormat;
}

export interface LogSettings {
  level?: number;
  console?: boolean;
  file?: string;
  timestamps?: boolean;
  colors?: boolean;
  prefix?: string;
  jsonEnabled?: boolean;
  jsonFile?: string;
}

/** What event handlers are told. */
export interface EventSettings {
  /** Without it, nobody is told anything. */
  broadcast?: boolean;
  /** Whose own events are told; by the last part of package names. Default: all. */
  plugin?: Readonly<Record<string, boolean>>;
  transport?: Readonly<Record<string, boolean>>;
}

/** The event handler that posts to an HTTP server. */
export interface WebhookSettings {
  enabled?: boolean;
  url?: string;
  kinds?: readonly EventKind[];
  grouping?: boolean;
  json?: JsonFormat;
  compress?: boolean;
  /** 1 to 9. */
  compression?: number;
  user?: string;
  password?: string;
  retries?: number;
  /** Milliseconds. */
  backoff?: number;
}

/** Where the table puts values; every member may be missing. */
export interface Settings {
  configsFolder?: string;
  pidFile?: string;
  disabledPlugins?: string[];
  disabledTransports?: string[];
  disabledLoggers?: string[];
  disabledEventHandlers?: string[];
  events?: EventSettings;
  webhook?: WebhookSettings;
  log?: LogSettings;
  gateway?: GatewayOptions;
  http?: HttpSettings;
  adminHttp?: ServerSettings;
  webSocket?: WebSocketSettings;
  adminWebSocket?: ServerSettings;
  unix?: UnixSettings;
  adminUnix?: UnixSettings;
}

/** A mountpoint of the configuration. */
export interface ConfiguredMountpoint {
  readonly at: Place;
  readonly options: MountpointOptions;
}

/** What {@link readConfiguration} gives. */
export interface Configuration {
  readonly settings: Settings;
  readonly mountpoints: readonly ConfiguredMountpoint[];
  readonly problems: readonly Problem[];
  /** The files that were read. */
  readonly files: readonly string[];
  /** Where mountpoints are, or would be, kept. */
  readonly mountpointFile: string;
  /** Where a setting was given, by its path in {@link Settings}; undefined if it was not. */
  placeOf(path: string): Place | undefined;
}

/** `file:12:3: error: text`, as compilers write it; other problems say by themselves what they are. */
export function describe({ severity, at, text }: Problem): string {
  return `${show(at)}: ${severity === 'error' || severity === 'warning' ? `${severity}: ` : ''}${text}`;
}
