import { isIPv4, isIPv6 } from 'node:net';
import { option, optionError, readOptions, type OptionValues } from '../options.js';
import { codecNames, findCodec, type Codec } from '../peer/codecs/index.js';
import { isMid } from '../peer/sdp/offer.js';
import { isUsablePayloadType } from '../peer/sdp/payload-types.js';

/** A number, or a text where the application prefers names. */
export type MountpointId = number | string;

/** One track of a mountpoint, as it is asked for. */
export interface MountpointMediaOptions {
  type: 'audio' | 'video';
  /** Names the m-line: 1 to 16 characters of a token, unique in the mountpoint. */
  mid: string;
  /** `vp8`, `opus`, … */
  codec: string;
  /** UDP port where its RTP arrives; 0: any out of `portRange`. */
  port: number;
  /** In the offers to viewers; the source may use whatever it likes. Default: the codec's. */
  payloadType?: number | undefined;
  /** In the offers to viewers. H.264 without one is offered as 42e01f. */
  fmtp?: string | undefined;
  /** For people. Default: the type. */
  label?: string | undefined;
  /** `<stream> <track>` in the offers to viewers. */
  msid?: string | undefined;
  /** A multicast group to join. */
  multicast?: string | undefined;
  /** To listen on, or to join the group on: a name or an address of it. Default: all. */
  interface?: string | undefined;
  /** UDP port where its RTCP arrives, so that keyframes can be asked for; 0: any. Default: none. */
  rtcpPort?: number | undefined;
}

/** What {@link Mountpoints.create} takes. */
export interface MountpointOptions {
  /** Unique. Default, and for 0: a random number. */
  id?: MountpointId | undefined;
  /** For the configuration. Default: `mp-<id>`. */
  name?: string | undefined;
  /** For people. Default: the name. */
  description?: string | undefined;
  /** Handed on to clients as it is. */
  metadata?: string | undefined;
  /** Not in lists of those who have no administrator's key. Default false. */
  isPrivate?: boolean | undefined;
  /** Clients need it to change the mountpoint. Default: anybody can. */
  secret?: string | undefined;
  /** Clients need it to watch. Default: anybody can. */
  pin?: string | undefined;
  media: readonly MountpointMediaOptions[];
  /** For ports that are 0. Default: whatever the system gives. */
  portRange?: readonly [number, number] | undefined;
  /** A new SSRC on a port is dropped until the old one was silent this long, milliseconds. Default 0: it takes over at once. */
  collision?: number | undefined;
  /** What newcomers get first: all from the last keyframe on, up to this span (at most 65535 ms) and size. Default: nothing. */
  keyframeBuffer?: { ms?: number | undefined; bytes?: number | undefined } | undefined;
  /** Offer the playout-delay header extension. Default false. */
  playoutDelay?: boolean | undefined;
  /** The payload is encrypted between the ends, which clients are told. Default false. */
  e2ee?: boolean | undefined;
}

const port = option.integer({ min: 0, max: 65535 });
const text = option.optional(option.string());

const MEDIA = {
  type: option.oneOf(['audio', 'video']),
  mid: { read: readMid },
  codec: option.string(),
  port,
  payloadType: option.optional(option.integer({ min: 0, max: 127 })),
  fmtp: option.optional(
    option.string({ pattern: /^\P{Cc}{1,2048}$/u, expected: '1 to 2048 characters without line breaks' }),
  ),
  label: text,
  msid: option.optional(
    option.string({
      pattern: /^[!-~]{1,64}( [!-~]{1,64})?$/,
      expected: '"<stream> <track>" of at most 64 characters each',
    }),
  ),
  multicast: option.optional({ read: readGroup }),
  interface: option.optional(option.string({ pattern: /^[!-~]{1,64}$/, expected: 'a name or an address' })),
  rtcpPort: option.optional(port),
};

type MediaValues = OptionValues<typeof MEDIA>;

const SPEC = {
  id: { read: readId },
  name: text,
  description: text,
  metadata: text,
  isPrivate: option.boolean({ default: false }),
  secret: text,
  pin: text,
  media: option.list(option.object(MEDIA)),
  portRange: option.optional(option.portRange()),
  collision: option.integer({ default: 0, min: 0, max: 3_600_000 }),
  keyframeBuffer: option.object({
    ms: option.integer({ default: 0, min: 0, max: 65535 }),
    bytes: option.integer({ default: 0, min: 0, max: 64 * 1024 * 1024 }),
  }),
  playoutDelay: option.boolean({ default: false }),
  e2ee: option.boolean({ default: false }),
};

/** Options with all defaults but those that need the id, and their media judged. */
export type CheckedMountpoint = Omit<OptionValues<typeof SPEC>, 'media'> & { media: CheckedMedia[] };

/** @throws {@link UsageError} `HG_ERR_OPTION` */
export function readMountpointOptions(where: string, options: MountpointOptions): CheckedMountpoint {
  const values = readOptions(where, options, SPEC);
  return { ...values, media: checkMedia(`${where}.media`, values.media) };
}

/** One track as asked for, and what that comes to. */
export interface CheckedMedia {
  given: MediaValues;
  codec: Codec;
  payloadType: number;
  fmtp: string | undefined;
  ordinal: number;
  warnings: string[];
}

/** What takes more than one field to judge. */
function checkMedia(where: string, media: readonly MediaValues[]): CheckedMedia[] {
  if (media.length === 0) throw optionError(where, 'at least one track', media);
  const counts = { audio: 0, video: 0 };
  return media.map((given, index) => {
    const path = `${where}[${String(index)}]`;
    if (media.findIndex(({ mid }) => mid === given.mid) !== index) {
      throw optionError(`${path}.mid`, 'a mid that no other track has', given.mid);
    }
    const codec = findCodec(given.codec);
    if (codec?.kind !== given.type) {
      throw optionError(`${path}.codec`, `one of ${codecNames(given.type)}`, given.codec);
    }
    const { fmtp, warnings } = codec.checkFmtp?.(given.fmtp) ?? { fmtp: given.fmtp, warnings: [] };
    const usable = given.payloadType === undefined || isUsablePayloadType(given.payloadType, codec);
    return {
      given,
      codec,
      payloadType: usable ? (given.payloadType ?? codec.payloadType) : codec.payloadType,
      fmtp,
      ordinal: counts[given.type]++,
      warnings: usable
        ? [...warnings]
        : [
            ...warnings,
            `payload type ${String(given.payloadType)} is refused by browsers for this codec (RFC 3551 section 6, RFC 5761 section 4): ` +
              `${String(codec.payloadType)} is offered`,
          ],
    };
  });
}

function readMid(path: string, value: unknown): string {
  if (typeof value !== 'string' || !isMid(value)) throw optionError(path, '1 to 16 characters of a token', value);
  return value;
}

function readGroup(path: string, value: unknown): string {
  // RFC 5771 and RFC 4291 section 2.7.
  const group =
    typeof value === 'string' &&
    ((isIPv4(value) && /^(22[4-9]|23\d)\./.test(value)) || (isIPv6(value) && /^ff/i.test(value)));
  if (!group) throw optionError(path, 'a multicast address', value);
  return value;
}

function readId(path: string, value: unknown): MountpointId | undefined {
  const valid =
    value === undefined ||
    (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) ||
    (typeof value === 'string' && value !== '' && value.length <= 256);
  if (!valid) throw optionError(path, 'a whole number or a text', value);
  return value;
}
