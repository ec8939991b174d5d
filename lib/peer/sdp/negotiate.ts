import { findCodecByRtpmap } from '../codecs/index.js';
import { agreeDirection, receives, type AgreedLine, type AgreedMedia } from './agreed.js';
import type { RemoteData } from './data.js';
import type { ExtensionName } from './extensions.js';
import { findRtx, matchExtensions } from './match.js';
import { isData } from './offer.js';
import { unusable, type RemoteCodec, type RemoteDescription, type RemoteMedia } from './parse.js';
import { nameOf, readTransport, type RemoteTransport } from './transport.js';
import type { LocalDescription, LocalLine, LocalMedia } from './write.js';

/** What an answer to an offer of ours comes to. */
export interface Negotiated extends RemoteTransport {
  /** The audio and video lines, but for those that were offered as stopped. */
  media: AgreedLine[];
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
  const media: AgreedLine[] = [];
  const accepted: RemoteMedia[] = [];
  let data: RemoteData | undefined;
  for (const [ours, theirs] of pairs) {
    checkLine(ours, theirs);
    if (isData(ours)) {
      data = negotiateData(theirs);
      if (data !== undefined) accepted.push(theirs);
    } else if ('kind' in ours) {
      const agreed = negotiateMedia(ours, theirs);
      media.push({ mid: ours.mid, agreed });
      if (agreed) accepted.push(theirs);
    } else if (theirs.port !== 0) {
      throw unusable(`${nameOf(theirs)} takes what was offered as stopped`);
    }
  }
  if (accepted.length === 0) {
    const names = offer.media.map((line) => (isData(line) ? 'data channels' : nameOfCodec(line)));
    throw unusable(`it rejects every m-line; offered were ${[...new Set(names)].join(', ')}`);
  }
  return { ...readTransport(answer, accepted, 'answer'), media, data };
}

function nameOfCodec(line: LocalLine): string | undefined {
  return 'rtpmap' in line ? line.rtpmap.split('/')[0] : 'nothing';
}

function checkLine(ours: LocalLine, theirs: RemoteMedia): void {
  const type = isData(ours) ? 'application' : 'kind' in ours ? ours.kind : ours.type;
  if (theirs.type !== type) throw unusable(`${nameOf(theirs)} is of type ${theirs.type}, offered was ${type}`);
  if (theirs.mid !== undefined && theirs.mid !== ours.mid) {
    throw unusable(`${nameOf(theirs)} has another mid than was offered, ${ours.mid}`);
  }
}

/** Undefined: rejected. */
function negotiateData(theirs: RemoteMedia): RemoteData | undefined {
  if (theirs.port === 0) return undefined;
  if (theirs.data === undefined) throw unusable(`${nameOf(theirs)} is not one of data channels over DTLS and SCTP`);
  return theirs.data;
}

/** Undefined: rejected. */
function negotiateMedia(ours: LocalMedia, theirs: RemoteMedia): AgreedMedia | undefined {
  if (theirs.port === 0) return undefined;
  const found = findOffered(ours, theirs.codecs);
  const codec = findCodecByRtpmap(ours.rtpmap);
  if (found === undefined || codec === undefined) throw unusable(`${nameOf(theirs)} has none of the offered codecs`);
  const direction = agreeDirection(ours.direction, theirs.direction);
  const names = Object.keys(ours.extensions) as ExtensionName[];
  return {
    codec,
    fmtp: found.fmtp,
    direction,
    sent: {
      payloadType: found.payloadType,
      rtxPayloadType: ours.rtx === undefined ? undefined : findRtx(found, theirs.codecs),
    },
    received: { payloadType: ours.payloadType, rtxPayloadType: ours.rtx?.payloadType },
    feedback: ours.feedback.filter((feedback) => found.feedback.includes(feedback)),
    redPayloadType: undefined,
    extensions: matchExtensions(names, theirs),
    sentExtensions: matchExtensions(names, theirs, true),
    encodings: receives(direction) ? theirs.encodings : [],
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
