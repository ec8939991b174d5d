import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../errors.js';
import { codecNames, findCodec, findCodecByRtpmap, type Codec } from '../../peer/codecs/index.js';
import type { Mountpoint, MountpointMediaOptions, MountpointOptions } from '../../routing/mountpoint.js';
import { PluginError, request, type Request } from '../plugin.js';
import { array, boolean, integer, isObject, optional, positiveInteger, string, type Shape } from '../shape.js';
import type { StreamingContext } from './context.js';
import type { MountpointStore } from './store.js';
import { ERROR, legacyPorts, ports } from './wire.js';

type Body = Readonly<Record<string, unknown>>;

/** Makes a mountpoint, in the form with `media` or the older one with `audioport` and its kin. */
export function create(context: StreamingContext): Request {
  return request({}, (handle, _body, { body }) => {
    context.check({ type: string }, body);
    context.authorize(body, 'admin_key', context.settings.adminKey);
    const { options, legacy, permanent } = readCreate(context, body);
    const store = permanent ? context.store() : undefined;
    const mountpoint = inWireWords(() => context.mountpoints.create(options));
    const { id, description, isPrivate } = mountpoint;
    if (store !== undefined) keep(context, store, mountpoint, options);
    context.host.notify(handle, () => ({ event: 'created', id, type: 'live' }));
    const stream = { id, type: 'live', description, is_private: isPrivate };
    return {
      streaming: 'created',
      created: mountpoint.name,
      permanent,
      stream: { ...stream, ...(legacy ? legacyPorts(mountpoint) : { ports: ports(mountpoint) }) },
      ...(legacy ? { warning: 'deprecated_api' } : {}),
    };
  });
}

/** A mountpoint as `create` and configuration files describe it. */
export interface CreateBody {
  options: MountpointOptions;
  /** It is described in the older form, without `media`. */
  legacy: boolean;
  permanent: boolean;
}

/** @throws {@link PluginError} */
export function readCreate(context: StreamingContext, body: Body): CreateBody {
  const { type } = context.check({ type: string }, body);
  const read = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (read === undefined) {
    throw new PluginError(ERROR.INVALID, `"type" must be one of ${Object.keys(TYPES).join(', ')}`);
  }
  const common = readCommon(context, body);
  const { legacy, ...specific } = read(context, body);
  return { options: { ...common.options, ...specific }, legacy, permanent: common.permanent };
}

/** Writes a new mountpoint to where it outlives the process; if that fails, there is none. */
function keep(
  context: StreamingContext,
  store: MountpointStore,
  mountpoint: Mountpoint,
  options: MountpointOptions,
): void {
  try {
    for (const other of context.mountpoints) {
      if (other !== mountpoint && other.name === mountpoint.name) {
        throw cannot(`"name": mountpoint ${String(other.id)} has that name: permanent ones need one of their own`);
      }
    }
    const { id, name, description, media } = mountpoint;
    context.written(() => {
      store.add({
        ...options,
        id,
        name,
        description,
        media: options.media.map((given, index) => ({
          ...given,
          // Those that were left to us stay the same the next time.
          port: media[index]?.source.port ?? given.port,
          rtcpPort: given.rtcpPort === undefined ? undefined : media[index]?.source.rtcpPort,
        })),
      });
    });
  } catch (error) {
    mountpoint.close();
    throw error;
  }
}

type Specific = Omit<MountpointOptions, 'id'> & { legacy: boolean };

const TYPES: Readonly<Record<string, (context: StreamingContext, body: Body) => Specific>> = {
  rtp: readRtp,
  live: readFile,
  ondemand: readFile,
  rtsp: readRtsp,
};

// ---- all types ------------------------------------------------------------------

function readCommon(
  context: StreamingContext,
  body: Body,
): { options: Omit<MountpointOptions, 'media'>; permanent: boolean } {
  const fields = context.check(
    {
      id: optional(context.idCheck),
      name: optional(string, ''),
      description: optional(string),
      metadata: optional(string),
      is_private: optional(boolean, false),
      secret: optional(string, ''),
      pin: optional(string, ''),
      permanent: optional(boolean, false),
    },
    body,
  );
  const { stringIds } = context.settings;
  return {
    permanent: fields.permanent,
    options: {
      id: stringIds && (fields.id === undefined || fields.id === '') ? randomUUID() : fields.id,
      name: given(fields.name),
      description: fields.description,
      metadata: fields.metadata,
      isPrivate: fields.is_private,
      secret: given(fields.secret),
      pin: given(fields.pin),
    },
  };
}

/** Errors of the TypeScript interface name its options; clients know other names. */
export function inWireWords<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === 'HG_ERR_CLOSED') throw error;
    throw new PluginError(ERROR.CANNOT_CREATE, translate(error.message));
  }
}

const WIRE_NAMES: Readonly<Record<string, string>> = {
  payloadType: 'pt',
  multicast: 'mcast',
  interface: 'iface',
  rtcpPort: 'rtcpport',
  'keyframeBuffer.ms': 'bufferkf_ms',
  'keyframeBuffer.bytes': 'bufferkf_bytes',
};

function translate(text: string): string {
  return text
    .replace(/^createMountpoint\./, '')
    .replace(/^(media\[\d+\]\.)?([\w.]+):/, (_all, where: string | undefined, field: string) => {
      return `${where ?? ''}${WIRE_NAMES[field] ?? field}:`;
    });
}

function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function cannot(text: string): PluginError {
  return new PluginError(ERROR.CANNOT_CREATE, text);
}

/** What is asked for is right, and not there yet. */
export class NotYetError extends PluginError {
  constructor(what: string) {
    super(ERROR.CANNOT_CREATE, `not supported yet: ${what}`);
  }
}

// ---- type rtp -------------------------------------------------------------------

const RTP = {
  collision: optional(positiveInteger),
  bufferkf_ms: optional(positiveInteger),
  bufferkf_bytes: optional(positiveInteger),
  // One thread serves all viewers of a shard: nothing to help with.
  threads: optional(positiveInteger),
  srtpsuite: optional(positiveInteger),
  srtpcrypto: optional(string),
  e2ee: optional(boolean),
  playoutdelay_ext: optional(boolean),
  abscapturetime_src_ext_id: optional(positiveInteger, 0),
};

function readRtp(context: StreamingContext, body: Body): Specific {
  const { media } = context.check({ media: optional(array) }, body);
  const legacy = media === undefined;
  const streams = legacy ? readLegacyStreams(context, body) : readStreams(context, media);
  if (streams.length === 0) throw cannot('nothing to stream: "media" must name at least one stream');
  const fields = context.check(RTP, body);
  if (fields.srtpsuite !== undefined) {
    if (fields.srtpsuite !== 32 && fields.srtpsuite !== 80) throw cannot('"srtpsuite" must be 32 or 80');
    throw new NotYetError('SRTP sources ("srtpsuite")');
  }
  if (fields.abscapturetime_src_ext_id > 14) {
    throw new PluginError(ERROR.INVALID, '"abscapturetime_src_ext_id" must be from 1 to 14');
  }
  return {
    legacy,
    media: streams,
    portRange: context.settings.portRange,
    collision: fields.collision,
    keyframeBuffer: { ms: fields.bufferkf_ms, bytes: fields.bufferkf_bytes },
    e2ee: fields.e2ee,
    playoutDelay: fields.playoutdelay_ext,
  };
}

/** What is asked for one stream, in either form. */
interface Stream {
  port: number;
  pt?: number | undefined;
  codec?: string | undefined;
  rtpmap?: string | undefined;
  fmtp?: string | undefined;
  mcast?: string | undefined;
  iface?: string | undefined;
  rtcpport?: number | undefined;
  label?: string | undefined;
  msid?: string | undefined;
  simulcast?: boolean | undefined;
  port2?: number | undefined;
  port3?: number | undefined;
  skew?: boolean | undefined;
  h264sps?: string | undefined;
}

const STREAM = {
  port: positiveInteger,
  label: optional(string),
  msid: optional(string),
  mcast: optional(string),
  iface: optional(string),
  rtcpport: optional(positiveInteger),
  pt: optional(integer),
  codec: optional(string),
  rtpmap: optional(string),
  fmtp: optional(string),
  skew: optional(boolean),
  simulcast: optional(boolean),
  port2: optional(positiveInteger),
  port3: optional(positiveInteger),
  // All layers go on as they come.
  svc: optional(boolean),
  h264sps: optional(string),
};

function readStreams(context: StreamingContext, media: readonly unknown[]): MountpointMediaOptions[] {
  return media.map((stream, index) => {
    const where = `media[${String(index)}]`;
    const fields = isObject(stream) ? stream : {};
    const { type, mid } = context.check({ type: string, mid: string }, fields, where);
    if (type === 'data') throw new NotYetError(`data streams (${where})`);
    if (type !== 'audio' && type !== 'video') throw cannot(`${where}.type must be audio, video or data`);
    return toOptions(context, type, mid, context.check(STREAM, fields, where), (field) => `${where}.${field}`);
  });
}

const LEGACY_FIELDS = {
  audio: {
    port: positiveInteger,
    pt: integer,
    codec: string,
    rtpmap: string,
    fmtp: string,
    mcast: string,
    iface: string,
    rtcpport: positiveInteger,
    skew: boolean,
  },
  video: {
    port: positiveInteger,
    pt: integer,
    codec: string,
    rtpmap: string,
    fmtp: string,
    mcast: string,
    iface: string,
    rtcpport: positiveInteger,
    skew: boolean,
    simulcast: boolean,
    port2: positiveInteger,
    port3: positiveInteger,
    svc: boolean,
  },
} as const;

function readLegacyStreams(context: StreamingContext, body: Body): MountpointMediaOptions[] {
  const kinds = context.check(
    { audio: optional(boolean, false), video: optional(boolean, false), data: optional(boolean, false) },
    body,
  );
  const streams: MountpointMediaOptions[] = [];
  for (const kind of ['audio', 'video'] as const) {
    if (!kinds[kind]) continue;
    // `port` is `audioport` on the wire, and only it must be there.
    const shape: Shape = {};
    for (const [field, check] of Object.entries(LEGACY_FIELDS[kind])) {
      shape[kind + field] = field === 'port' ? check : optional<unknown>(check);
    }
    const { h264sps } = context.check({ h264sps: optional(string) }, body);
    const values = Object.entries(context.check(shape, body)).map(([field, value]) => [
      field.slice(kind.length),
      value,
    ]);
    const stream = { ...Object.fromEntries(values), h264sps: kind === 'video' ? h264sps : undefined } as Stream;
    streams.push(toOptions(context, kind, kind === 'audio' ? 'a' : 'v', stream, (field) => kind + field));
  }
  if (kinds.data) {
    context.check({ dataport: positiveInteger }, body);
    throw new NotYetError('data streams ("data")');
  }
  return streams;
}

function toOptions(
  context: StreamingContext,
  type: 'audio' | 'video',
  mid: string,
  stream: Stream,
  nameOf: (field: string) => string,
): MountpointMediaOptions {
  if (stream.simulcast === true || (stream.port2 ?? 0) > 0 || (stream.port3 ?? 0) > 0) {
    throw new NotYetError(`simulcast (${nameOf('simulcast')}, ${nameOf('port2')}, ${nameOf('port3')})`);
  }
  for (const field of ['skew', 'h264sps'] as const) {
    if (stream[field] === undefined || stream[field] === false) continue;
    context.host.logger.warn({ field: nameOf(field) }, `"${nameOf(field)}" is not supported yet and has no effect`);
  }
  return {
    type,
    mid,
    codec: codecOf(type, stream, nameOf).name,
    port: stream.port,
    // 0 and -1 are what people write who do not care.
    payloadType: stream.pt !== undefined && stream.pt > 0 ? stream.pt : undefined,
    fmtp: given(stream.fmtp ?? ''),
    label: stream.label,
    msid: given(stream.msid ?? ''),
    multicast: given(stream.mcast ?? ''),
    interface: given(stream.iface ?? ''),
    rtcpPort: stream.rtcpport,
  };
}

/** By name, or in the old way by rtpmap. */
function codecOf(type: 'audio' | 'video', { codec, rtpmap }: Stream, nameOf: (field: string) => string): Codec {
  const field = codec === undefined ? 'rtpmap' : 'codec';
  const text = codec ?? rtpmap;
  if (text === undefined) {
    throw cannot(`${nameOf('codec')} is missing: it must be one of ${codecNames(type)}`);
  }
  const found = field === 'codec' ? findCodec(text) : findCodecByRtpmap(text);
  if (found?.kind !== type) {
    throw cannot(
      `${nameOf(field)}: ${JSON.stringify(text.slice(0, 40))} is no ${type} codec known here; there are ${codecNames(type)}`,
    );
  }
  return found;
}

// ---- types live, ondemand and rtsp: checked, and not there yet --------------------

const FILE_EXTENSIONS = ['.opus', '.alaw', '.mulaw'];

function readFile(context: StreamingContext, body: Body): never {
  const { type, filename, audio, video } = context.check(
    { type: string, filename: string, audio: optional(boolean, false), video: optional(boolean, false) },
    body,
  );
  if (!audio || video) throw cannot(`"audio" must be true and "video" false: a ${type} mountpoint plays audio files`);
  if (filename.split('/').includes('..')) throw cannot('"filename" must not lead out of its folder with ..');
  if (!FILE_EXTENSIONS.some((extension) => filename.endsWith(extension))) {
    throw cannot(`"filename" must end in ${FILE_EXTENSIONS.join(', ')}`);
  }
  throw new NotYetError(`type ${type}`);
}

function readRtsp(context: StreamingContext, body: Body): never {
  const { audio, video } = context.check({ audio: optional(boolean, false), video: optional(boolean, false) }, body);
  if (!audio && !video) throw cannot('"audio" or "video" must be true');
  context.check(
    { url: string, rtsp_user: optional(string), rtsp_pwd: optional(string), rtspiface: optional(string) },
    body,
  );
  throw new NotYetError('type rtsp');
}
