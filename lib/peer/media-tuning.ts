import type { NativeEngine } from '../native/types.js';

/** What can be changed of media while it runs, for all peers and sources there are and come. */
export interface MediaTuning {
  /** How old a packet may be that is sent again, milliseconds; 0: none is. */
  maxNackQueue: number;
  /** Silence after which a source is `stalled`, milliseconds; 0: never. */
  noMediaTimeout: number;
  /** Packets of a track lost in a second, either way, that make a `slowlink` event; 0: none. */
  slowLinkThreshold: number;
  /** What libnice does is logged, as information: many lines a peer, and those of other gateways of the process too. */
  iceDebug: boolean;
}

/** That of an engine. Changes take effect within a second. */
export class EngineTuning implements MediaTuning {
  readonly #engine: NativeEngine;
  readonly #now: Omit<MediaTuning, 'iceDebug'>;
  #iceDebug = false;

  /** @param start - what the engine was made with */
  constructor(engine: NativeEngine, start: MediaTuning) {
    const { maxNackQueue, noMediaTimeout, slowLinkThreshold, iceDebug } = start;
    this.#engine = engine;
    this.#now = { maxNackQueue, noMediaTimeout, slowLinkThreshold };
    this.iceDebug = iceDebug;
  }

  get maxNackQueue(): number {
    return this.#now.maxNackQueue;
  }
  set maxNackQueue(milliseconds: number) {
    this.#tune({ maxNackQueue: milliseconds });
  }

  get noMediaTimeout(): number {
    return this.#now.noMediaTimeout;
  }
  set noMediaTimeout(milliseconds: number) {
    this.#tune({ noMediaTimeout: milliseconds });
  }

  get slowLinkThreshold(): number {
    return this.#now.slowLinkThreshold;
  }
  set slowLinkThreshold(packets: number) {
    this.#tune({ slowLinkThreshold: packets });
  }

  get iceDebug(): boolean {
    return this.#iceDebug;
  }
  set iceDebug(on: boolean) {
    if (on !== this.#iceDebug) this.#engine.setIceDebug(on);
    this.#iceDebug = on;
  }

  #tune(change: Partial<Omit<MediaTuning, 'iceDebug'>>): void {
    this.#engine.tune({ ...this.#now, ...change });
    Object.assign(this.#now, change);
  }
}
