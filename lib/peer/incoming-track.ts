import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { NativeEvent, NativePeer, NativeSource, NativeSourceStats } from '../native/types.js';
import { option, readOptions } from '../options.js';
import type { Codec } from './codecs/index.js';
import type { AgreedMedia } from './sdp/agreed.js';

export interface IncomingTrackEvents {
  /** Packets come (again). */
  live: [];
  /** Packets came, and no more. */
  stalled: [{ seconds: number }];
  /**
   * Packets of one of its encodings come, or came until `seconds` ago. `substream`: which of a simulcast, 0 is the
   * lowest quality; left out if there is only one.
   */
  encoding: [{ substream?: number; receiving: boolean; seconds?: number }];
  /** Somebody began or ended to talk, see {@link IncomingTrack.detectTalking}; `level`: the average, -dBov. */
  talking: [{ talking: boolean; level: number }];
  /** The other side took its track back, or is gone. */
  close: [];
}

/** One of the streams of a track: the only one, or one of a simulcast. */
export interface IncomingEncodingStats extends NativeSourceStats {
  rid?: string;
}

const TALKING = {
  packets: option.integer({ min: 1, max: 10_000, default: 100 }),
  level: option.integer({ min: 0, max: 127, default: 25 }),
};

interface Encoding {
  readonly rid: string | undefined;
  readonly ssrc: number | undefined;
  readonly rtxSsrc: number | undefined;
  readonly native: NativeSource;
  receiving: boolean;
}

/** When somebody counts as talking. */
export interface TalkingOptions {
  /** How many packets the average is of. Default 100, two seconds. */
  packets?: number | undefined;
  /** A lower average is talking, -dBov: 0 is the loudest, 127 silence. Default 25. */
  level?: number | undefined;
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

  /**
   * Tells by `talking` events from now on when somebody begins or ends to talk,
   * by the audio levels in the packets (RFC 6464), which the other side must
   * have agreed to send (`audio-level`). null: no more of them.
   *
   * @throws {@link UsageError} `HG_ERR_OPTION`; `HG_ERR_CLOSED`; `HG_ERR_STATE` if no levels were negotiated
   * @example
   * peer.on('track', (track) => {
   *   if (track.kind === 'audio') track.detectTalking({ packets: 50 });
   *   track.on('talking', ({ talking, level }) => console.log(talking, level));
   * });
   */
  detectTalking(options: TalkingOptions | null = {}): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: this.title });
    if (options !== null && this.#agreed.extensions['audio-level'] === undefined) {
      throw new UsageError('HG_ERR_STATE', { what: this.title, reason: 'audio-level was not negotiated for it' });
    }
    const limits = options === null ? null : readOptions('detectTalking', options, TALKING);
    for (const { native } of this.#encodings) native.detectTalking(limits);
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
    const { received, redPayloadType, feedback, encodings } = this.#agreed;
    const { payloadType, rtxPayloadType } = received;
    return {
      mid: this.mid,
      payloadTypes: redPayloadType === undefined ? [payloadType] : [payloadType, redPayloadType],
      ...(rtxPayloadType === undefined ? {} : { rtxPayloadType }),
      ...(redPayloadType === undefined ? {} : { redPayloadType }),
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
    if (encoding === undefined || this.#closed) return;
    if (event.type === 'source-talking') {
      const { talking, level } = event;
      this.emit('talking', { talking, level });
    }
    if (event.type !== 'source-receiving') return;
    const { receiving } = event;
    const before = this.receiving;
    encoding.receiving = receiving;
    const substream = this.#encodings.length > 1 ? { substream: this.#encodings.indexOf(encoding) } : {};
    if (receiving) {
      this.emit('encoding', { ...substream, receiving });
      if (!before) this.emit('live');
      return;
    }
    const seconds = Math.max(1, Math.round(encoding.native.stats().age / 1000));
    this.emit('encoding', { ...substream, receiving, seconds });
    if (before && !this.receiving) this.emit('stalled', { seconds });
  }

  /** The peer is gone, or sends it no more. @internal */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.emit('close');
    for (const { native } of this.#encodings) native.close();
  }
}
