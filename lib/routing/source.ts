import type { NativeSource } from '../native/types.js';
import type { Codec } from '../peer/codecs/index.js';

/**
 * Where one track comes from: a UDP port, an incoming track of a peer. Its
 * packets never enter JavaScript: {@link link} says where they go. It has one
 * encoding or, in simulcast, up to three of the same picture.
 *
 * @example
 * const [{ source: camera }] = mountpoint.media;
 * camera.on('live', () => camera.requestKeyframe());
 */
export interface Source {
  readonly kind: 'audio' | 'video';
  readonly codec: Codec;
  readonly closed: boolean;
  /** Names it in errors: `the source on port 5004`. */
  readonly title: string;
  /** The lowest quality first. @internal */
  readonly encodings: readonly NativeSource[];
  /** Asks the sender for a keyframe (PLI, RFC 4585 section 6.3.1). Requests are merged; there is no answer. */
  requestKeyframe(): void;
  once(name: 'close', listener: () => void): unknown;
  off(name: 'close', listener: () => void): unknown;
}
