import { Emitter } from '../events.js';
import type { NativeOutgoingTrack, NativeOutgoingTrackStats, NativePeer, NativeSource } from '../native/types.js';
import type { Codec } from './codecs/index.js';
import { sends, type AgreedMedia } from './sdp/agreed.js';
import { passedExtensions } from './sdp/extensions.js';

export interface OutgoingTrackStats extends NativeOutgoingTrackStats {
  kind: 'audio' | 'video';
  codec: string;
  payloadType: number;
  paused: boolean;
}

/** What of a source with several encodings, or with layers, is sent. */
export interface Layers {
  /** Of simulcast (RFC 8853); 0 is the lowest quality. */
  substream: number;
  /** Of scalable coding (VP9, AV1); 0 is the lowest quality. */
  spatial: number;
  /** 0 is the lowest frame rate. */
  temporal: number;
}

/** What of it shall be sent. */
export interface LayerTarget extends Layers {
  /** An encoding that was silent for this long is left for a lower one, milliseconds. */
  fallback: number;
}

export interface OutgoingTrackEvents {
  /** Another encoding is sent from now on, or up to another layer. Told where there are encodings to choose from, or after `setLayers()`. */
  layers: [layers: Layers];
  close: [];
}

/** The highest there are. */
const ALL_LAYERS: LayerTarget = { substream: 2, spatial: 2, temporal: 2, fallback: 250 };

/**
 * One m-line of a peer that sends. Sources are linked to it at any time: what
 * it shall send is remembered until the answer says how.
 */
export class OutgoingTrack extends Emitter<OutgoingTrackEvents> {
  readonly mid: string;
  readonly codec: Codec;
  readonly ssrc: number;
  readonly rtxSsrc: number;
  #native: NativePeer | null = null;
  #index = -1;
  /** Null: not yet, or rejected. */
  #agreed: AgreedMedia | null = null;
  #encodings: readonly NativeSource[] = [];
  #layerTarget = ALL_LAYERS;
  #paused = false;
  #closed = false;

  constructor({ mid, codec, ssrc, rtxSsrc }: { mid: string; codec: Codec; ssrc: number; rtxSsrc: number }) {
    super();
    this.mid = mid;
    this.codec = codec;
    this.ssrc = ssrc;
    this.rtxSsrc = rtxSsrc;
  }

  get kind(): 'audio' | 'video' {
    return this.codec.kind;
  }

  /** Its number in native events and statistics; -1 before the answer and if it was rejected. */
  get index(): number {
    return this.#index;
  }

  /** The other side wants it. False before its answer. */
  get accepted(): boolean {
    return this.#agreed !== null && sends(this.#agreed.direction);
  }

  /** How it was negotiated last; undefined before, and if it was rejected. */
  get negotiated(): AgreedMedia | undefined {
    return this.#agreed ?? undefined;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What it sends from now on; null: nothing. @internal */
  attach(encodings: readonly NativeSource[] | null): void {
    this.#encodings = encodings ?? [];
    if (this.#index >= 0 && !this.#closed) this.#native?.link(this.#index, this.#encodings);
  }

  /** By default the highest there are. */
  get layerTarget(): LayerTarget {
    return this.#layerTarget;
  }

  /**
   * What shall be sent of its source, if it has that much; what is not given
   * stays as it was. `layers` events tell what is.
   *
   * Temporal layers change at once; to a higher `substream` or `spatial` layer
   * it takes a keyframe, which is asked for.
   *
   * @example
   * peer.track('v')?.setLayers({ spatial: 0, temporal: 1 });
   */
  setLayers(target: Partial<LayerTarget>): void {
    this.#layerTarget = { ...this.#layerTarget, ...target };
    if (this.#index >= 0 && !this.#closed) this.#native?.setLayers(this.#index, this.#layerTarget);
  }

  /** While paused nothing is sent; afterwards a keyframe is asked for. */
  setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#apply();
  }

  /**
   * Both sides agree about its m-line; undefined: one rejected it.
   *
   * @param freeIndex - a number that no other track has any more
   * @internal
   */
  negotiate(agreed: AgreedMedia | undefined, native: NativePeer, freeIndex: () => number | undefined): void {
    const before = this.#agreed;
    this.#agreed = agreed ?? null;
    this.#native = native;
    if (this.#index >= 0) {
      if (agreed !== undefined && before !== null && !isSame(before, agreed)) {
        native.setTrack(this.#index, this.#describeAs(agreed));
      }
      this.#apply();
      return;
    }
    if (agreed === undefined || !this.accepted) return;
    const described = this.#describeAs(agreed);
    const free = freeIndex();
    if (free === undefined) {
      this.#index = native.addTrack(described);
    } else {
      native.setTrack(free, described);
      this.#index = free;
    }
    if (this.#paused) this.#apply();
    if (this.#layerTarget !== ALL_LAYERS) native.setLayers(this.#index, this.#layerTarget);
    if (this.#encodings.length > 0) native.link(this.#index, this.#encodings);
  }

  #describeAs({ sent, redPayloadType, feedback, sentExtensions: extensions }: AgreedMedia): NativeOutgoingTrack {
    const { payloadType, rtxPayloadType } = sent;
    return {
      mid: this.mid,
      kind: this.kind,
      ssrc: this.ssrc,
      payloadType,
      clockRate: this.codec.clockRate,
      rtxSsrc: rtxPayloadType === undefined ? 0 : this.rtxSsrc,
      rtxPayloadType: rtxPayloadType ?? 0,
      ...(redPayloadType === undefined ? {} : { redPayloadType }),
      nack: feedback.includes('nack'),
      extensions: {
        mid: extensions.mid ?? 0,
        absSendTime: extensions['abs-send-time'] ?? 0,
        transportWideCc: extensions['transport-wide-cc'] ?? 0,
        ...passedExtensions((name) => extensions[name]),
      },
    };
  }

  /** The peer is gone, or its m-line serves another. @internal */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#encodings = [];
    this.emit('close');
  }

  /** @internal */
  describe(native: NativeOutgoingTrackStats): OutgoingTrackStats {
    return {
      ...native,
      kind: this.kind,
      codec: this.codec.name,
      payloadType: this.#agreed?.sent.payloadType ?? 0,
      paused: this.#paused,
    };
  }

  /** A line that the other side set inactive is paused, whatever we want. */
  #apply(): void {
    if (this.#index < 0 || this.#closed) return;
    this.#native?.setPaused(this.#index, this.#paused || !this.accepted);
  }
}

/** Whether packets are written the same way. */
function isSame(a: AgreedMedia, b: AgreedMedia): boolean {
  const wire = ({ sent, redPayloadType, sentExtensions, feedback }: AgreedMedia): unknown[] => [
    sent.payloadType,
    sent.rtxPayloadType,
    redPayloadType,
    ...Object.entries(sentExtensions).sort(([one], [other]) => one.localeCompare(other)),
    feedback.includes('nack'),
  ];
  return JSON.stringify(wire(a)) === JSON.stringify(wire(b));
}
