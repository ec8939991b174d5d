import { VIDEO_FEEDBACK } from '../codecs/codec.js';
import { findCodec, findCodecByRtpmap, rtpmapOf, type Codec } from '../codecs/index.js';
import { agreeDirection, receives, type AgreedLine, type AgreedMedia } from './agreed.js';
import type { RemoteData } from './data.js';
import type { ExtensionName } from './extensions.js';
import { findRed, findRtx, matchExtensions } from './match.js';
import { isData, type Ssrcs } from './offer.js';
import { unusable, type RemoteCodec, type RemoteDescription, type RemoteMedia } from './parse.js';
import { nameOf, readTransport, type RemoteTransport } from './transport.js';
import type { Direction, LocalLine } from './write.js';

/** What we would do with an m-line that is offered. */
export interface AnswerWish {
  /** Names of codecs, the one we like best first. Default: what the other side likes best. */
  codecs?: readonly string[] | undefined;
  /** Takes a codec with these parameters. Default: whatever they are. */
  accepts?: ((codec: RemoteCodec) => boolean) | undefined;
  /** What we could do. Default `sendrecv`. */
  direction?: Direction;
  /** Header extensions to agree to. Default `mid`, `rid` and `repaired-rid`. */
  extensions?: readonly ExtensionName[];
  /** Audio may come with copies of what was sent before (RED, RFC 2198), and goes back so. Default false. */
  red?: boolean;
  /** Several streams of one picture may come (RFC 8853). Default true. */
  simulcast?: boolean;
}

/** What became of one m-line of an offer. */
export interface AnsweredMedia extends AgreedLine {
  index: number;
  /** `audio`, `video`, or what else was offered. */
  type: string;
  /** UDP/TLS/RTP/SAVPF, as the other side spelled it. */
  protocol: string;
  formats: string;
  /** Data channels that we take. */
  data: RemoteData | undefined;
}

/** What an offer comes to; `dtlsRole` `client` makes an answer that says `active`. */
export interface AnsweredOffer extends RemoteTransport {
  media: AnsweredMedia[];
}

const FEEDBACK: Readonly<Record<Codec['kind'], readonly string[]>> = {
  audio: ['nack', 'transport-cc'],
  video: [...VIDEO_FEEDBACK, 'transport-cc'],
};

/**
 * Decides about an offer (RFC 9429 section 5.3.1, RFC 3264 section 6): one codec
 * for each m-line, and everything on one transport.
 *
 * @param wishFor - what we want with an audio or video m-line; undefined rejects it
 * @param wantsData - whether we take data channels: the first m-line of them, another is rejected
 * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP` with the reason
 */
export function answerOffer(
  offer: RemoteDescription,
  wishFor: (line: RemoteMedia) => AnswerWish | undefined,
  wantsData = false,
): AnsweredOffer {
  const mids = offer.media.map((line) => line.mid ?? String(line.index));
  const twice = mids.find((mid, index) => mids.indexOf(mid) !== index);
  if (twice !== undefined) throw unusable(`two m-lines have the mid ${twice.slice(0, 32)}`);
  const dataLine = wantsData ? offer.media.find((line) => line.data !== undefined && line.port !== 0) : undefined;
  const media = offer.media.map((line, index): AnsweredMedia => {
    const { type, protocol, formats } = line;
    const data = line === dataLine ? line.data : undefined;
    return { index, type, mid: mids[index] ?? '', protocol, formats, agreed: answerMedia(line, wishFor), data };
  });
  const accepted = offer.media.filter((line, index) => line === dataLine || media[index]?.agreed !== undefined);
  return { ...readTransport(offer, accepted, 'offer'), media };
}

/**
 * Whether an offer can follow what was agreed before: m-lines stay where they
 * are, only those that were rejected may become something else (RFC 3264
 * section 8).
 *
 * @param earlier - our m-lines of before
 * @param free - places of those that were rejected
 * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP`
 */
export function checkSequence(
  offer: RemoteDescription,
  earlier: readonly LocalLine[],
  free: ReadonlySet<number>,
): void {
  if (offer.media.length < earlier.length) {
    throw unusable(`it has ${String(offer.media.length)} m-lines, and there are ${String(earlier.length)} already`);
  }
  for (const [index, before] of earlier.entries()) {
    const now = offer.media[index];
    const isRejected = now?.port === 0 && !now.bundleOnly;
    if (now === undefined || free.has(index) || isRejected) continue;
    const type = isData(before) ? 'application' : 'kind' in before ? before.kind : before.type;
    if (now.type !== type) throw unusable(`${nameOf(now)} is of type ${now.type}, and was ${type} before`);
    if ((now.mid ?? String(index)) !== before.mid) {
      throw unusable(`${nameOf(now)} has another mid than before, ${before.mid}`);
    }
  }
}

/**
 * The m-lines of the answer, from what was decided.
 *
 * @param saysOf - what we say of an accepted line besides: our numbers, and the fmtp where it is not theirs
 */
export function answerLines(
  media: readonly AnsweredMedia[],
  saysOf: (line: AnsweredMedia) => Ssrcs & { fmtp?: string | undefined; msid?: string | undefined },
): LocalLine[] {
  return media.map((line) => {
    const { type, mid, protocol, formats, agreed, data } = line;
    if (data !== undefined) return { kind: 'data', mid, protocol };
    if (agreed === undefined) return { type, mid, protocol, formats };
    const { codec, received, redPayloadType, direction, feedback, extensions, encodings } = agreed;
    const { payloadType, rtxPayloadType } = received;
    const { ssrc, rtxSsrc, fmtp = agreed.fmtp, msid = `janus janus${mid}` } = saysOf(line);
    return {
      kind: codec.kind,
      mid,
      direction,
      payloadType,
      rtpmap: rtpmapOf(codec),
      fmtp,
      feedback,
      extensions,
      msid,
      ssrc,
      rtx: rtxPayloadType === undefined ? undefined : { payloadType: rtxPayloadType, ssrc: rtxSsrc },
      redPayloadType,
      protocol,
      receivedRids: encodings.flatMap(({ rid }) => (rid === undefined ? [] : [rid])),
    };
  });
}

function answerMedia(
  line: RemoteMedia,
  wishFor: (line: RemoteMedia) => AnswerWish | undefined,
): AgreedMedia | undefined {
  if ((line.type !== 'audio' && line.type !== 'video') || (line.port === 0 && !line.bundleOnly)) return undefined;
  const wish = wishFor(line);
  const chosen = wish === undefined ? undefined : choose(line, wish);
  if (wish === undefined || chosen === undefined) return undefined;
  const { codec, offered } = chosen;
  const direction = agreeDirection(wish.direction ?? 'sendrecv', line.direction);
  const { extensions = ['mid', 'rid', 'repaired-rid'] } = wish;
  const encodings = wish.simulcast === false ? line.encodings.slice(0, 1) : line.encodings;
  const numbers = {
    payloadType: offered.payloadType,
    rtxPayloadType: codec.kind === 'video' ? findRtx(offered, line.codecs) : undefined,
  };
  return {
    codec,
    sent: numbers,
    received: numbers,
    fmtp: offered.fmtp,
    redPayloadType: codec.kind === 'audio' && wish.red === true ? findRed(offered, line.codecs) : undefined,
    direction,
    feedback: FEEDBACK[codec.kind].filter((feedback) => offered.feedback.includes(feedback)),
    extensions: matchExtensions(extensions, line),
    sentExtensions: matchExtensions(extensions, line, true),
    encodings: receives(direction) ? encodings : [],
  };
}

/** The first codec that both have, by our preference or else by theirs. */
function choose(line: RemoteMedia, wish: AnswerWish): { codec: Codec; offered: RemoteCodec } | undefined {
  const known = line.codecs.flatMap((offered) => {
    const { encodingName, clockRate, channels } = offered;
    const codec = findCodecByRtpmap(`${encodingName}/${String(clockRate)}/${String(channels)}`);
    return codec?.kind === line.type && (wish.accepts?.(offered) ?? true) ? [{ codec, offered }] : [];
  });
  if (wish.codecs === undefined) return known[0];
  const liked = wish.codecs.map((name) => findCodec(name));
  return liked.flatMap((codec) => known.filter((one) => one.codec === codec))[0];
}
