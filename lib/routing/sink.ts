import type { NativeSource } from '../native/types.js';
import type { Source } from './source.js';

/**
 * Where one track goes. A peer's outgoing track is one; so are forwarders,
 * recorders and taps. A sink takes one source at a time.
 */
export interface Sink {
  readonly kind: 'audio' | 'video';
  readonly closed: boolean;
  /** Why it cannot take this source; undefined: it can. Absent: it takes every one of its kind. */
  refuses?(source: Source): string | undefined;
  /** What goes out from now on; null: nothing. @internal */
  attach(encodings: readonly NativeSource[] | null): void;
  /** While paused nothing goes out; afterwards a keyframe is asked for. */
  setPaused(paused: boolean): void;
  once(name: 'close', listener: () => void): unknown;
  off(name: 'close', listener: () => void): unknown;
}
