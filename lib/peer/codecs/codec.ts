/** What a receiver of this kind of media is offered to send back (RFC 4585, RFC 5104). */
export const VIDEO_FEEDBACK: readonly string[] = ['ccm fir', 'nack', 'nack pli', 'goog-remb'];
/** Audio is not repaired in offers of ours: a packet that comes late is of no use to a jitter buffer. */
export const AUDIO_FEEDBACK: readonly string[] = [];

/** The outcome of {@link Codec.checkFmtp}. */
export interface FmtpCheck {
  /** What to offer; undefined: no fmtp line. */
  fmtp: string | undefined;
  /** What somebody should know before viewers find out; sentences without a full stop. */
  warnings: readonly string[];
}

/** What the SDP must say of a codec. The packets themselves are the native side's business. */
export interface Codec {
  /** As the wire API spells it: `vp8`. Unique. */
  readonly name: string;
  readonly kind: 'audio' | 'video';
  /** As `a=rtpmap` spells it: `VP8`. */
  readonly encodingName: string;
  readonly clockRate: number;
  /** Written only when it is not 1. */
  readonly channels?: number;
  /** Offered when nobody asks for another. */
  readonly payloadType: number;
  /** Values of `a=rtcp-fb`. */
  readonly feedback: readonly string[];
  /** Whether a retransmission stream (RFC 4588) is offered beside it. */
  readonly rtx: boolean;
  /** Looks at the fmtp somebody gave, and may complete it. Absent: it goes into the offer as it is. */
  checkFmtp?(fmtp: string | undefined): FmtpCheck;
}

/** `name=value;flag` → name → value, names in lower case. */
export function parseFmtp(fmtp: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of fmtp.split(';')) {
    const [name = '', ...value] = part.split('=');
    if (name.trim() !== '') parameters.set(name.trim().toLowerCase(), value.join('=').trim());
  }
  return parameters;
}
