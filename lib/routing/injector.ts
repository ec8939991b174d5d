import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import type {
  NativeEngine,
  NativeEvent,
  NativeFailure,
  NativeInjector,
  NativeInjectorStats,
  NativeSource,
  NativeSourceStats,
} from '../native/types.js';
import { option, readOptions } from '../options.js';
import type { Codec } from '../peer/codecs/index.js';
import { codecOption } from './codec-option.js';
import { linksOf, type Link } from './link.js';
import { problemOf, RtpPacket } from './rtp-packet.js';
import type { Source } from './source.js';

export interface InjectorEvents {
  /** Somebody who gets it needs a keyframe: write one soon. Requests are merged, at most one comes a second. */
  keyframerequest: [];
  /** {@link Injector.write} said no, and now there is room again. */
  low: [];
  /** Packets come (again). */
  live: [];
  /** Packets came, and no more. */
  stalled: [];
  /** A packet was larger than what reaches viewers; once. Bytes. */
  oversize: [{ size: number; limit: number }];
  close: [];
}

/** What {@link Gateway.createInjector} takes. */
export interface InjectorOptions {
  /** Of the packets; a name such as `vp8`, or a source's `codec`. */
  codec: string | Codec;
  /** What newcomers get first: all from the last keyframe on, up to this span (at most 65535 ms) and size. Default: nothing. */
  keyframeBuffer?: { ms?: number | undefined; bytes?: number | undefined } | undefined;
}

export interface InjectorStats extends NativeSourceStats, NativeInjectorStats {}

export interface InjectorFactory {
  /**
   * Makes a source whose packets the application writes.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`
   */
  createInjector(options: InjectorOptions): Injector;
}

const SPEC = {
  codec: codecOption,
  keyframeBuffer: option.object({
    ms: option.integer({ min: 0, max: 65535, default: 0 }),
    bytes: option.integer({ min: 0, max: 64 * 1024 * 1024, default: 0 }),
  }),
};

/** All live injectors of a native engine: makes them and hands them their events. */
export class Injectors implements InjectorFactory {
  readonly #engine: NativeEngine;
  readonly #log: Logger;
  readonly #injectors = new Map<number, Injector>();

  constructor(engine: NativeEngine, logger: Logger) {
    this.#engine = engine;
    this.#log = logger;
  }

  get size(): number {
    return this.#injectors.size;
  }

  createInjector(options: InjectorOptions): Injector {
    const { codec, keyframeBuffer } = readOptions('createInjector', options, SPEC);
    const injector = new Injector(codec, this.#open(codec, keyframeBuffer));
    this.#injectors.set(injector.id, injector);
    injector.once('close', () => this.#injectors.delete(injector.id));
    this.#log.debug({ source: injector.id }, 'injector opened');
    return injector;
  }

  /** Whether the event was one for an injector of ours. */
  handleNativeEvent(event: NativeEvent): boolean {
    if (!('source' in event)) return false;
    const injector = this.#injectors.get(event.source);
    injector?.handleNativeEvent(event);
    return injector !== undefined;
  }

  /** After the engine closed. */
  engineClosed(): void {
    for (const injector of [...this.#injectors.values()]) injector.close();
  }

  #open({ kind, encodingName, clockRate }: Codec, buffer: { ms: number; bytes: number }): NativeInjector {
    try {
      return this.#engine.createInjector({
        kind,
        codec: encodingName.toLowerCase(),
        clockRate,
        keyframeBufferMs: buffer.ms,
        keyframeBufferBytes: buffer.bytes,
      });
    } catch (error) {
      if ((error as NativeFailure).code !== 'HG_ERR_CLOSED') throw error;
      throw new UsageError('HG_ERR_CLOSED', { what: 'the gateway' }, { cause: error });
    }
  }
}

/**
 * A track that JavaScript makes: RTP packets are written into it, and go wherever
 * it is linked to. They leave as they are written, the pace is the application's;
 * so are sequence numbers, timestamps and SSRC, which viewers get made continuous
 * as those of every source. What was written before, and what is older by 1000
 * packets, is left out and counted as `dropped` in {@link stats}.
 *
 * @example
 * const tone = gateway.createInjector({ codec: 'pcma' });
 * link(tone, gateway.createRecorder({ path: '/tmp/tone', codec: tone.codec }));
 * const packet = Buffer.alloc(12 + 160, 0xd5);
 * packet.writeUInt32BE(0x80080001);
 * tone.write([packet]);
 */
export class Injector extends Emitter<InjectorEvents> implements Source, Disposable {
  /** Packets that one {@link write} takes at most. */
  static readonly MAX_BATCH = 1024;
  /** The largest packet, bytes. Viewers on common paths are reached by those of up to 1412. */
  static readonly MAX_PACKET = 1500;

  readonly codec: Codec;
  readonly id: number;
  /** @internal */
  readonly encodings: readonly [NativeSource];
  readonly #native: NativeInjector;
  #receiving = false;
  #closed = false;

  /** @internal Made by {@link InjectorFactory.createInjector}. */
  constructor(codec: Codec, native: NativeInjector) {
    super();
    this.codec = codec;
    this.#native = native;
    this.encodings = [native.source];
    this.id = native.source.id;
  }

  get kind(): 'audio' | 'video' {
    return this.codec.kind;
  }

  get title(): string {
    return `the injector ${String(this.id)}`;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Packets come. */
  get receiving(): boolean {
    return this.#receiving;
  }

  /** Who gets it. */
  get links(): ReadonlySet<Link> {
    return linksOf(this);
  }

  /**
   * Writes packets, all or none; the bytes are copied. Those of a {@link Tap} may be written as they came: `write(batch)`.
   * 2048 packets wait for the media thread at most.
   *
   * @returns false if there is no room: no packet was taken. `low` follows as soon as all of them fit.
   * @throws {@link UsageError} `HG_ERR_OPTION` names the packet that is none, and why; `HG_ERR_LIMIT` for more than
   * {@link MAX_BATCH}; `HG_ERR_CLOSED`. No packet was taken then.
   * @example
   * const echo = gateway.createInjector({ codec: 'opus' });
   * gateway.createTap({ kind: 'audio' }).on('packets', (batch) => echo.write(batch));
   */
  write(packets: Iterable<Uint8Array | RtpPacket>): boolean {
    this.#mustBeOpen();
    const batch: Uint8Array[] = [];
    for (const packet of packets) {
      const bytes = packet instanceof RtpPacket ? packet.bytes : packet;
      const problem = problemOf(bytes, Injector.MAX_PACKET);
      if (problem !== undefined) {
        throw new UsageError('HG_ERR_OPTION', { option: `packet ${String(batch.length)} for ${this.title}`, problem });
      }
      batch.push(bytes);
      if (batch.length > Injector.MAX_BATCH) {
        throw new UsageError('HG_ERR_LIMIT', {
          what: `a batch for ${this.title}`,
          limit: `${String(Injector.MAX_BATCH)} packets`,
        });
      }
    }
    // The iteration may have run anything.
    this.#mustBeOpen();
    return this.#native.write(batch);
  }

  /**
   * As if one of those who get it asked: a `keyframerequest` event follows.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  requestKeyframe(): void {
    this.#mustBeOpen();
    this.encodings[0].requestKeyframe();
  }

  /** @throws {@link UsageError} `HG_ERR_CLOSED` */
  stats(): InjectorStats {
    this.#mustBeOpen();
    return { ...this.encodings[0].stats(), ...this.#native.stats() };
  }

  /** Ends its links; what was written goes out before. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiving = false;
    this.encodings[0].close();
    // Each link listens for it and detaches its sink.
    this.emit('close');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  handleNativeEvent(event: Extract<NativeEvent, { source: number }>): void {
    switch (event.type) {
      case 'keyframe-wanted':
        this.emit('keyframerequest');
        break;
      case 'injector-low':
        this.emit('low');
        break;
      case 'source-receiving':
        if (event.receiving === this.#receiving) return;
        this.#receiving = event.receiving;
        this.emit(event.receiving ? 'live' : 'stalled');
        break;
      case 'source-oversize':
        this.emit('oversize', { size: event.size, limit: event.limit });
        break;
      case 'source-talking': // what is injected has no levels
        break;
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: this.title });
  }
}
