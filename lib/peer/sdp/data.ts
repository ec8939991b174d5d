import type { MediaDescription } from 'sdp-transform';

/** The largest message of a data channel we take, bytes: what browsers take. */
export const MAX_MESSAGE_SIZE = 262_144;
/** Where our SCTP listens; inside of DTLS, so it means nothing to the machine. */
export const SCTP_PORT = 5000;

/** What an m-line of the other side says about data channels (RFC 8841). */
export interface RemoteData {
  sctpPort: number;
  /** The largest message it takes, bytes; 0: any. */
  maxMessageSize: number;
}

/** The m-line of ours that carries data channels. */
export interface LocalData {
  kind: 'data';
  mid: string;
  /** As the other side's offer spells it. Default `UDP/DTLS/SCTP`. */
  protocol?: string;
}

/** A data m-line that an offer of ours shall have. One for all channels. */
export interface OfferData {
  kind: 'data';
  /** 1 to 16 characters of a token (RFC 8866). Unique in the offer. */
  mid: string;
}

// RFC 8841 section 6.1: what is meant where it is not said.
const DEFAULT_MAX_MESSAGE_SIZE = 65_536;

/** Of an m-line that is not for data channels: undefined. */
export function readData(media: MediaDescription): RemoteData | undefined {
  if (media.type !== 'application') return undefined;
  const format = String(media.payloads ?? '').trim();
  const sctpPort = isOldStyle(media.protocol) ? oldPort(media, format) : newPort(media, format);
  if (sctpPort === undefined || !(sctpPort > 0 && sctpPort < 65_536)) return undefined;
  const maxMessageSize = Number(media.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE);
  return { sctpPort, maxMessageSize: maxMessageSize >= 0 ? maxMessageSize : DEFAULT_MAX_MESSAGE_SIZE };
}

/** `DTLS/SCTP 5000` with `a=sctpmap`, of drafts of RFC 8841; old clients still say so. */
function isOldStyle(protocol: string): boolean {
  return protocol === 'DTLS/SCTP';
}

function oldPort({ sctpmap }: MediaDescription, format: string): number | undefined {
  if (sctpmap !== undefined && (String(sctpmap.sctpmapNumber) !== format || sctpmap.app !== 'webrtc-datachannel')) {
    return undefined;
  }
  return /^\d{1,5}$/.test(format) ? Number(format) : undefined;
}

function newPort({ protocol, sctpPort }: MediaDescription, format: string): number | undefined {
  if (!/^(UDP|TCP)\/DTLS\/SCTP$/.test(protocol) || format !== 'webrtc-datachannel') return undefined;
  return sctpPort === undefined ? SCTP_PORT : Number(sctpPort);
}

/** The m-line itself, and what it says of SCTP. */
export function dataLines({ protocol = 'UDP/DTLS/SCTP' }: LocalData): { media: string; attributes: string[] } {
  const size = `a=max-message-size:${String(MAX_MESSAGE_SIZE)}`;
  const port = String(SCTP_PORT);
  return isOldStyle(protocol)
    ? {
        media: `m=application 9 ${protocol} ${port}`,
        attributes: [`a=sctpmap:${port} webrtc-datachannel 1024`, size],
      }
    : { media: `m=application 9 ${protocol} webrtc-datachannel`, attributes: [`a=sctp-port:${port}`, size] };
}
