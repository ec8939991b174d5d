import type { Codec } from '../codecs/index.js';
import type { RemoteEncoding } from './encodings.js';
import type { ExtensionName } from './extensions.js';
import type { PayloadTypes } from './payload-types.js';
import type { Direction } from './write.js';

/** What both sides have agreed on for one m-line, whoever offered it. */
export interface AgreedMedia {
  codec: Codec;
  fmtp: string | undefined;
  /** Ours. */
  direction: Direction;
  /** As the other side numbers it: what our packets carry. */
  sent: PayloadTypes;
  /** As we number it: what its packets carry. */
  received: PayloadTypes;
  /** RED (RFC 2198); undefined: not negotiated. */
  redPayloadType: number | undefined;
  /** Values of `a=rtcp-fb` that both have. */
  feedback: readonly string[];
  /** Ids of the extensions that both have. */
  extensions: Partial<Record<ExtensionName, number>>;
  /** Those of them that our packets may have. */
  sentExtensions: Partial<Record<ExtensionName, number>>;
  /** What will come; none if we do not receive. */
  encodings: readonly RemoteEncoding[];
}

/** An audio or video m-line after a negotiation. */
export interface AgreedLine {
  mid: string;
  /** Undefined: one of the two rejected it. */
  agreed: AgreedMedia | undefined;
}

/** Whether media goes that way, of the side whose direction it is. */
export function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/** What we do where they say `theirs` and we could do `ours` (RFC 3264 section 6.1). */
export function agreeDirection(ours: Direction, theirs: Direction): Direction {
  const both = [ours, OPPOSITE[theirs]];
  if (both.every(sends)) return both.every(receives) ? 'sendrecv' : 'sendonly';
  return both.every(receives) ? 'recvonly' : 'inactive';
}
