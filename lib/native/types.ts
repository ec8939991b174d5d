/**
 * What the addon exports, typed. Meaning is checked above this boundary, where
 * messages are good; the addon checks only what could corrupt memory.
 * Failures arrive as {@link NativeFailure}.
 *
 * Units: milliseconds, bit/s and bytes unless the name says otherwise.
 */

/** Thrown by addon calls: an `Error` with these members. `code` is an errno name or one of our own. */
export interface NativeFailure extends Error {
  /** `EADDRINUSE`, `EACCES`, `ENODEV`, `EMFILE`, …, `HG_ERR_CERTIFICATE`, `HG_ERR_OPENSSL`, `HG_ERR_CLOSED`, `HG_ERR_ARGUMENT` */
  readonly code: string;
}

export interface NativeAddon {
  readonly Engine: new (options: NativeEngineOptions, onEvents: (events: NativeEvent[]) => void) => NativeEngine;
  /** Binds at once; throws with the errno's name: `EADDRINUSE` if somebody listens there, `EEXIST` if it is no socket. */
  readonly UnixServer: new (
    options: NativeUnixServerOptions,
    onEvents: (events: NativeUnixEvent[]) => void,
  ) => NativeUnixServer;
  /** What the addon runs on. */
  readonly versions: NativeVersions;
}

export interface NativeVersions {
  /** `libsrtp2 2.5.0` */
  readonly srtp: string;
  /** `openssl` when built from source against Node's OpenSSL; `system` when the system's libsrtp2 serves. */
  readonly srtpBackend: 'openssl' | 'system';
  /** `OpenSSL 3.0.16 …`: the one that runs. */
  readonly openssl: string;
  /** `0.1.21` */
  readonly libnice: string;
}

export interface NativeEngineOptions {
  mediaThreads: number;
  /** Addresses for host candidates, textual. Never empty. */
  localAddresses: string[];
  /** Ports of host candidates; 0 and 0: any. */
  portMin: number;
  portMax: number;
  /** PEM texts; absent: an ECDSA P-256 certificate is made. */
  certificate?: { chain: string; key: string; password: string };
  /** Largest DTLS handshake datagram, bytes. */
  dtlsMtu: number;
  /** Packets younger than this are resent, milliseconds; 0: no NACK is answered. */
  maxNackQueue: number;
  /** A peer that was connected and fell silent is closed this much later, milliseconds. */
  silentPeerTimeout: number;
  /** Longest wait from the remote description to connected DTLS, milliseconds. */
  setupTimeout: number;
  /** Silence after which a source is reported as not receiving, milliseconds; 0: never. */
  noMediaTimeout: number;
  /** Packets of a track lost in a second, either way, for a `slowlink` event; 0: never. */
  slowLinkThreshold: number;
}

export interface NativeEngine {
  /** Upper-case hex pairs of the engine's certificate; `sha-256`, `sha-384` or `sha-512`. */
  fingerprint(algorithm: string): string;
  createPeer(options: NativePeerOptions): NativePeer;
  /** Binds at once; throws with the errno's name if a port cannot be had. */
  createUdpSource(options: NativeUdpSourceOptions): NativeSource;
  /** Makes the file at once; throws with the errno's name if it cannot be written. */
  createRecorder(options: NativeRecorderOptions): NativeRecorder;
  /** Opens the file, as it is on disk when this returns. */
  createCapture(options: NativeCaptureOptions): NativeCapture;
  createTap(options: NativeTapOptions): NativeTap;
  /** A `taps-ready` event follows the next packet; what came before may have had its event: read once more. */
  armTaps(): void;
  createInjector(options: NativeInjectorOptions): NativeInjector;
  /** For all peers and sources there are and come, within a second. */
  tune(tuning: Pick<NativeEngineOptions, 'maxNackQueue' | 'noMediaTimeout' | 'slowLinkThreshold'>): void;
  /** `log` events of what libnice does, of all engines of the process. */
  setIceDebug(on: boolean): void;
  stats(): NativeEngineStats;
  /** Stops and joins the media threads; everything made by this engine is closed. */
  close(): void;
}

export interface NativePeerOptions {
  /** We offer: ICE controlling. */
  controlling: boolean;
}

export interface NativeRemote {
  ufrag: string;
  pwd: string;
  /** Our DTLS role: `client` sends the ClientHello. */
  dtlsRole: 'client' | 'server';
  fingerprints: { algorithm: string; value: string }[];
  /** Audio or video was agreed to, so DTLS without an SRTP profile is of no use. */
  media: boolean;
}

export interface NativeOutgoingTrack {
  mid: string;
  kind: 'audio' | 'video';
  /** 32-bit, non-zero. */
  ssrc: number;
  payloadType: number;
  clockRate: number;
  /** Both 0: no RTX (RFC 4588), plain resends. */
  rtxSsrc: number;
  rtxPayloadType: number;
  /** The peer sends Generic NACKs (RFC 4585) for it. */
  nack: boolean;
  /** RED (RFC 2198); undefined: the peer gets the primary encoding alone. */
  redPayloadType?: number;
  extensions: { mid: number; absSendTime: number; transportWideCc: number } & NativePassedExtensions;
}

/** Ids (RFC 8285) of those header extensions that go from source to viewers; 0: not negotiated. */
export interface NativePassedExtensions {
  audioLevel: number;
  videoOrientation: number;
  playoutDelay: number;
  dependencyDescriptor: number;
}

/** As negotiated. */
export interface NativeIncoming {
  tracks: {
    mid: string;
    /** The codec's, then RED's. */
    payloadTypes: number[];
    rtxPayloadType?: number;
    redPayloadType?: number;
    nack: boolean;
    pli: boolean;
    fir: boolean;
    /** One at least. Rid `''` and SSRC 0: not said. */
    encodings: { rid: string; ssrc: number; rtxSsrc: number; source: NativeSource }[];
  }[];
  /** RFC 8285 ids, 0: not negotiated. */
  extensions: { mid: number; rid: number; repairedRid: number; transportWideCc: number } & NativePassedExtensions;
}

export interface NativeLayerTarget {
  /** 0: the lowest; more than there are: the highest. */
  substream: number;
  spatial: number;
  temporal: number;
  /** An encoding that was silent for this long is left for a lower one, milliseconds. */
  fallback: number;
}

export interface NativePeer {
  readonly id: number;
  /**
   * The remote description is known; ICE checks and DTLS go on from here. Once
   * more after {@link restartIce}: only ufrag and pwd count then.
   */
  setRemote(remote: NativeRemote): void;
  /** New local credentials; a `gathered` event follows. */
  restartIce(): void;
  /** A candidate's text, with or without `a=`. What cannot be used is ignored. */
  addCandidate(candidate: string): void;
  endOfCandidates(): void;
  /** Index of the new track: its `track` in events, links and statistics. */
  addTrack(track: NativeOutgoingTrack): number;
  /** In the place of another; with its SSRC it is that one with other numbers. */
  setTrack(index: number, track: NativeOutgoingTrack): void;
  /** A source that this peer will feed, once {@link setIncoming} names it. */
  createSource(options: { kind: 'audio' | 'video'; codec: string; clockRate: number }): NativeSource;
  /** What the peer sends; replaces what was said before. */
  setIncoming(incoming: NativeIncoming): void;
  /** It shall send no more than this (REMB), bit/s; 0: as much as it likes. */
  setMaxBitrate(bitrate: number): void;
  /** What the track sends from now on, the lowest encoding first; none: nothing. */
  link(track: number, encodings: readonly NativeSource[]): void;
  /** Which of the encodings and layers; until it is called the highest. `layers` events follow. */
  setLayers(track: number, target: NativeLayerTarget): void;
  /** While paused nothing is sent; on resume a keyframe is requested. */
  setPaused(track: number, paused: boolean): void;
  /** Data channels were agreed to: the other side's SCTP port. */
  enableData(options: { port: number }): void;
  /** Opens one, as soon as there is an association. */
  createChannel(options: NativeChannelOptions): NativeDataChannel;
  /** While paused the other side has to wait, on all channels. */
  setDataPaused(paused: boolean): void;
  stats(): NativePeerStats;
  /** Its packets go there from now on, instead of to another. False: too many peers are captured. */
  capture(capture: NativeCapture): boolean;
  /** Sends DTLS close_notify and frees everything; a `closed` event follows. */
  close(): void;
}

export interface NativeChannelOptions {
  /** Each at most 2048 bytes of UTF-8. */
  label: string;
  protocol: string;
  ordered: boolean;
  /** At most one of them; none: reliable. */
  maxRetransmits: number | undefined;
  /** Milliseconds. */
  maxPacketLifeTime: number | undefined;
}

export interface NativeDataChannel extends Readonly<NativeChannelOptions> {
  /** Its `channel` in events; never used again for the same peer. */
  readonly key: number;
  /** Bytes that were taken and SCTP has not got yet. */
  readonly bufferedAmount: number;
  /** False: not taken, `channel-low` follows. */
  send(data: string | Uint8Array): boolean;
  /** What comes here leaves by that one too, and is no event any more. */
  pipe(target: NativeDataChannel, mayDrop: boolean): void;
  unpipe(): void;
  close(): void;
}

export interface NativeDataStats {
  /** Open ones, and those that are being opened or closed. */
  channels: number;
  messagesReceived: number;
  bytesReceived: number;
  messagesSent: number;
  bytesSent: number;
  /** Messages that were larger than we take. */
  oversize: number;
  /** Messages for no channel, of an unknown kind, or broken. */
  unexpected: number;
  /** Messages that `send` did not take. */
  refused: number;
  /** Messages that a piped channel had no room for. */
  pipeDropped: number;
  /** SCTP packets that found the way between two threads full; they come again. */
  packetsDropped: number;
}

export interface NativeUdpSourceOptions {
  kind: 'audio' | 'video';
  /** Lower-case SDP encoding name: finds the keyframe detector. */
  codec: string;
  clockRate: number;
  /** 0: any port out of portMin..portMax (0, 0: any at all). */
  port: number;
  portMin: number;
  portMax: number;
  /** Undefined: no RTCP; 0: any port. */
  rtcpPort?: number;
  /** Local address to bind, textual; undefined: all, IPv4 and IPv6. */
  address?: string;
  /** Multicast group to join, IPv4 or IPv6. */
  group?: string;
  /** Interface for the group: a name or one of its addresses. */
  interface?: string;
  /** A new SSRC is dropped until the old one was silent this long; 0: switch freely. */
  collision: number;
  /** Keep packets from the last keyframe on up to this span and size for newcomers; both 0: none. */
  keyframeBufferMs: number;
  keyframeBufferBytes: number;
}

export interface NativeSource {
  readonly id: number;
  readonly port: number;
  /** 0: none. */
  readonly rtcpPort: number;
  requestKeyframe(): void;
  /** A disabled source drops what arrives. */
  setEnabled(enabled: boolean): void;
  /** `source-talking` events by the average of so many packets, -dBov; null: no more of them. */
  detectTalking(limits: { packets: number; level: number } | null): void;
  stats(): NativeSourceStats;
  close(): void;
}

export interface NativeSourceStats {
  packets: number;
  bytes: number;
  /** Milliseconds since the last packet (since creation when none). */
  age: number;
  /** Packets missing in the source's own sequence. */
  lost: number;
  /** Not RTP, cut headers, unknown version. */
  invalid: number;
  /** Foreign SSRCs refused by `collision`, while disabled, full queues. */
  dropped: number;
  /** Distinct RTP timestamps. */
  frames: number;
  keyframes: number;
  keyframeRequests: number;
  /** The source started anew: another SSRC, a jump. */
  restarts: number;
  /** Dependency descriptors that cannot be read. */
  invalidDescriptors: number;
  /** Average while talking is detected, -dBov; undefined before the first. */
  audioLevel?: number;
  /** Of a peer's track: packets asked for again, each time counted. */
  nacks: number;
  /** Those that came as RTX, padding too. */
  retransmitted: number;
  /** Of those asked for. */
  recovered: number;
  givenUp: number;
  /** RFC 3550 section 6.4.1, milliseconds. */
  jitter: number;
  /** 0..1, of the last second; of a peer's track. */
  fractionLost: number;
  /** Largest packet seen, bytes. */
  largestPacket: number;
  ssrc: number;
  /** Links that send it, over all media threads. */
  viewers: number;
  /** bit/s over the last second. */
  bitrate: number;
}

export interface NativeRecorderOptions {
  kind: 'audio' | 'video' | 'data';
  /** A JSON object, as it stands at the head of the file; the time of the first frame is added. */
  info: string;
  path: string;
  /** Its name while it is written; may be the same. */
  temporaryPath: string;
}

export interface NativeRecorder {
  readonly id: number;
  /** What is recorded from now on; null: nothing. */
  link(source: NativeSource | null): void;
  /** While paused nothing is recorded; on resume a keyframe is requested. */
  setPaused(paused: boolean): void;
  /** A message, into a recording of data. False: too long, or dropped because the disk does not keep up. */
  write(message: Uint8Array): boolean;
  stats(): NativeRecorderStats;
  /** Finishes the file; a `recorder-closed` event follows, unless there was one that told of an error. */
  close(): void;
}

export interface NativeRecorderStats {
  /** RTP packets or messages in the file, or to be there within a second. */
  packets: number;
  /** Of the file. */
  bytes: number;
  /** Not written because the disk did not keep up. */
  dropped: number;
  /** From the first packet to the newest, milliseconds. */
  duration: number;
}

export interface NativeCaptureOptions {
  path: string;
  format: 'pcap' | 'text2pcap';
  /** Bytes of each packet that are kept, at most 65,535; 0: all. */
  truncate: number;
  /** At the end of each line of text. */
  label: string;
}

/** The packets of peers in a file: see `NativePeer.capture`. */
export interface NativeCapture {
  readonly id: number;
  stats(): NativeCaptureStats;
  /** Finishes the file; a `capture-closed` event follows, unless there was one that told of an error. */
  close(): void;
}

export interface NativeCaptureStats {
  /** In the file, or to be there within a second. */
  packets: number;
  /** Of the file. */
  bytes: number;
  /** Not written because the disk did not keep up. */
  dropped: number;
}

export interface NativeTapOptions {
  /** That wait at most, 1 to 16,384; rounded up to a power of two. */
  maxPackets: number;
}

export interface NativeTap {
  /** What it gets from now on; null: nothing. */
  link(source: NativeSource | null): void;
  /** While paused nothing comes; on resume a keyframe is requested. */
  setPaused(paused: boolean): void;
  /**
   * What waits, in one piece of memory of its own; null: nothing does. First 16 bytes for each packet, in the byte order of the
   * machine: arrival (f64, milliseconds of the monotonic clock), offset (u32), size (u16), 1 if it is the first of
   * a keyframe (u16). Then the packets.
   */
  read(): Uint8Array<ArrayBuffer> | null;
  stats(): NativeTapStats;
  /** What waits is gone. */
  close(): void;
}

export interface NativeTapStats {
  /** Handed over. */
  packets: number;
  /** Of them. */
  bytes: number;
  /** Left out because too many waited. */
  dropped: number;
  /** Not handed over yet. */
  waiting: number;
}

export interface NativeInjectorOptions {
  kind: 'audio' | 'video';
  /** Lower-case SDP encoding name: finds the keyframe detector. */
  codec: string;
  clockRate: number;
  /** As of a UDP source. */
  keyframeBufferMs: number;
  keyframeBufferBytes: number;
}

export interface NativeInjector {
  /** To be linked, and closed. Its `keyframe-wanted` events are for the application. */
  readonly source: NativeSource;
  /**
   * Copies at most 1024 packets of at most 2048 bytes. False: none was taken, and `injector-low` follows. An array
   * of our own, without accessors.
   */
  write(packets: Uint8Array[]): boolean;
  stats(): NativeInjectorStats;
}

export interface NativeInjectorStats {
  /** Packets that `write` did not take. */
  refused: number;
  /** Written, and not taken in by the media thread yet. */
  waiting: number;
}

export interface NativeOutgoingTrackStats {
  mid: string;
  ssrc: number;
  packets: number;
  bytes: number;
  bytesLastSecond: number;
  /** Resent for NACKs, RTX or plain. */
  retransmitted: number;
  /** Asked for but too old, unknown, too soon or over the share. */
  notRetransmitted: number;
  nacks: number;
  plis: number;
  firs: number;
  /** From the peer's receiver reports (RFC 3550 section 6.4.1). */
  remoteLost: number;
  /** 0..1 */
  remoteFractionLost: number;
  /** RTP clock units. */
  remoteJitter: number;
  /** Milliseconds; undefined until known. */
  roundTripTime?: number;
}

export interface NativePeerStats {
  iceState: NativeIceState;
  dtlsState: 'new' | 'connecting' | 'connected' | 'closed' | 'failed';
  dtlsRetransmissions: number;
  /** `AEAD_AES_128_GCM`, …; undefined before the handshake. */
  srtpProfile?: string;
  localCandidate?: string;
  remoteCandidate?: string;
  /** All that are known, those learnt from checks too: `candidate:…` values. */
  remoteCandidates: string[];
  /** The shortest known, milliseconds. */
  roundTripTime?: number;
  /** Microseconds of the monotonic clock when it happened first; 0: not yet. */
  gatheredAt: number;
  iceConnectedAt: number;
  dtlsStartedAt: number;
  dtlsConnectedAt: number;
  bytesSent: number;
  packetsSent: number;
  bytesReceived: number;
  packetsReceived: number;
  /** Datagrams from addresses that ICE has not validated. */
  foreignDatagrams: number;
  /** SRTP/SRTCP that failed authentication or was replayed. */
  srtpFailures: number;
  /** RTP nobody asked for, cut or unknown datagrams. */
  unexpectedDatagrams: number;
  /** Not sent because the socket was full or the path refused. */
  sendDropped: number;
  /** Last REMB of the peer, bit/s; 0: none. */
  remb: number;
  /** transport-wide cc feedback messages and packets reported lost. */
  transportCcReports: number;
  transportCcLost: number;
  tracks: NativeOutgoingTrackStats[];
  /** Undefined: no data channels. */
  data?: NativeDataStats;
}

export type NativeIceState = 'new' | 'checking' | 'connected' | 'disconnected' | 'failed';

export interface NativeEngineStats {
  peers: number;
  sources: number;
  /** Per media thread, as of the last second. */
  threads: NativeThreadStats[];
  /** Events that found the queue full. */
  droppedEvents: number;
}

/** Sums are over what there is and what there was: they never fall. */
export interface NativeThreadStats {
  peers: number;
  /** Processor time, milliseconds. */
  cpuTime: number;
  /** Of its loop. */
  turns: number;
  /** Blocks of memory for packets, each of which holds one, in use or free. */
  poolBlocks: number;
  /** Packets that found no block free. */
  poolExhausted: number;
  /** The kernel sends runs of packets for us (UDP_SEGMENT). */
  gso: boolean;
  /** Datagrams to peers and from them, RTCP and DTLS too. */
  packetsSent: number;
  packetsReceived: number;
  bytesSent: number;
  bytesReceived: number;
  /** To peers, for NACKs; RTX or plain. */
  retransmitted: number;
  /** Asked for but too old, unknown, too soon or over the share. */
  notRetransmitted: number;
  /** From peers: messages that ask for packets again. */
  nacksReceived: number;
  /** From peers: PLI and FIR. */
  keyframeRequestsReceived: number;
  /** To peers: the socket was full or the path refused. */
  sendDropped: number;
  /** SRTP/SRTCP that failed authentication or was replayed. */
  srtpFailures: number;
  /** Datagrams from addresses that ICE has not validated. */
  foreignDatagrams: number;
  /** RTP nobody asked for, cut or unknown datagrams. */
  unexpectedDatagrams: number;
  /** RTP packets of sources, peers' incoming tracks too. */
  sourcePackets: number;
  sourceBytes: number;
  /** Missing in their sequence numbers. */
  sourceLost: number;
  /** Not RTP, cut headers, unknown version. */
  sourceInvalid: number;
  /** Foreign SSRCs, while disabled, full queues. */
  sourceDropped: number;
  /** Datagrams of sources that the kernel dropped because we read too late. */
  socketDrops: number;
  /** To peers that send: packets asked for again, each time counted. */
  nacksSent: number;
  /** To peers that send, and to sources with an RTCP port. */
  keyframeRequestsSent: number;
}

export type NativeEvent =
  | { type: 'log'; level: 'trace' | 'debug' | 'info' | 'warn' | 'error'; where: string; message: string }
  /** ICE credentials and every local candidate: `candidate:…` values. */
  | { type: 'gathered'; peer: number; ufrag: string; pwd: string; candidates: string[] }
  | { type: 'ice'; peer: number; state: NativeIceState }
  /** DTLS done, SRTP keyed: media can flow. Once per peer. The profile is empty if there is no media. */
  | { type: 'connected'; peer: number; srtpProfile: string }
  /** ICE or silence: media is paused until `ice` says connected again. */
  | { type: 'closed'; peer: number; reason: NativeCloseReason; detail: string }
  /** Packets the peer reported lost in the last second, per track. */
  | { type: 'slowlink'; peer: number; mid: string; uplink: boolean; lost: number }
  /** What a track sends from now on. */
  | { type: 'layers'; peer: number; track: number; substream: number; spatial: number; temporal: number }
  | NativeChannelEvent
  | { type: 'source-receiving'; source: number; receiving: boolean }
  /** Somebody began or ended to talk; `level`: the average, -dBov. */
  | { type: 'source-talking'; source: number; talking: boolean; level: number }
  /** A packet too large for the path to viewers, once per source. */
  | { type: 'source-oversize'; source: number; size: number; limit: number }
  /** Packets were dropped since the last such event: the disk does not keep up. `dropped` counts from the start. */
  | { type: 'recorder-full'; recorder: number; dropped: number }
  /** The file is finished. With a code (an errno's name) it could not be written any more. */
  | { type: 'recorder-closed'; recorder: number; code: string; message: string }
  /** Packets were dropped since the last such event: the disk does not keep up. `dropped` counts from the start. */
  | { type: 'capture-full'; capture: number; dropped: number }
  /** The file is finished. With a code (an errno's name) it could not be written any more. */
  | { type: 'capture-closed'; capture: number; code: string; message: string }
  /** Packets wait in taps. */
  | { type: 'taps-ready' }
  /** Of an injector's source: a batch fits again. */
  | { type: 'injector-low'; source: number }
  /** Of an injector's source: whoever feeds it shall send a keyframe. */
  | { type: 'keyframe-wanted'; source: number };

/** Of the data channels of a peer; `channel` is a key, but for the first. */
export type NativeChannelEvent =
  /** Opened by the other side, or it has agreed to ours. */
  | { type: 'channel-open'; peer: number; channel: NativeDataChannel; stream: number }
  | { type: 'channel-message'; peer: number; channel: number; data: string | Uint8Array }
  | { type: 'channel-low'; peer: number; channel: number }
  | { type: 'channel-closed'; peer: number; channel: number };

/** `api`: our own close(). */
export type NativeCloseReason =
  | 'api'
  | 'dtls-alert'
  | 'dtls-error'
  | 'dtls-timeout'
  | 'ice-failed'
  | 'gathering-error';

export interface NativeUnixServerOptions {
  /** Absolute. */
  path: string;
  /** SOCK_DGRAM, else SOCK_SEQPACKET. */
  datagrams: boolean;
  maxMessage: number;
  /** What may wait for one client. */
  maxBuffered: number;
}

export interface NativeUnixServer {
  /** `too-slow`: more than `maxBuffered` waits; `too-long`: the system lets no such packet through. Neither is sent. */
  send(client: number, text: string): 'sent' | 'too-slow' | 'too-long' | 'gone';
  /**
   * Ends a connection. A client of SOCK_DGRAM is forgotten once it has got what
   * waits for it; if it comes again there is a `connected` for it again.
   */
  release(client: number): void;
  /** Ends all connections and removes the file. No events follow. */
  close(): void;
}

export type NativeUnixEvent =
  | { type: 'connected'; client: number }
  | { type: 'message'; client: number; text: string }
  /** Was longer than `maxMessage` and is dropped. */
  | { type: 'too-long'; client: number; size: number }
  | { type: 'gone'; client: number };
