import type { NativePeer } from '../native/types.js';

// Candidates that came before the description they belong to; browsers have 1 to 20.
const MAX_EARLY = 256;

/**
 * The other side's candidates: they may come before the description that they
 * belong to, and wait for it here.
 */
export class RemoteCandidates {
  readonly #native: NativePeer;
  #early: string[] = [];
  #earlyEnd = false;
  #isOpen = false;

  constructor(native: NativePeer) {
    this.#native = native;
  }

  /** What cannot be used is ignored, as ICE has it (RFC 8838 section 11). */
  add(candidate: string): void {
    const text = candidate.trim().replace(/^a=/, '');
    if (text === '') {
      this.end();
      return;
    }
    // Firefox also offers component 2 until it knows of rtcp-mux.
    if (!/^candidate:\S+ 1 /.test(text) || text.length > 1024) return;
    if (this.#isOpen) this.#native.addCandidate(text);
    else if (this.#early.length < MAX_EARLY) this.#early.push(text);
  }

  end(): void {
    if (this.#isOpen) this.#native.endOfCandidates();
    else this.#earlyEnd = true;
  }

  /** Another generation of credentials begins (RFC 8445 section 9). */
  hold(): void {
    this.#isOpen = false;
  }

  /** The description is there. */
  open({ candidates, endOfCandidates }: { candidates: readonly string[]; endOfCandidates: boolean }): void {
    for (const candidate of [...candidates, ...this.#early]) this.#native.addCandidate(candidate);
    if (endOfCandidates || this.#earlyEnd) this.#native.endOfCandidates();
    this.#isOpen = true;
    this.#early = [];
    this.#earlyEnd = false;
  }
}
