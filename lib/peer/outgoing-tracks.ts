import { randomInt } from 'node:crypto';
import type { NativePeer } from '../native/types.js';
import type { Codec } from './codecs/index.js';
import { OutgoingTrack } from './outgoing-track.js';
import type { AgreedLine } from './sdp/agreed.js';

/** The m-lines of a peer that send, through all its negotiations. */
export class OutgoingTracks implements Iterable<OutgoingTrack> {
  readonly #native: NativePeer;
  readonly #tracks = new Map<string, OutgoingTrack>();
  /** Native indices of tracks that ended. */
  readonly #free: number[] = [];

  constructor(native: NativePeer) {
    this.#native = native;
  }

  [Symbol.iterator](): Iterator<OutgoingTrack> {
    return this.#tracks.values();
  }

  get(mid: string): OutgoingTrack | undefined {
    return this.#tracks.get(mid);
  }

  /** The one with that number in native events. */
  at(index: number): OutgoingTrack | undefined {
    return [...this.#tracks.values()].find((track) => track.index === index);
  }

  /** The track for an m-line that is being described. Another codec makes it another track. */
  prepare(mid: string, codec: Codec): OutgoingTrack {
    const known = this.#tracks.get(mid);
    if (known?.codec === codec) return known;
    if (known !== undefined) this.#end(known);
    const track = new OutgoingTrack({ mid, codec, ssrc: this.#newSsrc(), rtxSsrc: this.#newSsrc() });
    this.#tracks.set(mid, track);
    return track;
  }

  /** What was agreed. Tracks whose m-lines are gone end; those that are rejected wait. */
  negotiate(media: readonly AgreedLine[]): void {
    const mids = new Set(media.map(({ mid }) => mid));
    for (const track of [...this.#tracks.values()]) if (!mids.has(track.mid)) this.#end(track);
    for (const { mid, agreed } of media) {
      this.#tracks.get(mid)?.negotiate(agreed, this.#native, () => this.#free.pop());
    }
  }

  /** The peer is gone. */
  end(): void {
    for (const track of this.#tracks.values()) track.end();
  }

  #end(track: OutgoingTrack): void {
    this.#tracks.delete(track.mid);
    if (track.index >= 0) {
      this.#native.link(track.index, []);
      this.#free.push(track.index);
    }
    track.end();
  }

  #newSsrc(): number {
    const taken = [...this.#tracks.values()].flatMap(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc]);
    for (;;) {
      const ssrc = randomInt(1, 2 ** 32);
      if (!taken.includes(ssrc)) return ssrc;
    }
  }
}
