import { parse as parseText, type MediaDescription, type SharedAttributes } from 'sdp-transform';
import { RemoteError } from '../../errors.js';
import { readData, type RemoteData } from './data.js';
import { readEncodings, type RemoteEncoding } from './encodings.js';
import type { Direction, Fingerprint } from './write.js';

// A viewer's answer takes 1-2 kB and 25 lines for each m-line; these leave room
// for a hundred of them, and keep what a stranger can make us do below 30 ms.
const MAX_BYTES = 256 * 1024;
const MAX_LINES = 8192;
const MAX_LINE_LENGTH = 4096;
const MAX_MEDIA = 256;
const MAX_CANDIDATES = 256;

/** An `a=rtpmap` with what belongs to it. */
export interface RemoteCodec {
  payloadType: number;
  encodingName: string;
  clockRate: number;
  channels: number;
  fmtp: string | undefined;
  /** Values of `a=rtcp-fb`, those for `*` included. */
  feedback: readonly string[];
}

/** An m-line of the other side, with what the session level says for all of them. */
export interface RemoteMedia {
  index: number;
  /** `audio`, `video`, `application`, … */
  type: string;
  port: number;
  /** RFC 9143 section 6: with port 0 it exists in the BUNDLE group, and is not rejected. */
  bundleOnly: boolean;
  protocol: string;
  /** `96 97`, `webrtc-datachannel`. */
  formats: string;
  mid: string | undefined;
  direction: Direction;
  rtcpMux: boolean;
  ufrag: string | undefined;
  pwd: string | undefined;
  setup: string | undefined;
  fingerprints: readonly Fingerprint[];
  codecs: readonly RemoteCodec[];
  extensions: readonly { id: number; uri: string; direction: Direction | undefined }[];
  /** Packets may have extensions in the one-byte and in the two-byte form (RFC 8285 section 6). */
  extmapAllowMixed: boolean;
  /** What it announces to send; one at least. */
  encodings: readonly RemoteEncoding[];
  /** Data channels; undefined: it has none. */
  data: RemoteData | undefined;
  /** `candidate:…` values. */
  candidates: readonly string[];
  endOfCandidates: boolean;
}

/** A session description of the other side. */
export interface RemoteDescription {
  /** Mids of the first BUNDLE group; undefined when there is none. */
  bundle: readonly string[] | undefined;
  iceLite: boolean;
  media: readonly RemoteMedia[];
}

/**
 * Reads a session description (RFC 8866). What is not understood is left out;
 * whether the rest is enough, {@link negotiateAnswer} says.
 *
 * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP` if it is no description at all, or too large
 */
export function parseDescription(sdp: string): RemoteDescription {
  const [session = [], ...sections] = split(sdp);
  const parsed = parseText([session, ...sections].flat().join('\r\n') + '\r\n');
  const whole = scan(session);
  return {
    bundle: readBundle(parsed.groups),
    iceLite: parsed.icelite !== undefined,
    media: parsed.media.map((media, index) => readMedia(index, media, scan(sections[index] ?? []), parsed, whole)),
  };
}

/** Mids of the first BUNDLE group. */
function readBundle(groups: { type: string; mids: string | number }[] | undefined): string[] | undefined {
  const bundle = groups?.find((group) => group.type === 'BUNDLE');
  // A group of the one mid `0` is a number to sdp-transform.
  return bundle === undefined
    ? undefined
    : String(bundle.mids)
        .split(' ')
        .filter((mid) => mid !== '');
}

/** The lines of the session level, then those of each m-line. */
function split(sdp: string): string[][] {
  if (!/^v=0\r?\n/.test(sdp)) throw unusable('it does not begin with v=0');
  if (Buffer.byteLength(sdp) > MAX_BYTES) throw unusable(`it is larger than ${String(MAX_BYTES / 1024)} KiB`);
  if (sdp.includes('\0')) throw unusable('it has a NUL in it');
  const lines = sdp.split(/\r\n|\r|\n/);
  if (lines.length > MAX_LINES) throw unusable(`it has more than ${String(MAX_LINES)} lines`);
  const sections: string[][] = [[]];
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    if (line.length > MAX_LINE_LENGTH) throw unusable(`line ${String(index + 1)} is too long`);
    if (!/^[a-z]=/.test(line)) throw unusable(`line ${String(index + 1)} is not of the form x=…`);
    if (line.startsWith('m=')) {
      if (!/^m=\w+ \d{1,5} [\w/]+( .*)?$/.test(line)) throw unusable(`line ${String(index + 1)} is no m-line`);
      sections.push([]);
    }
    sections.at(-1)?.push(line);
  }
  if (sections.length - 1 > MAX_MEDIA) throw unusable(`it has more than ${String(MAX_MEDIA)} m-lines`);
  return sections;
}

/** What sdp-transform keeps one of where there may be several, or takes apart where we want the text. */
interface Scanned {
  fingerprints: Fingerprint[];
  candidates: string[];
  endOfCandidates: boolean;
}

function scan(lines: readonly string[]): Scanned {
  const found: Scanned = { fingerprints: [], candidates: [], endOfCandidates: false };
  for (const line of lines) {
    const fingerprint = /^a=fingerprint:(\S+) +(\S+)/.exec(line);
    if (fingerprint) {
      const [, algorithm = '', value = ''] = fingerprint;
      found.fingerprints.push({ algorithm: algorithm.toLowerCase(), value: value.toUpperCase() });
    } else if (line.startsWith('a=candidate:')) {
      if (found.candidates.length < MAX_CANDIDATES) found.candidates.push(line.slice('a='.length));
    } else if (line.startsWith('a=end-of-candidates')) {
      found.endOfCandidates = true;
    }
  }
  return found;
}

function readMedia(
  index: number,
  media: MediaDescription,
  own: Scanned,
  session: SharedAttributes,
  whole: Scanned,
): RemoteMedia {
  // sdp-transform makes numbers of whatever looks like one: a mid, a password.
  const text = (value: string | number | undefined): string | undefined => value?.toString();
  return {
    index,
    type: media.type,
    port: media.port,
    bundleOnly: media.bundleOnly !== undefined,
    protocol: media.protocol,
    formats: String(media.payloads ?? '0'),
    mid: text(media.mid),
    direction: media.direction ?? session.direction ?? 'sendrecv',
    rtcpMux: media.rtcpMux !== undefined,
    ufrag: text(media.iceUfrag ?? session.iceUfrag),
    pwd: text(media.icePwd ?? session.icePwd),
    setup: text(media.setup ?? session.setup),
    fingerprints: own.fingerprints.length > 0 ? own.fingerprints : whole.fingerprints,
    codecs: readCodecs(media),
    extensions: [...(media.ext ?? []), ...(session.ext ?? [])].map(({ value, uri, direction }) => ({
      id: value,
      uri,
      direction: direction as Direction | undefined,
    })),
    extmapAllowMixed: (media.extmapAllowMixed ?? session.extmapAllowMixed) !== undefined,
    encodings: readEncodings(media),
    data: readData(media),
    candidates: own.candidates.length > 0 ? own.candidates : whole.candidates,
    endOfCandidates: own.endOfCandidates || whole.endOfCandidates,
  };
}

// RFC 3551 section 6: those a description may name by number alone.
const STATIC_PAYLOAD_TYPES = new Map([
  [0, 'PCMU/8000'],
  [8, 'PCMA/8000'],
  [9, 'G722/8000'],
]);

// It has 7 bits; this also bounds the work.
const MAX_PAYLOAD_TYPE = 127;

function readCodecs(media: MediaDescription): RemoteCodec[] {
  const codecs: RemoteCodec[] = [];
  const payloadTypes = String(media.payloads ?? '')
    .split(' ')
    .filter((token) => /^\d{1,3}$/.test(token))
    .map(Number)
    .filter((payloadType) => payloadType <= MAX_PAYLOAD_TYPE);
  for (const payloadType of new Set(payloadTypes)) {
    const rtpmap = media.rtp.find((entry) => entry.payload === payloadType);
    const [name, rate] = STATIC_PAYLOAD_TYPES.get(payloadType)?.split('/') ?? [];
    const encodingName = rtpmap ? String(rtpmap.codec) : name;
    if (encodingName === undefined) continue;
    const fmtp = media.fmtp.find((entry) => entry.payload === payloadType);
    codecs.push({
      payloadType,
      encodingName,
      clockRate: Number(rtpmap?.rate ?? rate ?? 0),
      channels: Number(rtpmap?.encoding ?? 1),
      fmtp: fmtp === undefined ? undefined : String(fmtp.config),
      feedback: (media.rtcpFb ?? [])
        .filter(({ payload }) => String(payload) === '*' || Number(payload) === payloadType)
        .map(({ type, subtype }) => (subtype === undefined ? type : `${type} ${subtype}`)),
    });
  }
  return codecs;
}

/** The error of a description that is of no use. */
export function unusable(reason: string): RemoteError<'HG_ERR_REMOTE_SDP'> {
  return new RemoteError('HG_ERR_REMOTE_SDP', { reason });
}
