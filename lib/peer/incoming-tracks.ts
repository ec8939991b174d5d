import type { NativePeer } from '../native/types.js';
import { IncomingTrack } from './incoming-track.js';
import type { AgreedLine } from './sdp/agreed.js';
import { passedExtensions, type ExtensionName } from './sdp/extensions.js';

/** The m-lines of a peer that receive, through all its negotiations. */
export class IncomingTracks implements Iterable<IncomingTrack> {
  readonly #native: NativePeer;
  readonly #tracks = new Map<string, IncomingTrack>();

  constructor(native: NativePeer) {
    this.#native = native;
  }

  [Symbol.iterator](): Iterator<IncomingTrack> {
    return this.#tracks.values();
  }

  get(mid: string): IncomingTrack | undefined {
    return this.#tracks.get(mid);
  }

  /**
   * What was agreed: tracks that go on stay, so do those that are only held;
   * those of m-lines that are rejected or gone end. Returns the new ones.
   */
  negotiate(media: readonly AgreedLine[], ridOrder: 'hml' | 'lmh'): IncomingTrack[] {
    const added: IncomingTrack[] = [];
    const ended: IncomingTrack[] = [];
    const mids = new Set(media.map(({ mid }) => mid));
    for (const [mid, track] of this.#tracks) {
      if (mids.has(mid)) continue;
      this.#tracks.delete(mid);
      ended.push(track);
    }
    for (const { mid, agreed } of media) {
      const known = this.#tracks.get(mid);
      if (known !== undefined && agreed !== undefined && known.isStill(agreed)) {
        known.renegotiate(agreed);
        continue;
      }
      if (known !== undefined) {
        this.#tracks.delete(mid);
        ended.push(known);
      }
      if (agreed === undefined || agreed.encodings.length === 0) continue;
      const track = new IncomingTrack(mid, agreed, this.#native, ridOrder);
      this.#tracks.set(mid, track);
      added.push(track);
    }
    if (this.#tracks.size > 0 || ended.length > 0) this.#apply();
    for (const track of ended) track.end();
    return added;
  }

  end(): void {
    for (const track of this.#tracks.values()) track.end();
    this.#tracks.clear();
  }

  #apply(): void {
    const tracks = [...this.#tracks.values()];
    // One transport: an extension has the same id on all its lines (RFC 9143 section 9.2).
    const id = (name: ExtensionName): number =>
      tracks.map(({ negotiated }) => negotiated.extensions[name]).find((one) => one !== undefined) ?? 0;
    this.#native.setIncoming({
      tracks: tracks.map((track) => track.describe()),
      extensions: {
        mid: id('mid'),
        rid: id('rid'),
        repairedRid: id('repaired-rid'),
        transportWideCc: id('transport-wide-cc'),
        ...passedExtensions(id),
      },
    });
  }
}
