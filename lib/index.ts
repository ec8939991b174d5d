/** The public surface: re-exports, nothing else. */
export { GatewayError, RemoteError, ResourceError, UsageError, type ErrorCode } from './errors.js';
export { Emitter } from './events.js';
export {
  Gateway,
  type EventOptions,
  type GatewayEvents,
  type GatewayOptions,
  type GatewayStats,
  type MediaOptions,
} from './gateway.js';
export {
  consoleLogger,
  LeveledLogger,
  silentLogger,
  type LeveledLoggerOptions,
  type LogControl,
  type Logger,
  type LogLevel,
  type LogTargets,
} from './logger.js';
export { prometheusMetrics, type PrometheusHandler, type PrometheusOptions } from './observe/metrics.js';
export {
  eventWebhook,
  EventWebhook,
  type EventWebhookEvents,
  type EventWebhookOptions,
  type EventWebhookStats,
  type WebhookChanges,
} from './observe/webhooks.js';
export {
  Capture,
  type CaptureEvents,
  type CaptureFormat,
  type CaptureOptions,
  type CaptureStats,
} from './peer/capture.js';
export { DataChannel, type DataChannelEvents, type DataChannelOptions } from './peer/data-channel.js';
export { findCodec, type Codec } from './peer/codecs/index.js';
export type { MediaTuning } from './peer/media-tuning.js';
export {
  IncomingTrack,
  OutgoingTrack,
  Peer,
  type AnswerOptions,
  type AnswerWish,
  type LayerTarget,
  type MediaState,
  type OfferData,
  type OfferLine,
  type OfferMedia,
  type OfferOptions,
  type OfferStopped,
  type PeerEvents,
  type PeerStats,
  type RemoteMedia,
  type TalkingOptions,
} from './peer/peer.js';
export type { Handle, Jsep } from './plugins/handle.js';
export {
  EchoTestPlugin,
  StreamingPlugin,
  type EchoTestOptions,
  type MountpointStore,
  type StoredChanges,
  type StoredMountpoint,
  type StreamingOptions,
} from './plugins/index.js';
export { asyncRequest, Plugin, PluginError, reply, request, type RequestContext } from './plugins/plugin.js';
export * as shape from './plugins/shape.js';
export { Injector, type InjectorEvents, type InjectorOptions, type InjectorStats } from './routing/injector.js';
export { link, type Link } from './routing/link.js';
export { Mountpoint, type MountpointOptions, type MountpointMediaOptions } from './routing/mountpoint.js';
export { readMjr, type MjrFile, type MjrInfo, type MjrRecord } from './routing/mjr.js';
export type { PacketBatch } from './routing/packet-batch.js';
export {
  DataRecorder,
  Recorder,
  type DataRecorderOptions,
  type RecorderEvents,
  type RecorderOptions,
  type RecorderStats,
} from './routing/recorder.js';
export { RtpPacket, type AudioLevel } from './routing/rtp-packet.js';
export type { Sink } from './routing/sink.js';
export type { Source } from './routing/source.js';
export { Tap, type TapEvents, type TapOptions, type TapStats } from './routing/tap.js';
export type { AuthDecision, Authenticate, AuthRequest } from './session/authenticate.js';
export { EventBus, type EventBusEvents, type EventHandler } from './session/event-bus.js';
export {
  EVENT_TYPES,
  type EventData,
  type EventKind,
  type HandlerEvent,
  type MediaStatistics,
} from './session/handler-events.js';
export type { LocalClient, LocalHandle } from './session/local-client.js';
export { janusAdminHttp } from './signalling/admin-http.js';
export { janusAdminWebSocket } from './signalling/admin-websocket.js';
export type { StoredToken, TokenStore } from './session/tokens.js';
export type { AclOptions } from './signalling/acl.js';
export { janusFastify } from './signalling/fastify.js';
export type { HttpEndpointOptions } from './signalling/http-endpoint.js';
export { janusHttp, type JanusHttpOptions } from './signalling/http.js';
export { janusKoa } from './signalling/koa.js';
export { janusAdminUnix, janusUnix, type JanusUnixOptions, type UnixSocketType } from './signalling/unix.js';
export { janusWebSocket } from './signalling/websocket.js';
export { checkToken, signToken, type SignedToken, type TokenUse } from './signed-token.js';
