import type { Candidate, TrickleRequest } from './jsep.js';
import { readCandidates } from './jsep.js';

/** Candidates that came before there was a peer that could take them. */
export class EarlyCandidates {
  /** That may wait; more are dropped. */
  static readonly MAX = 64;

  /** Those that found no room. */
  dropped = 0;
  readonly #timeout: number;
  #waiting: { candidate: Candidate; at: number }[] = [];

  /** @param timeout - how long each may wait, in milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Errors in them are silent: nobody is there to be asked. Returns how many were dropped. */
  keep(request: TrickleRequest, now: number): number {
    let candidates: Candidate[];
    try {
      candidates = readCandidates(request);
    } catch {
      return 0;
    }
    this.#waiting = this.#waiting.filter(({ at }) => now - at < this.#timeout);
    const room = EarlyCandidates.MAX - this.#waiting.length;
    this.#waiting.push(...candidates.slice(0, room).map((candidate) => ({ candidate, at: now })));
    const dropped = Math.max(0, candidates.length - room);
    this.dropped += dropped;
    return dropped;
  }

  /** Those whose time is not over; none is left. */
  take(now: number): Candidate[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.filter(({ at }) => now - at < this.#timeout).map(({ candidate }) => candidate);
  }

  clear(): void {
    this.#waiting = [];
  }
}
