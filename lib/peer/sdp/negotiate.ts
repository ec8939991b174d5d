import { ResourceError } from '../../errors.js';
import { rtpmapOf, type Codec } from '../codecs/index.js';
import type { LocalData, OfferData, RemoteData } from './data.js';
import { EXTENSIONS, type ExtensionName } from './extensions.js';
import { findRtx, matchExtensions } from './match.js';
import { unusable, type RemoteCodec, type RemoteDescription, type RemoteMedia } from './parse.js';
import { nameOf, readTransport, type RemoteTransport } from './transport.js';
import type { Direction, LocalDescription, LocalMedia } from './write.js';

/** An m-line that an offer of ours shall have. */
export interface OfferMedia {
  /** 1 to 16 characters of a token (RFC 8866): it travels in packets too. Unique in the offer. */
  mid: string;
  codec: Codec;
  /** What we will do. Default `sendonly`. */
  direction?: Direction;
  /** Default: the codec's. Another is taken where two m-lines would clash. */
  payloadType?: number | undefined;
  fmtp?: string | undefined;
  /** `<stream> <track>`. Default `janus janus<mid>`, what clients know. */
  msid?: string | undefined;
  /** Header extensions to offer. Default `mid`, and `abs-send-time` for video. */
  extensions?: readonly ExtensionName[];
  /** Offer a retransmission stream (RFC 4588). Default: if the codec says so. */
  rtx?: boolean;
}

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
 * @param fixed - what the first lines got in an earlier offer, and keep
 */
export function assignPayloadTypes(media: readonly OfferMedia[], fixed: readonly PayloadTypes[] = []): PayloadTypes[] {
  const meaning = new Map<number, string>();
  const rtxOf = new Map<number, number>();
  const note = (line: OfferMedia, { payloadType, rtxPayloadType }: PayloadTypes): void => {
    meaning.set(payloadType, meaningOf(line));
    if (rtxPayloadType === undefined) return;
    meaning.set(rtxPayloadType, `rtx apt=${String(payloadType)}`);
    rtxOf.set(payloadType, rtxPayloadType);
  };
  media.slice(0, fixed.length).forEach((line, index) => note(line, fixed[index] as PayloadTypes));
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

/** SSRCs of one m-line. */
export interface Ssrcs {
  ssrc: number;
  rtxSsrc: number;
}

/**
 * The m-lines of an offer, from what is wanted.
 *
 * @param earlier - the m-lines of the offer before: the first ones of this, too
 */
export function offerMedia(
  media: readonly (OfferMedia | OfferData)[],
  ssrcOf: (line: OfferMedia) => Ssrcs,
  earlier: readonly (LocalMedia | LocalData)[] = [],
): (LocalMedia | LocalData)[] {
  const numbers = assignPayloadTypes(
    media.filter((line): line is OfferMedia => !isData(line)),
    earlier
      .filter((line): line is LocalMedia => !isData(line))
      .map(({ payloadType, rtx }) => ({ payloadType, rtxPayloadType: rtx?.payloadType })),
  ).values();
  return media.map((line): LocalMedia | LocalData => {
    if (isData(line)) return { kind: 'data', mid: line.mid };
    const { payloadType = 0, rtxPayloadType } = numbers.next().value ?? {};
    const { ssrc, rtxSsrc } = ssrcOf(line);
    const extensions = line.extensions ?? defaultExtensions(line.codec.kind);
    return {
      kind: line.codec.kind,
      mid: line.mid,
      direction: line.direction ?? 'sendonly',
      payloadType,
      rtpmap: rtpmapOf(line.codec),
      fmtp: line.fmtp,
      feedback: [
        ...line.codec.feedback,
        // Reports about a sequence number that no packet carries would be empty.
        ...(extensions.includes('transport-wide-cc') ? ['transport-cc'] : []),
      ],
      extensions: Object.fromEntries(extensions.map((name) => [name, EXTENSIONS[name].id])),
      msid: line.msid ?? `janus janus${line.mid}`,
      ssrc,
      rtx: rtxPayloadType === undefined ? undefined : { payloadType: rtxPayloadType, ssrc: rtxSsrc },
    };
  });
}

/** Whether an m-line of ours is for data channels. */
export function isData<Data extends OfferData | LocalData>(line: OfferMedia | LocalMedia | Data): line is Data {
  return 'kind' in line && line.kind === 'data';
}

function defaultExtensions(kind: Codec['kind']): readonly ExtensionName[] {
  return kind === 'video' ? ['mid', 'abs-send-time'] : ['mid'];
}

/** What became of one m-line. */
export interface NegotiatedMedia {
  mid: string;
  kind: 'audio' | 'video';
  /** False: the other side rejected it; the rest says nothing then. */
  accepted: boolean;
  /** The other side wants what we send. */
  sending: boolean;
  /** As the other side numbers it: what our packets must carry. */
  payloadType: number;
  /** 0: it does not do RFC 4588. */
  rtxPayloadType: number;
  /** RED (RFC 2198); undefined: not negotiated. */
  redPayloadType?: number | undefined;
  /** It sends Generic NACKs (RFC 4585). */
  nack: boolean;
  /** Ids of the extensions that our packets may have; those missing were not negotiated. */
  extensions: Partial<Record<ExtensionName, number>>;
}

/** What an answer to an offer of ours comes to. */
export interface Negotiated extends RemoteTransport {
  media: NegotiatedMedia[];
  /** Data channels, if they were offered and taken. */
  data: RemoteData | undefined;
}

/**
 * Reads an answer against the offer it answers (RFC 9429 section 5.11,
 * RFC 3264 section 6). Both descriptions stay as they are.
 *
 * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP` with the reason
 */
export function negotiateAnswer(offer: LocalDescription, answer: RemoteDescription): Negotiated {
  if (answer.media.length !== offer.media.length) {
    throw unusable(`the offer has ${String(offer.media.length)} m-lines and the answer ${String(answer.media.length)}`);
  }
  const pairs = offer.media.map((ours, index) => [ours, answer.media[index] as RemoteMedia] as const);
  const media: NegotiatedMedia[] = [];
  const accepted: RemoteMedia[] = [];
  let data: RemoteData | undefined;
  for (const [ours, theirs] of pairs) {
    if (isData(ours)) {
      data = negotiateData(ours, theirs);
      if (data !== undefined) accepted.push(theirs);
    } else {
      const line = negotiateMedia(ours, theirs);
      media.push(line);
      if (line.accepted) accepted.push(theirs);
    }
  }
  if (accepted.length === 0) {
    const names = offer.media.map((line) => (isData(line) ? 'data channels' : line.rtpmap.split('/')[0]));
    throw unusable(`it rejects every m-line; offered were ${[...new Set(names)].join(', ')}`);
  }
  return { ...readTransport(answer, accepted, 'answer'), media, data };
}

function checkMid(ours: LocalMedia | LocalData, theirs: RemoteMedia): void {
  if (theirs.mid !== undefined && theirs.mid !== ours.mid) {
    throw unusable(`${nameOf(theirs)} has another mid than was offered, ${ours.mid}`);
  }
}

/** Undefined: rejected. */
function negotiateData(ours: LocalData, theirs: RemoteMedia): RemoteData | undefined {
  if (theirs.type !== 'application') {
    throw unusable(`${nameOf(theirs)} is of type ${theirs.type}, offered was application`);
  }
  checkMid(ours, theirs);
  if (theirs.port === 0) return undefined;
  if (theirs.data === undefined) throw unusable(`${nameOf(theirs)} is not one of data channels over DTLS and SCTP`);
  return theirs.data;
}

function negotiateMedia(ours: LocalMedia, theirs: RemoteMedia): NegotiatedMedia {
  if (theirs.type !== ours.kind) {
    throw unusable(`${nameOf(theirs)} is of type ${theirs.type}, offered was ${ours.kind}`);
  }
  checkMid(ours, theirs);
  const rejected: NegotiatedMedia = {
    mid: ours.mid,
    kind: ours.kind,
    accepted: false,
    sending: false,
    payloadType: 0,
    rtxPayloadType: 0,
    nack: false,
    extensions: {},
  };
  if (theirs.port === 0) return rejected;
  const codec = findOffered(ours, theirs.codecs);
  if (codec === undefined) throw unusable(`${nameOf(theirs)} has none of the offered codecs`);
  const receives = theirs.direction === 'recvonly' || theirs.direction === 'sendrecv';
  return {
    ...rejected,
    accepted: true,
    sending: receives && (ours.direction === 'sendonly' || ours.direction === 'sendrecv'),
    payloadType: codec.payloadType,
    rtxPayloadType: ours.rtx === undefined ? 0 : (findRtx(codec, theirs.codecs) ?? 0),
    nack: ours.feedback.includes('nack') && codec.feedback.includes('nack'),
    extensions: matchExtensions(Object.keys(ours.extensions) as ExtensionName[], theirs, true),
  };
}

/** RFC 3264 section 6.1: a codec is the same by its name, not by its number. */
function findOffered(ours: LocalMedia, codecs: readonly RemoteCodec[]): RemoteCodec | undefined {
  const [encodingName = '', clockRate, channels = '1'] = ours.rtpmap.split('/');
  const same = codecs.filter(
    (codec) =>
      codec.encodingName.toLowerCase() === encodingName.toLowerCase() &&
      String(codec.clockRate) === clockRate &&
      String(codec.channels) === channels,
  );
  return same.find((codec) => codec.payloadType === ours.payloadType) ?? same[0];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
