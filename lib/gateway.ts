import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ResourceError, UsageError } from './errors.js';
import { Emitter } from './events.js';
import { consoleLogger, type Logger } from './logger.js';
import { native } from './native/binding.js';
import type {
  NativeEngine,
  NativeEngineOptions,
  NativeEngineStats,
  NativeEvent,
  NativeFailure,
  NativeVersions,
} from './native/types.js';
import { option, readOptions, type OptionValues } from './options.js';
import { localAddresses } from './peer/addresses.js';
import { Captures, type Capture, type CaptureOptions } from './peer/capture.js';
import { EngineTuning, type MediaTuning } from './peer/media-tuning.js';
import type { Peer, PeerOptions } from './peer/peer.js';
import { Peers } from './peer/peers.js';
import { EchoTestPlugin, StreamingPlugin, type EchoTestOptions, type StreamingOptions } from './plugins/index.js';
import type { Handle } from './plugins/handle.js';
import { Plugin, type PluginHost } from './plugins/plugin.js';
import { Injectors, type Injector, type InjectorOptions } from './routing/injector.js';
import { Mountpoints, type Mountpoint, type MountpointOptions } from './routing/mountpoint.js';
import {
  Recorders,
  type DataRecorder,
  type DataRecorderOptions,
  type Recorder,
  type RecorderOptions,
} from './routing/recorder.js';
import { Taps, type Tap, type TapOptions } from './routing/tap.js';
import { UdpSources } from './routing/udp-source.js';
import type { Authenticate } from './session/authenticate.js';
import { EventBus, microseconds } from './session/event-bus.js';
import type { SessionHandle } from './session/handle.js';
import { LocalClient } from './session/local-client.js';
import { SessionObserver, subjectOf } from './session/session-observer.js';
import { SESSION_OPTIONS, SessionTable, type SessionTableOptions } from './session/sessions.js';
import { MemoryTokens, type TokenStore } from './session/tokens.js';
import { VERSION } from './version.js';

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
  /** Longest wait from a client's answer to the end of the DTLS handshake, milliseconds. Default 30,000. */
  setupTimeout?: number;
  /** Silence after which a source is `stalled`, milliseconds; 0: never. Default 1000. */
  noMediaTimeout?: number;
  /** A `slowlink` event for each second in which so many packets of a track were lost, either way; 0: none. Default 0. */
  slowLinkThreshold?: number;
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

/** Events of a gateway. */
export interface GatewayEvents {
  /** Final. */
  close: [];
}

/** What {@link Gateway.stats} gives. */
export interface GatewayStats extends NativeEngineStats {
  sessions: number;
  mountpoints: number;
  /** Packets that taps left out because JavaScript did not keep up. */
  tapDropped: number;
  /** Packets and messages that recordings left out because the disk did not keep up. */
  recorderDropped: number;
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
  setupTimeout: option.integer({ min: 1_000, max: 3_600_000, default: 30_000 }),
  noMediaTimeout: option.integer({ min: 0, max: 3_600_000, default: 1_000 }),
  slowLinkThreshold: option.integer({ min: 0, max: 1_000_000, default: 0 }),
};

const EVENT_SPEC = {
  statsPeriod: option.integer({ min: 0, max: 3_600_000, default: 1_000 }),
  combineStatistics: option.boolean({ default: false }),
};

const { watchdogInterval: _internal, ...SESSION_SPEC } = SESSION_OPTIONS;

const SPEC = {
  ...SESSION_SPEC,
  media: option.object(MEDIA_SPEC),
  events: option.object(EVENT_SPEC),
  // Read by the plugin itself, so that errors name its options.
  streaming: { read: (_path: string, value: unknown) => value as StreamingOptions | false | undefined },
  echotest: { read: (_path: string, value: unknown) => value as EchoTestOptions | boolean | undefined },
  recordingsTmpExtension: option.optional(option.string({ pattern: /^\w+$/, expected: 'letters and digits' })),
  apiSecret: option.optional(option.string()),
  adminSecret: option.optional(option.string()),
  tokenAuth: option.boolean({ default: false }),
  tokenAuthSecret: option.optional(option.string({ pattern: /./s, expected: 'a string that is not empty' })),
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

// `process.exit()` runs no clean-up of native addons: their threads must be
// gone before the process takes its memory down.
const open = new Set<NativeEngine>();
process.on('exit', () => {
  for (const engine of open) engine.close();
});

/**
 * A WebRTC gateway inside a Node process: media threads, plugins, sessions and
 * what they hold. It listens on nothing that the application does not mount.
 *
 * @example
 * const gateway = await Gateway.open({ media: { portRange: [20000, 40000] } });
 * app.use('/janus', janusHttp(gateway));
 */
export class Gateway extends Emitter<GatewayEvents> implements PluginHost, AsyncDisposable {
  readonly logger: Logger;
  readonly apiSecret: string | undefined;
  readonly adminSecret: string | undefined;
  /** What can be changed of media while it runs. */
  readonly tuning: MediaTuning;
  readonly tokenAuthSecret: string | undefined;
  readonly authenticate: Authenticate | undefined;
  /** The tokens clients may show; undefined without the option `tokenAuth`. */
  readonly tokens: TokenStore | undefined;
  /** Sessions of clients. */
  readonly sessions: SessionTable;
  /** The Janus API for the application itself. */
  readonly local: LocalClient;
  /** All mountpoints, whoever made them. */
  readonly mountpoints: Mountpoints;
  /** What happens, as Janus tells its event handlers. */
  readonly events: EventBus;

  readonly #plugins = new Map<string, Plugin>();
  readonly #engine: NativeEngine;
  readonly #peers: Peers;
  readonly #sources: UdpSources;
  readonly #recorders: Recorders;
  readonly #captures: Captures;
  readonly #taps: Taps;
  readonly #injectors: Injectors;
  readonly #options: OptionValues<typeof SPEC>;
  readonly #addresses: readonly string[];
  readonly #openedAt = microseconds();
  readonly #closingTasks = new Set<() => Promise<void>>();
  #observer: SessionObserver | null = null;
  #isStartTold = false;
  #closing: Promise<void> | null = null;

  /**
   * Starts the media threads.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CERTIFICATE`, `HG_ERR_ADDRESS`
   * @throws {@link ResourceError} `HG_ERR_SYSTEM` if threads cannot be made
   */
  static async open(options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = new Gateway(readOptions('Gateway.open', options, SPEC));
    try {
      const { streaming, echotest } = gateway.#options;
      if (streaming !== false) await gateway.use(new StreamingPlugin(streaming));
      if (echotest !== false) await gateway.use(new EchoTestPlugin(echotest === true ? {} : echotest));
      return gateway;
    } catch (error) {
      await gateway.close();
      throw error;
    }
  }

  private constructor(options: OptionValues<typeof SPEC>) {
    super();
    const {
      media,
      apiSecret,
      adminSecret,
      tokenAuth,
      tokenAuthSecret,
      authenticate,
      logger = consoleLogger(),
    } = options;
    this.#options = options;
    this.logger = logger;
    this.apiSecret = apiSecret;
    this.adminSecret = adminSecret;
    this.tokenAuthSecret = tokenAuthSecret;
    this.authenticate = authenticate;
    this.tokens = tokenAuth && tokenAuthSecret === undefined ? new MemoryTokens() : undefined;
    const { addresses, onlyLoopback } = localAddresses(media);
    this.#addresses = addresses;
    if (onlyLoopback) logger.warn('this machine has no address but loopback: only browsers on it can be reached');
    this.#engine = openEngine(engineOptions(media, addresses), (events) => {
      this.#onNativeEvents(events);
    });
    open.add(this.#engine);
    this.tuning = new EngineTuning(this.#engine, media);
    this.#captures = new Captures(this.#engine, logger);
    this.#peers = new Peers(this.#engine, logger, this.#captures);
    this.#sources = new UdpSources(this.#engine, logger);
    this.#recorders = new Recorders(this.#engine, logger, options.recordingsTmpExtension);
    this.#taps = new Taps(this.#engine, logger);
    this.#injectors = new Injectors(this.#engine, logger);
    this.mountpoints = new Mountpoints(this.#sources, logger);
    const { sessionTimeout, reclaimSessionTimeout, candidatesTimeout, maxSessions, maxHandles, opaqueIdInApi } =
      options;
    this.sessions = new SessionTable(
      { plugins: this.#plugins, logger, createPeer: (peerOptions) => this.createPeer(peerOptions) },
      { sessionTimeout, reclaimSessionTimeout, candidatesTimeout, maxSessions, maxHandles, opaqueIdInApi },
    );
    this.local = new LocalClient(this.sessions);
    this.events = new EventBus(options.serverName, () => this.#observe());
    logger.info({ ...this.versions, addresses, mediaThreads: media.threads }, 'gateway opened');
    if (this.versions.srtpBackend === 'system') {
      logger.warn(
        `SRTP runs on the system's ${this.versions.srtp}, several times slower than the one that vendor/ builds; ` +
          'see vendor/README.md',
      );
    }
  }

  /** The native libraries it runs on. */
  get versions(): NativeVersions {
    return native.versions;
  }

  get closed(): boolean {
    return this.#closing !== null;
  }

  /** Those of handles, and the application's own. */
  get peers(): Iterable<Peer> {
    return this.#peers;
  }

  /** Plugins by package name. */
  get plugins(): ReadonlyMap<string, Plugin> {
    return this.#plugins;
  }

  /**
   * Adds a plugin; clients can attach to it once this has resolved.
   *
   * @throws {@link UsageError} `HG_ERR_PLUGIN` if its package is used already, `HG_ERR_CLOSED`; whatever its `opened` throws
   * @example
   * await gateway.use(new LobbyPlugin());
   */
  async use(plugin: Plugin): Promise<this> {
    this.#mustBeOpen();
    const name = plugin.package;
    if (typeof name !== 'string' || name === '') {
      throw new UsageError('HG_ERR_PLUGIN', {
        plugin: plugin.constructor.name,
        reason: 'its class has no static member "package"',
      });
    }
    if (this.#plugins.has(name)) {
      throw new UsageError('HG_ERR_PLUGIN', { plugin: name, reason: 'a plugin of that package is used already' });
    }
    await plugin.opened(this);
    this.#plugins.set(name, plugin);
    return this;
  }

  /**
   * Makes a mountpoint: a live stream that comes in as RTP.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_EXISTS`, `HG_ERR_INTERFACE`, `HG_ERR_CLOSED`
   * @throws {@link ResourceError} `HG_ERR_PORT` names the port; `HG_ERR_SYSTEM`
   * @example
   * await gateway.createMountpoint({ id: 1, media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 5004 }] });
   */

  async createMountpoint(options: MountpointOptions): Promise<Mountpoint> {
    this.#mustBeOpen();
    return this.mountpoints.create(options);
  }

  /**
   * Makes a peer that belongs to no handle.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  createPeer(options?: PeerOptions): Peer {
    this.#mustBeOpen();
    return this.#peers.createPeer(options);
  }

  /**
   * Makes the file of a recording; {@link link} a source to it.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`; `HG_ERR_RECORDING` if the path cannot be written to
   * @throws {@link ResourceError} `HG_ERR_RECORDING` if the disk is full, or files are too many
   * @example
   * const [{ source }] = mountpoint.media;
   * link(source, gateway.createRecorder({ path: '/tmp/camera', codec: source.codec }));
   */
  createRecorder(options: RecorderOptions): Recorder {
    this.#mustBeOpen();
    return this.#recorders.createRecorder(options);
  }

  /**
   * Makes the file of a recording of messages.
   *
   * @throws as {@link createRecorder}
   */
  createDataRecorder(options: DataRecorderOptions): DataRecorder {
    this.#mustBeOpen();
    return this.#recorders.createDataRecorder(options);
  }

  /**
   * Makes the file of a capture that goes on from peer to peer; {@link Peer.capture} makes one for a single peer.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`; `HG_ERR_CAPTURE` if the path cannot be written to
   * @throws {@link ResourceError} `HG_ERR_CAPTURE` if the disk is full, or files are too many
   * @internal
   */
  createCapture(options: CaptureOptions): Capture {
    this.#mustBeOpen();
    return this.#captures.createCapture(options);
  }

  /**
   * Makes a tap, which brings the packets of a track into JavaScript; {@link link} a source to it.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`
   * @example
   * const tap = gateway.createTap({ kind: 'video' });
   * tap.on('packets', (batch) => console.log(batch.length));
   * link(mountpoint.media[0].source, tap);
   */
  createTap(options: TapOptions): Tap {
    this.#mustBeOpen();
    return this.#taps.createTap(options);
  }

  /**
   * Makes a source whose RTP packets the application writes; {@link link} it to a peer's track or a recorder.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`
   * @example
   * const injector = gateway.createInjector({ codec: 'vp8' });
   * injector.on('keyframerequest', () => console.log('somebody needs a keyframe'));
   */
  createInjector(options: InjectorOptions): Injector {
    this.#mustBeOpen();
    return this.#injectors.createInjector(options);
  }

  /** {@link PluginHost.notify} */
  notify(about: Handle | Plugin, data: object | (() => object)): void {
    if (!this.events.wants('plugin')) return;
    const plugin = about instanceof Plugin ? about : (about as SessionHandle).plugin;
    const subject = about instanceof Plugin ? {} : subjectOf(about as SessionHandle);
    const event = { plugin: plugin.package, data: typeof data === 'function' ? (data as () => object)() : data };
    this.events.tell('plugin', subject, event);
  }

  /**
   * Tells those who listen to {@link events} something of the application's own.
   *
   * @param schema - says what `data` is, as its readers agreed
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   * @example
   * gateway.customEvent('example.payment', { room: 1234, cents: 500 });
   */
  customEvent(schema: string, data: object): void {
    this.#mustBeOpen();
    this.events.tell('external', {}, { schema, data });
  }

  /**
   * What {@link close} waits for when nothing more happens.
   *
   * @returns a function that takes it back
   */
  onClosing(task: () => Promise<void>): () => void {
    this.#mustBeOpen();
    this.#closingTasks.add(task);
    return () => this.#closingTasks.delete(task);
  }

  /** What clients read in `server_info`. */
  serverFacts(): object {
    const { media, serverName } = this.#options;
    return {
      name: 'headgate',
      versionString: VERSION,
      author: 'headgate',
      serverName,
      localIp: this.#addresses[0] ?? '127.0.0.1',
      dataChannels: true,
      consentFreshness: true,
      ipv6: media.ipv6,
      eventHandlers: this.#observer !== null,
      minNackQueue: this.tuning.maxNackQueue,
      dtlsMtu: media.dtlsMtu,
      dependencies: {
        libnice: this.versions.libnice,
        libsrtp: this.versions.srtp,
        crypto: this.versions.openssl,
      },
    };
  }

  /** @throws {@link UsageError} `HG_ERR_CLOSED` */
  stats(): GatewayStats {
    this.#mustBeOpen();
    return {
      ...this.#engine.stats(),
      sessions: this.sessions.size,
      mountpoints: this.mountpoints.size,
      tapDropped: this.#taps.dropped,
      recorderDropped: this.#recorders.dropped,
    };
  }

  /** Ends sessions, peers, mountpoints, plugins and media threads. Twice does nothing more. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.sessions.close();
    for (const mountpoint of [...this.mountpoints]) mountpoint.close();
    open.delete(this.#engine);
    this.#engine.close();
    this.#peers.engineClosed();
    this.#recorders.engineClosed();
    this.#captures.engineClosed();
    this.#taps.engineClosed();
    this.#injectors.engineClosed();
    for (const plugin of this.#plugins.values()) {
      try {
        await plugin.closed();
      } catch (error) {
        this.logger.error({ err: error, plugin: plugin.package }, 'a plugin failed to close');
      }
    }
    if (this.events.wants('core')) this.events.tell('core', { subtype: 2 }, { status: 'shutdown' });
    for (const task of this.#closingTasks) {
      try {
        await task();
      } catch (error) {
        this.logger.error({ err: error }, 'what was to be done at the end failed');
      }
    }
    this.emit('close');
  }

  /** Somebody listens to events. */
  #observe(): void {
    if (this.closed) return;
    if (this.#observer === null) this.#observer = new SessionObserver(this.events, this.sessions, this.#options.events);
    else this.#observer.wanted();
    if (this.#isStartTold || !this.events.wants('core')) return;
    this.#isStartTold = true;
    // Whoever begins to listen has to hear it, and so may those who follow.
    setImmediate(() => {
      const about = { subtype: 1, timestamp: this.#openedAt };
      if (!this.closed) this.events.tell('core', about, { status: 'started', info: this.events.describe() });
    });
  }

  #onNativeEvents(events: readonly NativeEvent[]): void {
    for (const event of events) {
      if (event.type === 'log') this.logger[event.level]({ where: event.where }, event.message);
      else if (this.#recorders.handleNativeEvent(event)) continue;
      else if (this.#captures.handleNativeEvent(event)) continue;
      else if (this.#taps.handleNativeEvent(event)) continue;
      else if (this.#injectors.handleNativeEvent(event)) continue;
      else if (!this.#peers.handleNativeEvent(event)) this.#sources.handleNativeEvent(event);
    }
  }

  #mustBeOpen(): void {
    if (this.closed) throw new UsageError('HG_ERR_CLOSED', { what: 'the gateway' });
  }
}

function engineOptions(media: OptionValues<typeof MEDIA_SPEC>, localAddresses: string[]): NativeEngineOptions {
  const [portMin, portMax] = media.portRange ?? [0, 0];
  const options: NativeEngineOptions = {
    mediaThreads: media.threads,
    localAddresses,
    portMin,
    portMax,
    dtlsMtu: media.dtlsMtu,
    maxNackQueue: media.maxNackQueue,
    silentPeerTimeout: media.silentPeerTimeout,
    setupTimeout: media.setupTimeout,
    noMediaTimeout: media.noMediaTimeout,
    slowLinkThreshold: media.slowLinkThreshold,
  };
  if (media.certificate !== undefined) {
    const { cert, key, password } = media.certificate;
    options.certificate = { chain: readPem('cert', cert), key: readPem('key', key), password };
  }
  return options;
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = `Gateway.open.media.certificate.${name}: ${file} cannot be read (${(error as Error).message})`;
    throw new UsageError('HG_ERR_CERTIFICATE', { reason }, { cause: error });
  }
}

function openEngine(options: NativeEngineOptions, onEvents: (events: NativeEvent[]) => void): NativeEngine {
  try {
    return new native.Engine(options, onEvents);
  } catch (error) {
    const { code, message } = error as NativeFailure;
    if (code === 'HG_ERR_CERTIFICATE') throw new UsageError(code, { reason: message }, { cause: error });
    throw new ResourceError('HG_ERR_SYSTEM', { what: 'starting the media threads', reason: message }, { cause: error });
  }
}
