import type { NativeSource } from '../native/types.js';

/**
 * Where one track goes. A peer's outgoing track is one; so are forwarders,
 * recorders and taps. A sink takes one source at a time.
 */
export interface Sink {
  readonly kind: 'audio' | 'video';
  readonly closed: boolean;
  /** What goes out from now on; null: nothing. @internal */
  attach(encodings: readonly NativeSource[] | null): void;
  /** While paused nothing goes out; afterwards a keyframe is asked for. */
  setPaused(paused: boolean): void;
  once(name: 'close', listener: () => void): unknown;
  off(name: 'close', listener: () => void): unknown;
}
