import { UsageError } from '../../errors.js';
import { sends } from './agreed.js';
import { dataLines, type LocalData } from './data.js';
import { EXTENSIONS, type ExtensionName } from './extensions.js';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Hash of a certificate: `sha-256`, `AB:CD:…`. */
export interface Fingerprint {
  algorithm: string;
  value: string;
}

/** What we say in an m-line of ours. */
export interface LocalMedia {
  kind: 'audio' | 'video';
  mid: string;
  direction: Direction;
  payloadType: number;
  /** `opus/48000/2` */
  rtpmap: string;
  fmtp?: string | undefined;
  /** Values of `a=rtcp-fb`. */
  feedback: readonly string[];
  /** Ids of the header extensions. */
  extensions: Readonly<Partial<Record<ExtensionName, number>>>;
  /** `<stream> <track>`; left out on inactive lines. */
  msid?: string | undefined;
  ssrc: number;
  /** The retransmission stream (RFC 4588). */
  rtx?: { payloadType: number; ssrc: number } | undefined;
  /** RED (RFC 2198); named first, for that is what the other side shall send. */
  redPayloadType?: number | undefined;
  /** As the other side's offer spells it. Default `UDP/TLS/RTP/SAVPF`. */
  protocol?: string;
  /** The rids of the simulcast that we receive (RFC 8853). */
  receivedRids?: readonly string[];
}

/** An m-line that is not there: an answer says no, or an offer ends it. */
export interface RejectedMedia {
  /** `audio`, `application`, … */
  type: string;
  mid: string;
  protocol: string;
  /** As they were offered: `96 97`, `webrtc-datachannel`. */
  formats: string;
}

/** One m-line of ours. */
export type LocalLine = LocalMedia | LocalData | RejectedMedia;

/** A session description of ours. */
export interface LocalDescription {
  sessionId: string;
  sessionVersion: number;
  /** For the lines that nobody reads and everybody wants: `o=` and `c=`. */
  address: string;
  sessionName: string;
  fingerprint: Fingerprint;
  ufrag: string;
  pwd: string;
  setup: 'actpass' | 'active' | 'passive';
  /** `candidate:…` values: all there are. */
  candidates: readonly string[];
  cname: string;
  media: readonly LocalLine[];
}

/**
 * The text of a description of ours (RFC 8866). One transport for all m-lines
 * (BUNDLE, RFC 9143, and rtcp-mux); candidates stand on each of them, for
 * clients that look at one only.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION` if a value has a line break in it
 */
export function writeDescription(description: LocalDescription): string {
  const { media } = description;
  const bundle = media.filter((line) => 'kind' in line).map((line) => line.mid);
  const lines = [
    'v=0',
    `o=- ${description.sessionId} ${String(description.sessionVersion)} ${address(description)}`,
    `s=${description.sessionName}`,
    't=0 0',
    `a=group:BUNDLE ${bundle.join(' ')}`.trimEnd(),
    'a=ice-options:trickle',
    `a=fingerprint:${description.fingerprint.algorithm} ${description.fingerprint.value}`,
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS *',
    ...media.flatMap((line) => {
      if (!('kind' in line)) return writeRejected(description, line);
      return line.kind === 'data' ? writeData(description, line) : writeMedia(description, line);
    }),
  ];
  for (const line of lines) {
    // One line break in a label of a client's, and it could write lines of our description.
    if (/[\r\n\0]/.test(line)) {
      throw new UsageError('HG_ERR_OPTION', {
        option: `session description, line ${JSON.stringify(line.slice(0, 80))}`,
        problem: 'a line break or NUL inside a value',
      });
    }
  }
  return lines.join('\r\n') + '\r\n';
}

function writeRejected(description: LocalDescription, { type, mid, protocol, formats }: RejectedMedia): string[] {
  return [`m=${type} 0 ${protocol} ${formats}`, `c=${address(description)}`, 'a=inactive', `a=mid:${mid}`];
}

function writeData(description: LocalDescription, line: LocalData): string[] {
  const { media, attributes } = dataLines(line);
  return [
    media,
    `c=${address(description)}`,
    'a=sendrecv',
    `a=mid:${line.mid}`,
    ...attributes,
    `a=ice-ufrag:${description.ufrag}`,
    `a=ice-pwd:${description.pwd}`,
    'a=ice-options:trickle',
    `a=setup:${description.setup}`,
    ...description.candidates.map((candidate) => `a=${candidate}`),
    'a=end-of-candidates',
  ];
}

function writeMedia(description: LocalDescription, media: LocalMedia): string[] {
  const { rtx, redPayloadType, protocol = 'UDP/TLS/RTP/SAVPF', receivedRids = [] } = media;
  const pt = String(media.payloadType);
  const red = redPayloadType === undefined ? undefined : String(redPayloadType);
  const payloadTypes = [red, pt, rtx?.payloadType].filter((one) => one !== undefined).join(' ');
  const { direction } = media;
  const sentRtx = sends(direction) ? rtx : undefined;
  const lines = [
    `m=${media.kind} 9 ${protocol} ${payloadTypes}`,
    `c=${address(description)}`,
    `a=${direction}`,
    `a=mid:${media.mid}`,
    'a=rtcp-mux',
    `a=ice-ufrag:${description.ufrag}`,
    `a=ice-pwd:${description.pwd}`,
    'a=ice-options:trickle',
    `a=setup:${description.setup}`,
    `a=rtpmap:${pt} ${media.rtpmap}`,
    ...media.feedback.map((feedback) => `a=rtcp-fb:${pt} ${feedback}`),
  ];
  if (media.fmtp !== undefined) lines.push(`a=fmtp:${pt} ${media.fmtp}`);
  if (red !== undefined)
    lines.push(`a=rtpmap:${red} red/${media.rtpmap.replace(/^.*?\//, '')}`, `a=fmtp:${red} ${pt}/${pt}`);
  const extensions = Object.entries(media.extensions) as [ExtensionName, number][];
  for (const [name, id] of extensions.sort((a, b) => a[1] - b[1])) {
    lines.push(`a=extmap:${String(id)} ${EXTENSIONS[name].uri}`);
  }
  if (rtx) {
    lines.push(`a=rtpmap:${String(rtx.payloadType)} rtx/90000`, `a=fmtp:${String(rtx.payloadType)} apt=${pt}`);
  }
  if (sentRtx) lines.push(`a=ssrc-group:FID ${String(media.ssrc)} ${String(sentRtx.ssrc)}`);
  if (media.msid !== undefined && direction !== 'inactive') lines.push(`a=msid:${media.msid}`);
  lines.push(`a=ssrc:${String(media.ssrc)} cname:${description.cname}`);
  if (sentRtx) lines.push(`a=ssrc:${String(sentRtx.ssrc)} cname:${description.cname}`);
  for (const rid of receivedRids) lines.push(`a=rid:${rid} recv`);
  if (receivedRids.length > 0) lines.push(`a=simulcast:recv ${receivedRids.join(';')}`);
  for (const candidate of description.candidates) lines.push(`a=${candidate}`);
  lines.push('a=end-of-candidates');
  return lines;
}

function address({ address }: LocalDescription): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`;
}
