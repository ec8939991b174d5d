import type { NativeEngine } from '../native/types.js';

/** What can be changed of media while it runs, for all peers and sources there are and come. */
export interface MediaTuning {
  /** How old a packet may be that is sent again, milliseconds; 0: none is. */
  maxNackQueue: number;
  /** Silence after which a source is `stalled`, milliseconds; 0: never. */
  noMediaTimeout: number;
  /** Packets of a track lost in a second, either way, that make a `slowlink` event; 0: none. */
  slowLinkThreshold: number;
}

/** That of an engine. Changes take effect within a second. */
export class EngineTuning implements MediaTuning {
  readonly #engine: NativeEngine;
  readonly #now: MediaTuning;

  /** @param start - what the engine was made with */
  constructor(engine: NativeEngine, start: MediaTuning) {
    const { maxNackQueue, noMediaTimeout, slowLinkThreshold } = start;
    this.#engine = engine;
    this.#now = { maxNackQueue, noMediaTimeout, slowLinkThreshold };
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

  #tune(change: Partial<MediaTuning>): void {
    this.#engine.tune({ ...this.#now, ...change });
    Object.assign(this.#now, change);
  }
}
