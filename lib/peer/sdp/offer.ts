import { UsageError } from '../../errors.js';
import { rtpmapOf, type Codec } from '../codecs/index.js';
import { receives } from './agreed.js';
import type { LocalData, OfferData } from './data.js';
import { EXTENSIONS, type ExtensionName } from './extensions.js';
import { assignPayloadTypes, type PayloadTypes } from './payload-types.js';
import type { Direction, LocalLine, LocalMedia, RejectedMedia } from './write.js';

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

/** An m-line that ends (RFC 9429 section 5.2.2). Once that is answered, another may take its place. */
export interface OfferStopped {
  mid: string;
  stopped: true;
}

/** One m-line of an offer of ours. */
export type OfferLine = OfferMedia | OfferData | OfferStopped;

/** SSRCs of one m-line. */
export interface Ssrcs {
  ssrc: number;
  rtxSsrc: number;
}

// RFC 8285 section 4.2: what the one-byte form can say.
const MAX_EXTENSION_ID = 14;

/**
 * The m-lines of an offer, from what is wanted.
 *
 * @param earlier - the m-lines of the description before, whoever offered: what goes on keeps its numbers
 */
export function offerLines(
  wanted: readonly OfferLine[],
  ssrcOf: (line: OfferMedia) => Ssrcs,
  earlier: readonly LocalLine[] = [],
): LocalLine[] {
  const before = (index: number): LocalMedia | undefined => {
    const [line, known] = [wanted[index], earlier[index]];
    const isSame = line !== undefined && known !== undefined && known.mid === line.mid;
    if (!isSame || !isMedia(line) || !('kind' in known) || known.kind === 'data') return undefined;
    return known.rtpmap === rtpmapOf(line.codec) ? known : undefined;
  };
  const lines = wanted.map((line, index): OfferLine =>
    isMedia(line) ? { ...line, fmtp: line.fmtp ?? before(index)?.fmtp } : line,
  );
  const numbers = assignPayloadTypes(
    lines.filter(isMedia),
    lines.flatMap((line, index) => (isMedia(line) ? [numbersOf(before(index))] : [])),
  ).values();
  const idOf = extensionIds(earlier);
  return lines.map((line, index): LocalLine => {
    if (isStopped(line)) return reject(line.mid, earlier[index]);
    if (isData(line)) return { kind: 'data', mid: line.mid };
    const { payloadType = 0, rtxPayloadType } = numbers.next().value ?? {};
    const { ssrc, rtxSsrc } = ssrcOf(line);
    const extensions = line.extensions ?? defaultExtensions(line.codec.kind);
    const direction = line.direction ?? 'sendonly';
    return {
      kind: line.codec.kind,
      mid: line.mid,
      direction,
      payloadType,
      rtpmap: rtpmapOf(line.codec),
      fmtp: line.fmtp,
      feedback: [
        ...line.codec.feedback,
        // Reports about a sequence number that no packet carries would be empty.
        ...(extensions.includes('transport-wide-cc') ? ['transport-cc'] : []),
      ],
      extensions: Object.fromEntries(extensions.map((name) => [name, idOf(name)])),
      msid: line.msid ?? `janus janus${line.mid}`,
      ssrc,
      rtx: rtxPayloadType === undefined ? undefined : { payloadType: rtxPayloadType, ssrc: rtxSsrc },
      receivedRids: receives(direction) ? (before(index)?.receivedRids ?? []) : [],
    };
  });
}

/**
 * Whether an offer may have these m-lines.
 *
 * @param earlier - the m-lines of the description before
 * @param free - places of those that were rejected
 * @throws {@link UsageError} `HG_ERR_OPTION`
 */
export function checkOffer(
  wanted: readonly OfferLine[],
  earlier: readonly { mid: string }[],
  free: ReadonlySet<number>,
): void {
  const problem = (text: string): UsageError => new UsageError('HG_ERR_OPTION', { option: 'media', problem: text });
  if (wanted.length === 0) throw problem('an offer needs at least one m-line');
  const mids = wanted.map(({ mid }) => mid);
  const bad = mids.find((mid) => !isMid(mid));
  if (bad !== undefined) {
    throw problem(`${JSON.stringify(bad.slice(0, 40))} cannot be a mid: 1 to 16 characters of a token`);
  }
  if (wanted.filter(isData).length > 1) throw problem('one m-line serves all data channels');
  if (new Set(mids).size !== mids.length) throw problem('each mid may be there once');
  if (earlier.some(({ mid }, index) => mids[index] !== mid && (!free.has(index) || mids[index] === undefined))) {
    throw problem(`m-lines stay where they are: it must begin with ${earlier.map(({ mid }) => mid).join(', ')}`);
  }
  const stopped = wanted.findIndex((line, index) => isStopped(line) && earlier[index]?.mid !== line.mid);
  if (stopped >= 0) throw problem(`there is no m-line ${String(mids[stopped])} that could be stopped`);
}

/** Whether an m-line of ours is for data channels. */
export function isData<Data extends OfferData | LocalData>(
  line: OfferMedia | OfferStopped | LocalMedia | RejectedMedia | Data,
): line is Data {
  return 'kind' in line && line.kind === 'data';
}

/** Whether a text can be a mid: a token (RFC 8866) that fits a one-byte header extension (RFC 8285). */
export function isMid(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}$/.test(text);
}

function isMedia(line: OfferLine): line is OfferMedia {
  return 'codec' in line;
}

function isStopped(line: OfferLine): line is OfferStopped {
  return 'stopped' in line;
}

function numbersOf(line: LocalMedia | undefined): PayloadTypes | undefined {
  return line && { payloadType: line.payloadType, rtxPayloadType: line.rtx?.payloadType };
}

function reject(mid: string, line: LocalLine | undefined): RejectedMedia {
  if (line === undefined) return { type: 'audio', mid, protocol: 'UDP/TLS/RTP/SAVPF', formats: '0' };
  if (!('kind' in line)) return { ...line, mid };
  if (line.kind === 'data') {
    return { type: 'application', mid, protocol: 'UDP/DTLS/SCTP', formats: 'webrtc-datachannel' };
  }
  return { type: line.kind, mid, protocol: 'UDP/TLS/RTP/SAVPF', formats: String(line.payloadType) };
}

/** An id means the same through all negotiations and on all m-lines (RFC 9143 section 9.2). */
function extensionIds(earlier: readonly LocalLine[]): (name: ExtensionName) => number {
  const ids = new Map<string, number>();
  for (const line of earlier) {
    if (!('extensions' in line)) continue;
    for (const [name, id] of Object.entries(line.extensions)) ids.set(name, id);
  }
  return (name) => {
    const known = ids.get(name);
    if (known !== undefined) return known;
    const taken = new Set(ids.values());
    const all = [EXTENSIONS[name].id, ...Array.from({ length: MAX_EXTENSION_ID }, (_, index) => index + 1)];
    const id = all.find((candidate) => !taken.has(candidate)) ?? 0;
    ids.set(name, id);
    return id;
  };
}

function defaultExtensions(kind: Codec['kind']): readonly ExtensionName[] {
  return kind === 'video' ? ['mid', 'abs-send-time'] : ['mid'];
}
