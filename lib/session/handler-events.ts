/** Events as Janus gives them to its event handlers: the same objects, member by member. */

/** What there are events of, and the number that Janus has for it. */
export const EVENT_TYPES = {
  session: 1,
  handle: 2,
  /** The application's own, see {@link Gateway.customEvent}. */
  external: 4,
  jsep: 8,
  webrtc: 16,
  media: 32,
  plugin: 64,
  transport: 128,
  core: 256,
} as const;

/** One of {@link EVENT_TYPES}. */
export type EventKind = keyof typeof EVENT_TYPES;

/** A connection of a client: an HTTP request, a WebSocket. */
export interface TransportRef {
  /** Package name: `janus.transport.websockets`. */
  transport: string;
  /** Names it within the gateway. */
  id: string;
}

export type SessionEventData = { name: 'created'; transport: TransportRef } | { name: 'destroyed' | 'timeout' };

export interface HandleEventData {
  name: 'attached' | 'detached';
  plugin: string;
  opaque_id?: string;
}

export interface ExternalEventData {
  /** What `data` is, as its readers agreed. */
  schema: string;
  data: object;
}

export interface JsepEventData {
  /** Whose description it is; `local`: ours. */
  owner: 'local' | 'remote';
  jsep: { type: 'offer' | 'answer'; sdp: string };
}

/** One end of a selected pair of candidates. */
export interface PairedAddress {
  address: string;
  port: number;
  type: string;
  transport: string;
  /** 4 or 6. */
  family: number;
}

interface Component {
  stream_id: 1;
  component_id: number;
}

/** By `subtype`: 1 ICE, 2 and 3 candidates, 4 the selected pair, 5 DTLS, 6 the whole. */
export type WebrtcEventData =
  | ({ ice: 'gathering' | 'connecting' | 'connected' | 'ready' | 'disconnected' | 'failed' } & Component)
  | ({ 'local-candidate': string } & Component)
  | ({ 'remote-candidate': string } & Component)
  | ({ 'selected-pair': string; candidates: { local: PairedAddress; remote: PairedAddress } } & Component)
  | ({ dtls: 'trying' | 'connected'; retransmissions: number } & Component)
  | { connection: 'webrtcup' }
  | { connection: 'hangup'; reason: string };

/** Counters of one m-line, since it began. Bytes are of RTP packets, times in milliseconds. */
export interface MediaStatistics {
  mid: string;
  mindex: number;
  /** `video-sim1` and `video-sim2`: the second and third stream of a simulcast, lowest quality first. */
  media: 'audio' | 'video' | 'video-sim1' | 'video-sim2' | 'data';
  codec?: string;
  /** RTP clock rate. */
  base?: number;
  rtt?: number;
  lost?: number;
  'lost-by-remote'?: number;
  'jitter-local'?: number;
  'jitter-remote'?: number;
  /** Percent of packets that came at once, of the last period; 0: none came. `media`: also those that were sent again. */
  'in-link-quality'?: number;
  'in-media-link-quality'?: number;
  /** The same for what we sent, as the last receiver report has it. */
  'out-link-quality'?: number;
  'out-media-link-quality'?: number;
  'packets-received': number;
  'packets-sent': number;
  'bytes-received': number;
  'bytes-sent': number;
  'bytes-received-lastsec'?: number;
  'bytes-sent-lastsec'?: number;
  'nacks-received'?: number;
  'nacks-sent'?: number;
  'retransmissions-received'?: number;
  /** Its last estimate (REMB), bit/s. */
  'remb-bitrate'?: number;
}

/** By `subtype`: 1 receiving, 2 slow link, 3 statistics: of one m-line, or of all in a list (`combineStatistics`). */
export type MediaEventData =
  | { media: 'audio' | 'video'; mid: string; substream?: number; receiving: boolean; seconds?: number }
  | { media: 'audio' | 'video'; mid: string; slow_link: 'uplink' | 'downlink'; lost_lastsec: number }
  | MediaStatistics
  | MediaStatistics[];

export interface PluginEventData {
  plugin: string;
  data: object;
}

export interface TransportEventData extends TransportRef {
  data:
    | { event: 'request' | 'connected'; admin_api: boolean; ip?: string; port?: number }
    | { event: 'disconnected'; admin_api?: boolean };
}

/** By `subtype`: 1 started, with what `info` answers; 2 shutdown. */
export type CoreEventData = { status: 'started'; info: object } | { status: 'shutdown' };

/** What stands in `event`, by kind. */
export interface EventData {
  session: SessionEventData;
  handle: HandleEventData;
  external: ExternalEventData;
  jsep: JsepEventData;
  webrtc: WebrtcEventData;
  media: MediaEventData;
  plugin: PluginEventData;
  transport: TransportEventData;
  core: CoreEventData;
}

/** An event as handlers get it. */
export interface HandlerEvent<Kind extends EventKind = EventKind> {
  /** The gateway's `serverName`. */
  emitter: string;
  /** {@link EVENT_TYPES} */
  type: (typeof EVENT_TYPES)[Kind];
  subtype?: number;
  /** Microseconds since 1970. */
  timestamp: number;
  session_id?: number;
  handle_id?: number;
  opaque_id?: string;
  event: EventData[Kind];
}

/** Whom an event is about. */
export interface EventSubject {
  sessionId?: number;
  handleId?: number;
  opaqueId?: string | undefined;
  subtype?: number;
  /** Default: now. */
  timestamp?: number;
}
