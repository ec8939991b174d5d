import { UsageError } from './errors.js';
import { Emitter } from './events.js';
import { MediaEngine } from './gateway/media-engine.js';
import { Observation } from './gateway/observation.js';
import { GATEWAY_OPTIONS, type GatewayOptions, type GatewaySettings } from './gateway/options.js';
import { PluginTable } from './gateway/plugin-table.js';
import { consoleLogger, targetsOf, type Logger } from './logger.js';
import { native } from './native/binding.js';
import type { NativeEngineStats, NativeVersions } from './native/types.js';
import { readOptions } from './options.js';
import { localAddresses } from './peer/addresses.js';
import type { Capture, CaptureOptions } from './peer/capture.js';
import type { MediaTuning } from './peer/media-tuning.js';
import type { Peer, PeerOptions } from './peer/peer.js';
import { EchoTestPlugin, StreamingPlugin } from './plugins/index.js';
import type { Handle } from './plugins/handle.js';
import type { Plugin, PluginHost } from './plugins/plugin.js';
import type { Injector, InjectorOptions } from './routing/injector.js';
import { Mountpoints, type Mountpoint, type MountpointOptions } from './routing/mountpoint.js';
import type { DataRecorder, DataRecorderOptions, Recorder, RecorderOptions } from './routing/recorder.js';
import type { Tap, TapOptions } from './routing/tap.js';
import type { Authenticate } from './session/authenticate.js';
import type { EventBus } from './session/event-bus.js';
import { LocalClient } from './session/local-client.js';
import { SessionTable } from './session/sessions.js';
import { MemoryTokens, type TokenStore } from './session/tokens.js';
import { VERSION } from './version.js';

export type { EventOptions, GatewayOptions, MediaOptions } from './gateway/options.js';

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
  /** Events of sessions whose clients did not poll for them in time. */
  mailboxDropped: number;
}

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

  readonly #plugins: PluginTable;
  readonly #engine: MediaEngine;
  readonly #observation: Observation;
  readonly #options: GatewaySettings;
  readonly #addresses: readonly string[];
  readonly #closingTasks = new Set<() => Promise<void>>();
  #closing: Promise<void> | null = null;

  /**
   * Starts the media threads.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CERTIFICATE`, `HG_ERR_ADDRESS`
   * @throws {@link ResourceError} `HG_ERR_SYSTEM` if threads cannot be made
   */
  static async open(options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = new Gateway(readOptions('Gateway.open', options, GATEWAY_OPTIONS));
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

  private constructor(options: GatewaySettings) {
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
    const { recordingsTmpExtension } = options;
    this.#engine = new MediaEngine({ media, addresses, recordingsTmpExtension }, logger);
    this.tuning = this.#engine.tuning;
    this.mountpoints = new Mountpoints(this.#engine.sources, logger);
    this.#plugins = new PluginTable(this, logger);
    const {
      sessionTimeout,
      reclaimSessionTimeout,
      candidatesTimeout,
      maxSessions,
      maxHandles,
      opaqueIdInApi,
      fullTrickle,
    } = options;
    this.sessions = new SessionTable(
      { plugins: this.#plugins.byPackage, logger, createPeer: (peerOptions) => this.createPeer(peerOptions) },
      { sessionTimeout, reclaimSessionTimeout, candidatesTimeout, maxSessions, maxHandles, opaqueIdInApi, fullTrickle },
    );
    this.local = new LocalClient(this.sessions);
    this.#observation = new Observation(options, this.sessions);
    this.events = this.#observation.events;
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
    return this.#engine.peers;
  }

  /** Plugins by package name. */
  get plugins(): ReadonlyMap<string, Plugin> {
    return this.#plugins.byPackage;
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
    await this.#plugins.add(plugin);
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
    return this.#engine.peers.createPeer(options);
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
    return this.#engine.recorders.createRecorder(options);
  }

  /**
   * Makes the file of a recording of messages.
   *
   * @throws as {@link createRecorder}
   */
  createDataRecorder(options: DataRecorderOptions): DataRecorder {
    this.#mustBeOpen();
    return this.#engine.recorders.createDataRecorder(options);
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
    return this.#engine.captures.createCapture(options);
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
    return this.#engine.taps.createTap(options);
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
    return this.#engine.injectors.createInjector(options);
  }

  /** {@link PluginHost.notify} */
  notify(about: Handle | Plugin, data: object | (() => object)): void {
    this.#observation.notify(about, data);
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
    const targets = targetsOf(this.logger);
    return {
      name: 'headgate',
      versionString: VERSION,
      author: 'headgate',
      logToConsole: targets?.console ?? false,
      logFile: targets?.file,
      serverName,
      localIp: this.#addresses[0] ?? '127.0.0.1',
      dataChannels: true,
      consentFreshness: true,
      hangupOnFailed: media.hangupOnFailed,
      fullTrickle: this.#options.fullTrickle,
      ipv6: media.ipv6,
      eventHandlers: this.#observation.begun,
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
      tapDropped: this.#engine.taps.dropped,
      recorderDropped: this.#engine.recorders.dropped,
      mailboxDropped: this.sessions.droppedEvents,
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
    this.#observation.closing();
    this.sessions.close();
    for (const mountpoint of [...this.mountpoints]) mountpoint.close();
    this.#engine.close();
    await this.#plugins.close();
    this.#observation.shutdown();
    for (const task of this.#closingTasks) {
      try {
        await task();
      } catch (error) {
        this.logger.error({ err: error }, 'what was to be done at the end failed');
      }
    }
    this.emit('close');
  }

  #mustBeOpen(): void {
    if (this.closed) throw new UsageError('HG_ERR_CLOSED', { what: 'the gateway' });
  }
}
