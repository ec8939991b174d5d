import type { MediaDescription } from 'sdp-transform';

/** One of the streams that an m-line of the other side sends. What is not said is undefined. */
export interface RemoteEncoding {
  /** RFC 8851; travels in the packets. */
  rid: string | undefined;
  ssrc: number | undefined;
  /** Of its retransmission stream (RFC 4588). */
  rtxSsrc: number | undefined;
}

/** Browsers send three; a stranger could name thousands. */
export const MAX_ENCODINGS = 3;

// RFC 8851 section 10, and what fits a header extension of one byte.
const RID = /^[A-Za-z0-9_-]{1,16}$/;

/**
 * What an m-line announces to send, in its order: simulcast by rid (RFC 8853, or
 * the older form of its drafts), simulcast by `ssrc-group:SIM`, or one stream.
 * Never empty.
 */
export function readEncodings(media: MediaDescription): RemoteEncoding[] {
  const rids = sentRids(media);
  if (rids.length > 0) return rids.map((rid) => ({ rid, ssrc: undefined, rtxSsrc: undefined }));
  const [ssrcs = [], ...others] = groups(media, 'SIM').filter((group) => group.length > 0);
  const first = media.ssrcs?.map(({ id }) => Number(id)).find(isSsrc);
  const wanted = ssrcs.length > 0 && others.length === 0 ? ssrcs.slice(0, MAX_ENCODINGS) : [first];
  const repairs = groups(media, 'FID');
  return wanted.map((ssrc) => ({
    rid: undefined,
    ssrc,
    rtxSsrc: ssrc === undefined ? undefined : repairs.find(([repaired]) => repaired === ssrc)?.[1],
  }));
}

function sentRids(media: MediaDescription): string[] {
  const declared = new Set(media.rids?.filter(({ direction }) => direction === 'send').map(({ id }) => String(id)));
  const listed = sentList(media)
    .split(';')
    // Of alternatives the first; `~` is one that is paused at first.
    .map((alternatives) => alternatives.split(',')[0]?.replace(/^~/, '').trim() ?? '');
  const rids = listed.filter((rid) => RID.test(rid) && declared.has(rid));
  return [...new Set(rids)].slice(0, MAX_ENCODINGS);
}

/** `h;m;l` of `a=simulcast:send h;m;l` or `a=simulcast: send rid=h;m;l`. */
function sentList({ simulcast, simulcast_03: older }: MediaDescription): string {
  // A list of the one rid `1` is a number to sdp-transform.
  if (simulcast?.dir1 === 'send') return String(simulcast.list1);
  if (simulcast?.dir2 === 'send') return String(simulcast.list2 ?? '');
  return /\bsend\s+(?:rid=)?(\S+)/.exec(older?.value ?? '')?.[1] ?? '';
}

function groups(media: MediaDescription, semantics: string): number[][] {
  return (media.ssrcGroups ?? [])
    .filter((group) => group.semantics === semantics)
    .map(({ ssrcs }) => String(ssrcs).split(' ').map(Number).filter(isSsrc));
}

function isSsrc(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number <= 0xffffffff;
}
