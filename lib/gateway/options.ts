import { availableParallelism } from 'node:os';
import type { Logger } from '../logger.js';
import { option, type OptionValues } from '../options.js';
import type { EchoTestOptions, StreamingOptions } from '../plugins/index.js';
import type { Authenticate } from '../session/authenticate.js';
import { SESSION_OPTIONS, type SessionTableOptions } from '../session/sessions.js';

/** How media gets in and out. */
export interface MediaOptions {
  /** Media threads. Default: one less than there are processors, at least 1. */
  threads?: number;
  /** UDP ports of host candidates, `[lowest, highest]`. Default: any. */
  portRange?: readonly [number, number];
  /** Addresses of host candidates. Default: all of the machine, as the next four say. */
  addresses?: readonly string[];
  /** Only these interfaces: names, or how their addresses begin. */
  interfaces?: readonly string[];
  /** Not these. Default: `vmnet`. */
  ignoreInterfaces?: readonly string[];
  /** 127.0.0.1 too, for browsers on this machine. Default false. */
  allowLoopback?: boolean;
  /** IPv6 candidates. Default false. */
  ipv6?: boolean;
  /** PEM files of the DTLS certificate, leaf first. Default: one is made (ECDSA P-256). */
  certificate?: { cert: string; key: string; password?: string };
  /** Largest datagram of a DTLS handshake, bytes. Default 1200. */
  dtlsMtu?: number;
  /** How old a packet may be that is sent again, milliseconds; 0: none is. Default 1000. */
  maxNackQueue?: number;
  /** A viewer whose ICE consent (RFC 7675) is lost is closed this much later, milliseconds. Default 20,000. */
  silentPeerTimeout?: number;
  /** Such a viewer is closed at once instead, and so is whoever cannot be reached by any candidate. Default false. */
  hangupOnFailed?: boolean;
  /** Longest wait from a client's answer to the end of the DTLS handshake, milliseconds. Default 30,000. */
  setupTimeout?: number;
  /** Silence after which a source is `stalled`, milliseconds; 0: never. Default 1000. */
  noMediaTimeout?: number;
  /** A `slowlink` event for each second in which so many packets of a track were lost, either way; 0: none. Default 0. */
  slowLinkThreshold?: number;
  /** Logs what libnice does, as information: many lines a peer, of other gateways of the process too. Default false. */
  iceDebug?: boolean;
}

/** What is told by {@link Gateway.events}. */
export interface EventOptions {
  /** How often statistics of media come, milliseconds; 0: never. Default 1000. */
  statsPeriod?: number;
  /** Statistics of all m-lines of a peer come in one event. Default false: one each. */
  combineStatistics?: boolean;
}

/** What {@link Gateway.open} takes. */
export interface GatewayOptions extends Omit<SessionTableOptions, 'watchdogInterval'> {
  media?: MediaOptions;
  events?: EventOptions;
  /** The built-in streaming plugin; false: without. */
  streaming?: StreamingOptions | false;
  /** The built-in echo test; true: with its defaults; false: without. Default true. */
  echotest?: EchoTestOptions | boolean;
  /** Behind the name of a recording that is being written: `tmp` makes it `talk.mjr.tmp`. Default: nothing. */
  recordingsTmpExtension?: string;
  /**
   * Requests must carry it as `apisecret`, all but `info` and `ping`. With this and tokens either
   * suffices. Default: none is needed.
   */
  apiSecret?: string;
  /** Requests to the admin API must carry it as `admin_secret`. Default: there is no admin API. */
  adminSecret?: string;
  /** Requests must carry one of {@link Gateway.tokens} as `token`. Default false. */
  tokenAuth?: boolean;
  /**
   * Requests must carry a token that {@link signToken} made with this secret, for the realm `janus`; its
   * items are the plugins it may attach to. There are no stored tokens then. Default: none is needed.
   */
  tokenAuthSecret?: string;
  /**
   * Asked for each request that secret and token, if there must be any, allow: it can refuse more, and
   * not less. To decide alone, leave the three above out. Default: nobody is asked.
   */
  authenticate?: Authenticate;
  /** As clients see it in `server_info`. Default `headgate`. */
  serverName?: string;
  /** Default: warnings and errors to stderr. */
  logger?: Logger;
}

const strings = option.optional(option.list(option.string()));

const MEDIA_SPEC = {
  threads: option.integer({ min: 1, max: 256, default: Math.max(1, availableParallelism() - 1) }),
  portRange: option.optional(option.portRange()),
  addresses: strings,
  interfaces: strings,
  ignoreInterfaces: option.list(option.string(), { default: ['vmnet'] }),
  allowLoopback: option.boolean({ default: false }),
  ipv6: option.boolean({ default: false }),
  certificate: option.optional(
    option.object({ cert: option.string(), key: option.string(), password: option.string({ default: '' }) }),
  ),
  dtlsMtu: option.integer({ min: 256, max: 1500, default: 1200 }),
  maxNackQueue: option.integer({ min: 0, max: 5_000, default: 1_000 }),
  silentPeerTimeout: option.integer({ min: 0, max: 3_600_000, default: 20_000 }),
  hangupOnFailed: option.boolean({ default: false }),
  setupTimeout: option.integer({ min: 1_000, max: 3_600_000, default: 30_000 }),
  noMediaTimeout: option.integer({ min: 0, max: 3_600_000, default: 1_000 }),
  slowLinkThreshold: option.integer({ min: 0, max: 1_000_000, default: 0 }),
  iceDebug: option.boolean({ default: false }),
};

const EVENT_SPEC = {
  statsPeriod: option.integer({ min: 0, max: 3_600_000, default: 1_000 }),
  combineStatistics: option.boolean({ default: false }),
};

const { watchdogInterval: _internal, ...SESSION_SPEC } = SESSION_OPTIONS;

// An empty one would let in whoever shows an empty one.
const SECRET = option.optional(option.string({ pattern: /./s, expected: 'a string that is not empty' }));

/** Readers of {@link GatewayOptions}. */
export const GATEWAY_OPTIONS = {
  ...SESSION_SPEC,
  media: option.object(MEDIA_SPEC),
  events: option.object(EVENT_SPEC),
  // Read by the plugin itself, so that errors name its options.
  streaming: { read: (_path: string, value: unknown) => value as StreamingOptions | false | undefined },
  echotest: { read: (_path: string, value: unknown) => value as EchoTestOptions | boolean | undefined },
  recordingsTmpExtension: option.optional(option.string({ pattern: /^\w+$/, expected: 'letters and digits' })),
  apiSecret: SECRET,
  adminSecret: SECRET,
  tokenAuth: option.boolean({ default: false }),
  tokenAuthSecret: SECRET,
  authenticate: option.optional(option.function<Authenticate>()),
  serverName: option.string({ default: 'headgate' }),
  logger: option.optional(
    option.withMethods<Logger>('a logger with trace, debug, info, warn and error, such as pino', [
      'trace',
      'debug',
      'info',
      'warn',
      'error',
    ]),
  ),
};

/** {@link GatewayOptions}, read. */
export type GatewaySettings = OptionValues<typeof GATEWAY_OPTIONS>;
/** {@link MediaOptions}, read. */
export type MediaSettings = GatewaySettings['media'];
