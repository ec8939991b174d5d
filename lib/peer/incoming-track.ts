import { Emitter } from '../events.js';
import type { NativeEvent, NativePeer, NativeSource, NativeSourceStats } from '../native/types.js';
import type { Codec } from './codecs/index.js';
import type { AgreedMedia } from './sdp/agreed.js';

export interface IncomingTrackEvents {
  /** Packets come (again). */
  live: [];
  /** Packets came, and no more. */
  stalled: [{ seconds: number }];
  /** The other side took its track back, or is gone. */
  close: [];
}

/** One of the streams of a track: the only one, or one of a simulcast. */
export interface IncomingEncodingStats extends NativeSourceStats {
  rid?: string;
}

interface Encoding {
  readonly rid: string | undefined;
  readonly ssrc: number | undefined;
  readonly rtxSsrc: number | undefined;
  readonly native: NativeSource;
  receiving: boolean;
}

/**
 * One m-line of a peer that receives. It is a source: link it to whatever shall
 * get its packets.
 */
export class IncomingTrack extends Emitter<IncomingTrackEvents> {
  readonly mid: string;
  readonly codec: Codec;
  #agreed: AgreedMedia;
  readonly #encodings: readonly Encoding[];
  #closed = false;

  /** @param ridOrder - of the rids in the SDP: from high to low quality, or the other way round */
  constructor(mid: string, agreed: AgreedMedia, native: NativePeer, ridOrder: 'hml' | 'lmh') {
    super();
    this.mid = mid;
    this.codec = agreed.codec;
    this.#agreed = agreed;
    const { kind, encodingName, clockRate } = this.codec;
    const encodings = agreed.encodings.map((encoding) => ({
      ...encoding,
      native: native.createSource({ kind, codec: encodingName.toLowerCase(), clockRate }),
      receiving: false,
    }));
    // SSRC groups name the lowest quality first.
    const isHighFirst = ridOrder === 'hml' && encodings.some(({ rid }) => rid !== undefined);
    this.#encodings = isHighFirst ? encodings.reverse() : encodings;
  }

  get kind(): 'audio' | 'video' {
    return this.codec.kind;
  }

  get title(): string {
    return `the incoming track ${this.mid}`;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Packets of one of its encodings come. */
  get receiving(): boolean {
    return this.#encodings.some(({ receiving }) => receiving);
  }

  /** The lowest quality first. @internal */
  get encodings(): readonly NativeSource[] {
    return this.#encodings.map(({ native }) => native);
  }

  /** How it was negotiated last. */
  get negotiated(): AgreedMedia {
    return this.#agreed;
  }

  /** Asks for a keyframe (PLI or FIR) of each encoding. Requests are merged; there is no answer. */
  requestKeyframe(): void {
    if (this.#closed) return;
    for (const { native } of this.#encodings) native.requestKeyframe();
  }

  /** Of each encoding, the lowest quality first; empty once the track is closed. */
  stats(): IncomingEncodingStats[] {
    if (this.#closed) return [];
    return this.#encodings.map(({ rid, native }) => ({ ...(rid === undefined ? {} : { rid }), ...native.stats() }));
  }

  /** Whether another negotiation left the streams what they were. @internal */
  isStill({ codec, encodings }: AgreedMedia): boolean {
    const text = (list: readonly { rid: string | undefined }[]): string =>
      list
        .map(({ rid }) => rid ?? '')
        .sort()
        .join();
    return codec === this.codec && (encodings.length === 0 || text(encodings) === text(this.#encodings));
  }

  /** @internal */
  renegotiate(agreed: AgreedMedia): void {
    this.#agreed = agreed;
  }

  /** What the native side must know of it. @internal */
  describe(): Parameters<NativePeer['setIncoming']>[0]['tracks'][number] {
    const { received, feedback, encodings } = this.#agreed;
    const { payloadType, rtxPayloadType } = received;
    return {
      mid: this.mid,
      payloadTypes: [payloadType],
      ...(rtxPayloadType === undefined ? {} : { rtxPayloadType }),
      nack: feedback.includes('nack'),
      pli: feedback.includes('nack pli'),
      fir: feedback.includes('ccm fir'),
      encodings: this.#encodings.map(({ rid, native, ...before }, index) => {
        // The SSRC may be another than before.
        const now = rid === undefined ? encodings[index] : encodings.find((one) => one.rid === rid);
        const { ssrc = 0, rtxSsrc = 0 } = now ?? before;
        return { rid: rid ?? '', ssrc, rtxSsrc, source: native };
      }),
    };
  }

  /** @internal */
  handleNativeEvent(event: Extract<NativeEvent, { source: number }>): void {
    const encoding = this.#encodings.find(({ native }) => native.id === event.source);
    if (encoding === undefined || event.type !== 'source-receiving' || this.#closed) return;
    const before = this.receiving;
    encoding.receiving = event.receiving;
    if (this.receiving === before) return;
    if (this.receiving) this.emit('live');
    else this.emit('stalled', { seconds: Math.max(1, Math.round(encoding.native.stats().age / 1000)) });
  }

  /** The peer is gone, or sends it no more. @internal */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.emit('close');
    for (const { native } of this.#encodings) native.close();
  }
}
