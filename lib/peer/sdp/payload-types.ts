import { ResourceError } from '../../errors.js';
import { rtpmapOf, type Codec } from '../codecs/index.js';
import type { OfferMedia } from './offer.js';

/** Numbers for one m-line. */
export interface PayloadTypes {
  payloadType: number;
  rtxPayloadType: number | undefined;
}

// 96 to 127 are dynamic (RFC 3551 section 6), 35 to 63 may help out. 64 to 95 look like
// RTCP beside rtcp-mux (RFC 5761 section 4): browsers refuse the whole offer. 0 to 34 have
// fixed meanings: Chromium 156 refuses an m-line that gives one of them another.
const DYNAMIC = [...range(96, 127), ...range(35, 63)];

/** Whether browsers take a codec under that number. */
export function isUsablePayloadType(payloadType: number, codec: Codec): boolean {
  return DYNAMIC.includes(payloadType) || (payloadType === codec.payloadType && payloadType < 35);
}

/**
 * Chooses payload types for all m-lines. In a BUNDLE group one number means one
 * codec with one fmtp (RFC 9143 section 9.1): a line that wants a number which
 * already means something else gets a free one, and rtx gets the first free
 * number above its codec.
 *
 * @param fixed - what lines got in an earlier description, and keep
 */
export function assignPayloadTypes(
  media: readonly OfferMedia[],
  fixed: readonly (PayloadTypes | undefined)[] = [],
): PayloadTypes[] {
  const meaning = new Map<number, string>();
  const rtxOf = new Map<number, number>();
  const note = (line: OfferMedia, { payloadType, rtxPayloadType }: PayloadTypes): void => {
    meaning.set(payloadType, meaningOf(line));
    if (rtxPayloadType === undefined) return;
    meaning.set(rtxPayloadType, `rtx apt=${String(payloadType)}`);
    rtxOf.set(payloadType, rtxPayloadType);
  };
  media.forEach((line, index) => {
    const earlier = fixed[index];
    if (earlier) note(line, earlier);
  });
  // What somebody asked for by number goes before what we may choose.
  const wanted = new Set(media.map((line) => wantedPayloadType(line)));
  const free = (from: number): number | undefined => {
    const order = [...range(Math.max(from, 96), 127), ...DYNAMIC];
    return (
      order.find((candidate) => !meaning.has(candidate) && !wanted.has(candidate)) ??
      order.find((candidate) => !meaning.has(candidate))
    );
  };
  return media.map((line, index) => {
    const earlier = fixed[index];
    if (earlier) return earlier;
    const text = meaningOf(line);
    let payloadType: number | undefined = wantedPayloadType(line);
    if ((meaning.get(payloadType) ?? text) !== text) {
      payloadType = [...meaning].find(([, other]) => other === text)?.[0] ?? free(96);
      if (payloadType === undefined) throw new ResourceError('HG_ERR_LIMIT', { what: 'an offer', limit: '64 codecs' });
    }
    meaning.set(payloadType, text);
    const rtxPayloadType = (line.rtx ?? line.codec.rtx) ? (rtxOf.get(payloadType) ?? free(payloadType + 1)) : undefined;
    const chosen = { payloadType, rtxPayloadType };
    note(line, chosen);
    return chosen;
  });
}

/** Two lines may share a number if this is the same for both. */
function meaningOf(line: OfferMedia): string {
  return `${rtpmapOf(line.codec)} ${line.fmtp ?? ''}`;
}

function wantedPayloadType(line: OfferMedia): number {
  return line.payloadType ?? line.codec.payloadType;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
