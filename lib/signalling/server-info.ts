import type { Plugin } from '../plugins/plugin.js';

/** What a gateway tells of itself in `server_info`. What is left out has a sensible default. */
export interface ServerFacts {
  /** Default `headgate`. */
  name?: string;
  /** `1.2.3`; the number `version` is made of it. */
  versionString?: string;
  author?: string;
  /** Whether the log goes to the console. Default true. */
  logToConsole?: boolean;
  /** The file it goes to, if it does. */
  logFile?: string | undefined;
  serverName?: string;
  localIp?: string;
  /** Public addresses, if any are configured. */
  publicIps?: readonly string[];
  dataChannels?: boolean;
  ipv6?: boolean;
  iceLite?: boolean;
  iceTcp?: boolean;
  /** Whether consent is checked (RFC 7675). */
  consentFreshness?: boolean;
  /** Peers end as soon as ICE failed. */
  hangupOnFailed?: boolean;
  fullTrickle?: boolean;
  mdns?: boolean;
  minNackQueue?: number;
  /** Milliseconds. */
  twccPeriod?: number;
  dtlsMtu?: number;
  /** `host:port`. */
  stunServer?: string;
  turnServer?: string;
  eventHandlers?: boolean;
  /** Library → version. */
  dependencies?: Readonly<Record<string, string>>;
}

/** A transport or an event handler as `server_info` lists it. */
export interface TransportFacts {
  name: string;
  description: string;
}

/** What `server_info` needs besides the gateway's own facts. */
export interface ServerState {
  accepting: boolean;
  /** Milliseconds. */
  sessionTimeout: number;
  /** Milliseconds. */
  reclaimSessionTimeout: number;
  /** Milliseconds. */
  candidatesTimeout: number;
  apiSecret: boolean;
  authToken: boolean;
  opaqueIdInApi: boolean;
  transports: ReadonlyMap<string, TransportFacts>;
  eventHandlers: ReadonlyMap<string, TransportFacts>;
  plugins: ReadonlyMap<string, Plugin>;
}

/** The members of `server_info`, in the order clients know. */
export function serverInfo(facts: ServerFacts, state: ServerState): object {
  const versionString = facts.versionString ?? '0.0.0';
  const version = versionNumber(versionString);
  const author = facts.author ?? 'headgate';
  const [publicIp] = facts.publicIps ?? [];
  const describe = (parts: ReadonlyMap<string, TransportFacts>): object =>
    Object.fromEntries(
      [...parts].map(([id, { name, description }]) => [
        id,
        { name, author, description, version_string: versionString, version },
      ]),
    );
  return {
    name: facts.name ?? 'headgate',
    version,
    version_string: versionString,
    author,
    'commit-hash': 'unknown',
    'compile-time': 'unknown',
    'log-to-stdout': facts.logToConsole ?? true,
    'log-to-file': facts.logFile !== undefined,
    ...(facts.logFile === undefined ? {} : { 'log-path': facts.logFile }),
    data_channels: facts.dataChannels ?? false,
    'accepting-new-sessions': state.accepting,
    'session-timeout': seconds(state.sessionTimeout),
    'reclaim-session-timeout': seconds(state.reclaimSessionTimeout),
    'candidates-timeout': seconds(state.candidatesTimeout),
    'server-name': facts.serverName ?? 'headgate',
    'local-ip': facts.localIp ?? '127.0.0.1',
    ...(publicIp === undefined ? {} : { 'public-ip': publicIp }),
    ...((facts.publicIps?.length ?? 0) > 1 ? { 'public-ips': facts.publicIps } : {}),
    ipv6: facts.ipv6 ?? false,
    'ice-lite': facts.iceLite ?? false,
    'ice-tcp': facts.iceTcp ?? false,
    ...(facts.stunServer === undefined ? {} : { 'stun-server': facts.stunServer }),
    ...(facts.turnServer === undefined ? {} : { 'turn-server': facts.turnServer }),
    'ice-nomination': 'aggressive',
    'ice-keepalive-conncheck': false,
    'ice-consent-freshness': facts.consentFreshness ?? false,
    ...(facts.hangupOnFailed === true ? { 'hangup-on-failed': true } : {}),
    'full-trickle': facts.fullTrickle ?? false,
    'mdns-enabled': facts.mdns ?? false,
    'min-nack-queue': facts.minNackQueue ?? 0,
    'nack-optimizations': false,
    'twcc-period': facts.twccPeriod ?? 200,
    'dtls-mtu': facts.dtlsMtu ?? 1200,
    'static-event-loops': 0,
    api_secret: state.apiSecret,
    auth_token: state.authToken,
    event_handlers: facts.eventHandlers ?? false,
    opaqueid_in_api: state.opaqueIdInApi,
    ...(facts.dependencies === undefined ? {} : { dependencies: facts.dependencies }),
    transports: describe(state.transports),
    events: describe(state.eventHandlers),
    loggers: {},
    plugins: Object.fromEntries([...state.plugins].map(([id, plugin]) => [id, describePlugin(plugin)])),
  };
}

function describePlugin({ name, author, description, versionString, version }: Plugin): object {
  return { name, author, description, version_string: versionString, version };
}

/** 1.2.3 → 1203: two digits for each part after the first, as Janus counts. */
function versionNumber(text: string): number {
  const [major = 0, minor = 0, patch = 0] = text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  return major * 1000 + minor * 100 + patch;
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}
