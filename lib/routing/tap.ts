import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import type { NativeEngine, NativeEvent, NativeFailure, NativeSource, NativeTap } from '../native/types.js';
import { option, readOptions } from '../options.js';
import { PacketBatch } from './packet-batch.js';
import type { Sink } from './sink.js';

export interface TapEvents {
  /** What came since the last time. */
  packets: [batch: PacketBatch];
  /** JavaScript does not keep up: packets were left out, so many since the start. At most once a second. */
  full: [{ dropped: number }];
  close: [];
}

/** What {@link Gateway.createTap} takes. */
export interface TapOptions {
  /** Of the sources it will be linked to. */
  kind: 'audio' | 'video';
  /**
   * How many packets may wait for JavaScript, 1 to 16,384; rounded up to a power of two. Each takes 2 KiB while it
   * waits. Default 4096: 8 s of 5 Mbit/s video. All taps of a gateway together hold 16,384.
   */
  maxPackets?: number | undefined;
  /** Of a source with several encodings (simulcast): 0 is the lowest quality. Default: the highest there is. */
  substream?: number | undefined;
}

export interface TapStats {
  /** That were handed over. */
  packets: number;
  /** Of them. */
  bytes: number;
  /** Left out because JavaScript did not keep up. */
  dropped: number;
  /** Not handed over yet. */
  waiting: number;
}

export interface TapFactory {
  /**
   * Makes a tap: a sink whose packets come into JavaScript.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`, `HG_ERR_CLOSED`
   */
  createTap(options: TapOptions): Tap;
}

const SPEC = {
  kind: option.oneOf(['audio', 'video']),
  maxPackets: option.integer({ min: 1, max: 16384, default: 4096 }),
  substream: option.integer({ min: 0, max: 2, default: 2 }),
};

/** Between two batches, milliseconds. The first packet after a rest waits for none. */
const TICK = 5;
/** Between two `full` events, milliseconds. */
const FULL_INTERVAL = 1000;

/** All live taps of a native engine: makes them, and hands them their packets. */
export class Taps implements TapFactory {
  readonly #engine: NativeEngine;
  readonly #log: Logger;
  readonly #taps = new Set<Tap>();
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;
  #closed = false;

  constructor(engine: NativeEngine, logger: Logger) {
    this.#engine = engine;
    this.#log = logger;
  }

  /** Of all there were: what was left out, as `full` events told. */
  get dropped(): number {
    return this.#dropped;
  }

  get size(): number {
    return this.#taps.size;
  }

  createTap(options: TapOptions): Tap {
    const { kind, maxPackets, substream } = readOptions('createTap', options, SPEC);
    const tap = new Tap(this.#open(maxPackets), kind, substream);
    this.#taps.add(tap);
    tap.once('close', () => this.#taps.delete(tap));
    let told = 0;
    tap.on('full', ({ dropped }) => {
      this.#dropped += dropped - told;
      told = dropped;
      this.#log.warn({ dropped }, `a tap of ${kind} does not keep up`);
    });
    return tap;
  }

  /** Whether the event was for taps. */
  handleNativeEvent(event: NativeEvent): boolean {
    if (event.type !== 'taps-ready') return false;
    this.#tick();
    return true;
  }

  /** After the engine closed: no packet will come any more. */
  engineClosed(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const tap of [...this.#taps]) tap.close();
  }

  #open(maxPackets: number): NativeTap {
    try {
      return this.#engine.createTap({ maxPackets });
    } catch (error) {
      if ((error as NativeFailure).code !== 'HG_ERR_CLOSED') throw error;
      throw new UsageError('HG_ERR_CLOSED', { what: 'the gateway' }, { cause: error });
    }
  }

  /** Under load every TICK; when nothing came in between, with the next packet. */
  #tick(): void {
    clearTimeout(this.#timer);
    const isBusy = this.#deliver();
    // A listener may have closed the gateway.
    if (this.#closed) return;
    if (isBusy) {
      this.#timer = setTimeout(() => this.#tick(), TICK).unref();
      return;
    }
    this.#engine.armTaps();
    // What came before that has no event of its own.
    this.#deliver();
  }

  #deliver(): boolean {
    const now = performance.now();
    let isSome = false;
    for (const tap of [...this.#taps]) isSome = tap.deliver(now) || isSome;
    return isSome;
  }
}

/**
 * Brings the packets of one track into JavaScript, in batches. It is a sink:
 * link a source to it, a mountpoint's or what a peer sends. The packets are as
 * they came: decrypted, with the sender's numbers, timestamps and header
 * extensions, losses repaired where they could be; of each there is one, in
 * order of arrival. As for every sink that begins, the source is asked for a
 * keyframe, or what it keeps since the last one comes first.
 *
 * Batches come every 5 ms while packets flow; the first after a rest at once.
 * JavaScript that does not keep up loses packets (`full`); memory is bounded
 * ({@link TapOptions.maxPackets}), the media threads never wait, and nobody else
 * notices.
 *
 * @example
 * const tap = gateway.createTap({ kind: 'video' });
 * tap.on('packets', (batch) => {
 *   for (const packet of batch) if (packet.keyframe) console.log(packet.arrival, packet.ssrc);
 * });
 * link(camera, tap);
 */
export class Tap extends Emitter<TapEvents> implements Sink, Disposable {
  readonly kind: 'audio' | 'video';
  readonly #native: NativeTap;
  readonly #substream: number;
  #dropped = 0;
  #toldFull = -Infinity;
  #closed = false;

  /** @internal Made by {@link TapFactory.createTap}. */
  constructor(native: NativeTap, kind: 'audio' | 'video', substream: number) {
    super();
    this.#native = native;
    this.kind = kind;
    this.#substream = substream;
  }

  /** No batch comes any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Also once it is closed. */
  stats(): TapStats {
    return this.#native.stats();
  }

  /** While paused nothing comes; afterwards a keyframe is asked for. */
  setPaused(paused: boolean): void {
    if (!this.#closed) this.#native.setPaused(paused);
  }

  /**
   * Ends it, and its link. What waits is gone; batches that were handed over stay whole. May be called by a listener
   * of `packets`. Twice does nothing more.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close();
    this.emit('close');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  attach(encodings: readonly NativeSource[] | null): void {
    if (!this.#closed) this.#native.link(encodings?.[this.#substream] ?? encodings?.at(-1) ?? null);
  }

  /** Hands over what waits; false: nothing did. @internal */
  deliver(now: number): boolean {
    const batch = this.#closed ? null : this.#native.read();
    if (batch === null) return false;
    this.emit('packets', new PacketBatch(batch));
    this.#tellIfFull(now);
    return true;
  }

  #tellIfFull(now: number): void {
    if (this.#closed || now - this.#toldFull < FULL_INTERVAL) return;
    const { dropped } = this.#native.stats();
    if (dropped === this.#dropped) return;
    this.#dropped = dropped;
    this.#toldFull = now;
    this.emit('full', { dropped });
  }
}
