/**
 * The codecs this library can negotiate: one line each. (Keyframes and layers
 * are found in the packets by the native counterpart, `native/rtp/codec`.)
 */
import { av1 } from './av1.js';
import type { Codec } from './codec.js';
import { g722 } from './g722.js';
import { h264 } from './h264.js';
import { h265 } from './h265.js';
import { isac16, isac32 } from './isac.js';
import { l16, l16At48 } from './l16.js';
import { multiopus, opus } from './opus.js';
import { pcma } from './pcma.js';
import { pcmu } from './pcmu.js';
import { vp8 } from './vp8.js';
import { vp9 } from './vp9.js';

export type { Codec, FmtpCheck } from './codec.js';
export { parseFmtp } from './codec.js';

/** In the order in which errors list them. */
export const CODECS: readonly Codec[] = [
  opus,
  multiopus,
  pcmu,
  pcma,
  g722,
  l16,
  l16At48,
  isac16,
  isac32,
  vp8,
  vp9,
  h264,
  h265,
  av1,
];

const byName = new Map(CODECS.map((codec) => [codec.name, codec]));

/** The codec of that name, whatever its case. */
export function findCodec(name: string): Codec | undefined {
  return byName.get(name.toLowerCase());
}

/** The codec an `a=rtpmap` value such as `VP8/90000` means. Channels are compared only where they are given. */
export function findCodecByRtpmap(rtpmap: string): Codec | undefined {
  const [encodingName = '', clockRate = '', channels] = rtpmap.trim().split('/');
  return CODECS.find(
    (codec) =>
      codec.encodingName.toLowerCase() === encodingName.toLowerCase() &&
      String(codec.clockRate) === clockRate &&
      (channels === undefined || String(codec.channels ?? 1) === channels),
  );
}

/** The value of the codec's `a=rtpmap`: `opus/48000/2`. */
export function rtpmapOf(codec: Codec): string {
  const channels = codec.channels === undefined ? '' : `/${String(codec.channels)}`;
  return `${codec.encodingName}/${String(codec.clockRate)}${channels}`;
}

/** Names of all codecs of a kind, for errors. */
export function codecNames(kind: Codec['kind']): string {
  return CODECS.filter((codec) => codec.kind === kind)
    .map((codec) => codec.name)
    .join(', ');
}
