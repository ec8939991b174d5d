/** The streaming plugin's JSON, and its error numbers. */
import { rtpmapOf } from '../../peer/codecs/index.js';
import type { Mountpoint, MountpointMedia } from '../../routing/mountpoint.js';

export const ERROR = {
  INVALID_REQUEST: 452,
  MISSING: 453,
  INVALID: 454,
  NO_SUCH_MOUNTPOINT: 455,
  CANNOT_CREATE: 456,
  UNAUTHORIZED: 457,
  CANNOT_SWITCH: 458,
  CANNOT_RECORD: 459,
  INVALID_STATE: 460,
  INVALID_SDP: 461,
  UNKNOWN: 470,
} as const;

/** What viewers are told of: `{"streaming":"event","result":…}`. */
export function result(fields: object): object {
  return { streaming: 'event', result: fields };
}

/** `{"streaming":"event","result":{"status":"starting"}}` */
export function status(name: string): object {
  return result({ status: name });
}

/** An entry of `list`. */
export function summary(mountpoint: Mountpoint, legacyFields: boolean): object {
  const media = mountpoint.media.map((one) => ({
    mid: one.mid,
    type: one.codec.kind,
    label: one.label,
    msid: one.msid,
    age_ms: age(one),
  }));
  const legacy = legacyFields
    ? {
        audio_age_ms: media.find(({ type }) => type === 'audio')?.age_ms,
        video_age_ms: media.find(({ type }) => type === 'video')?.age_ms,
      }
    : {};
  return {
    id: mountpoint.id,
    type: 'live',
    description: mountpoint.description,
    metadata: mountpoint.metadata,
    enabled: mountpoint.enabled,
    ...legacy,
    media,
  };
}

/** What `info` says of a mountpoint. */
export function details(mountpoint: Mountpoint, isAdmin: boolean): object {
  const { collision, keyframeBuffer } = mountpoint;
  return {
    id: mountpoint.id,
    name: isAdmin ? mountpoint.name : undefined,
    description: mountpoint.description,
    metadata: mountpoint.metadata,
    secret: isAdmin ? mountpoint.secret : undefined,
    pin: isAdmin ? mountpoint.pin : undefined,
    is_private: isAdmin && mountpoint.isPrivate ? true : undefined,
    enabled: mountpoint.enabled,
    viewers: isAdmin ? mountpoint.viewers.size : undefined,
    type: 'live',
    collision: positive(collision),
    bufferkf_ms: positive(keyframeBuffer.ms),
    bufferkf_bytes: positive(keyframeBuffer.bytes),
    host: isAdmin ? mountpoint.media.find(({ multicast }) => multicast !== undefined)?.multicast : undefined,
    media: mountpoint.media.map((one) => ({
      mindex: one.index,
      type: one.codec.kind,
      mid: one.mid,
      label: one.label,
      msid: one.msid,
      pt: one.payloadType,
      codec: one.codec.name,
      rtpmap: rtpmapOf(one.codec),
      fmtp: one.fmtp,
      port: isAdmin ? one.source.port : undefined,
      rtcpport: isAdmin ? positive(one.source.rtcpPort) : undefined,
      age_ms: age(one),
    })),
  };
}

/** `stream.ports[]` of `created`. */
export function ports(mountpoint: Mountpoint): object[] {
  return mountpoint.media.map(({ codec, mid, msid, multicast, source }) => ({
    type: codec.kind,
    mid,
    msid,
    host: multicast,
    port: source.port,
    rtcp_port: positive(source.rtcpPort),
  }));
}

/** The same in the words of the old form: one of each kind. */
export function legacyPorts(mountpoint: Mountpoint): object {
  return Object.fromEntries<unknown>(
    mountpoint.media.flatMap(({ codec, multicast, source }) => [
      [`${codec.kind}_host`, multicast],
      [`${codec.kind}_port`, source.port],
      [`${codec.kind}_rtcp_port`, positive(source.rtcpPort)],
    ]),
  );
}

/** Milliseconds since the last packet. */
function age({ source }: MountpointMedia): number {
  return Math.max(0, Math.round(source.stats().age));
}

function positive(value: number): number | undefined {
  return value > 0 ? value : undefined;
}
