import { readFileSync } from 'node:fs';
import { ResourceError, UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import { native } from '../native/binding.js';
import type {
  NativeEngine,
  NativeEngineOptions,
  NativeEngineStats,
  NativeEvent,
  NativeFailure,
} from '../native/types.js';
import { Captures } from '../peer/capture.js';
import { EngineTuning, type MediaTuning } from '../peer/media-tuning.js';
import { Peers } from '../peer/peers.js';
import { Injectors } from '../routing/injector.js';
import { Recorders } from '../routing/recorder.js';
import { Taps } from '../routing/tap.js';
import { UdpSources } from '../routing/udp-source.js';
import type { MediaSettings } from './options.js';

// `process.exit()` runs no clean-up of native addons: their threads must be
// gone before the process takes its memory down.
const open = new Set<NativeEngine>();
process.on('exit', () => {
  for (const engine of open) engine.close();
});

/** What {@link MediaEngine} takes. */
export interface MediaEngineOptions {
  media: MediaSettings;
  /** Of host candidates. */
  addresses: string[];
  recordingsTmpExtension: string | undefined;
}

/** The media threads, and all that lives on them. */
export class MediaEngine {
  readonly tuning: MediaTuning;
  readonly peers: Peers;
  readonly sources: UdpSources;
  readonly recorders: Recorders;
  readonly captures: Captures;
  readonly taps: Taps;
  readonly injectors: Injectors;

  readonly #engine: NativeEngine;
  readonly #logger: Logger;

  /**
   * Starts the threads.
   *
   * @throws {@link UsageError} `HG_ERR_CERTIFICATE`
   * @throws {@link ResourceError} `HG_ERR_SYSTEM` if threads cannot be made
   */
  constructor({ media, addresses, recordingsTmpExtension }: MediaEngineOptions, logger: Logger) {
    this.#logger = logger;
    this.#engine = openEngine(engineOptions(media, addresses), (events) => {
      this.#onNativeEvents(events);
    });
    open.add(this.#engine);
    this.tuning = new EngineTuning(this.#engine, media);
    this.captures = new Captures(this.#engine, logger);
    this.peers = new Peers(this.#engine, logger, this.captures, media);
    this.sources = new UdpSources(this.#engine, logger);
    this.recorders = new Recorders(this.#engine, logger, recordingsTmpExtension);
    this.taps = new Taps(this.#engine, logger);
    this.injectors = new Injectors(this.#engine, logger);
  }

  stats(): NativeEngineStats {
    return this.#engine.stats();
  }

  /** Ends the threads, and what lives on them. */
  close(): void {
    open.delete(this.#engine);
    this.#engine.close();
    for (const objects of [this.peers, this.recorders, this.captures, this.taps, this.injectors])
      objects.engineClosed();
  }

  #onNativeEvents(events: readonly NativeEvent[]): void {
    for (const event of events) {
      if (event.type === 'log') this.#logger[event.level]({ where: event.where }, event.message);
      else if (this.recorders.handleNativeEvent(event)) continue;
      else if (this.captures.handleNativeEvent(event)) continue;
      else if (this.taps.handleNativeEvent(event)) continue;
      else if (this.injectors.handleNativeEvent(event)) continue;
      else if (!this.peers.handleNativeEvent(event)) this.sources.handleNativeEvent(event);
    }
  }
}

function engineOptions(media: MediaSettings, localAddresses: string[]): NativeEngineOptions {
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
