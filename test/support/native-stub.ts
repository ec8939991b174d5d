/**
 * A native engine without sockets and threads, for tests of what is above it.
 * It keeps account of ports as the kernel would, answers when it is told to,
 * and remembers what it was asked for.
 */
import type {
  NativeCapture,
  NativeCaptureOptions,
  NativeCaptureStats,
  NativeChannelOptions,
  NativeCloseReason,
  NativeDataChannel,
  NativeEngine,
  NativeEngineStats,
  NativeEvent,
  NativeFailure,
  NativeInjector,
  NativeInjectorOptions,
  NativeInjectorStats,
  NativeIncoming,
  NativeLayerTarget,
  NativeOutgoingTrack,
  NativePeer,
  NativePeerOptions,
  NativePeerStats,
  NativeRecorder,
  NativeRecorderOptions,
  NativeRecorderStats,
  NativeRemote,
  NativeSource,
  NativeSourceStats,
  NativeTap,
  NativeTapOptions,
  NativeTapStats,
  NativeUdpSourceOptions,
} from '../../lib/native/types.js';

export const STUB_FINGERPRINT = Array.from({ length: 32 }, (_, index) =>
  (index * 7).toString(16).padStart(2, '0').toUpperCase(),
).join(':');

export function nativeFailure(code: string, message = code): NativeFailure {
  return Object.assign(new Error(message), { code });
}

export class StubEngine implements NativeEngine {
  readonly peers: StubPeer[] = [];
  readonly sources: StubSource[] = [];
  readonly recorders: StubRecorder[] = [];
  readonly captures: StubCapture[] = [];
  readonly taps: StubTap[] = [];
  readonly injectors: StubInjector[] = [];
  /** No event tells of packets in taps any more. */
  tapsReady = false;
  /** Code and text of what creating a recorder fails with. */
  recorderFailure: string | null = null;
  /** The same of a capture. */
  captureFailure: string | null = null;
  /** What it was tuned to, one after another. */
  readonly tuned: object[] = [];
  iceDebug = false;
  /** What every peer gathers. */
  candidates = [
    'candidate:1 1 udp 2015363327 192.0.2.7 49763 typ host',
    'candidate:2 1 udp 2015363071 2001:db8::7 49764 typ host',
  ];
  /** Whether peers gather by themselves; otherwise tests say when. */
  gathers = true;
  closed = false;
  readonly #onEvents: (events: NativeEvent[]) => void;
  #queue: NativeEvent[] = [];
  #next = 1;

  constructor(onEvents: (events: NativeEvent[]) => void) {
    this.#onEvents = onEvents;
  }

  fingerprint(algorithm: string): string {
    if (algorithm !== 'sha-256') throw nativeFailure('HG_ERR_ARGUMENT');
    return STUB_FINGERPRINT;
  }

  createPeer(options: NativePeerOptions): StubPeer {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    const peer = new StubPeer(this, this.#next++, options);
    this.peers.push(peer);
    if (this.gathers) peer.gather();
    return peer;
  }

  createUdpSource(options: NativeUdpSourceOptions): StubSource {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    const port = this.#bind(options, options.port);
    const taken: Bound = { port, address: options.address, group: options.group };
    const rtcpPort = options.rtcpPort === undefined ? 0 : this.#bind(options, options.rtcpPort, taken);
    const source = new StubSource(this, this.#next++, options, port, rtcpPort);
    this.sources.push(source);
    return source;
  }

  createPeerSource(options: Pick<NativeUdpSourceOptions, 'kind' | 'codec' | 'clockRate'>): StubSource {
    const unbound = { port: 0, portMin: 0, portMax: 0, collision: 0, keyframeBufferMs: 0, keyframeBufferBytes: 0 };
    const source = new StubSource(this, this.#next++, { ...unbound, ...options }, 0, 0);
    this.sources.push(source);
    return source;
  }

  createRecorder(options: NativeRecorderOptions): StubRecorder {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    if (this.recorderFailure !== null) throw nativeFailure(this.recorderFailure);
    const recorder = new StubRecorder(this, this.#next++, options);
    this.recorders.push(recorder);
    return recorder;
  }

  createCapture(options: NativeCaptureOptions): StubCapture {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    if (this.captureFailure !== null) throw nativeFailure(this.captureFailure);
    const capture = new StubCapture(this, this.#next++, options);
    this.captures.push(capture);
    return capture;
  }

  createTap(options: NativeTapOptions): StubTap {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    const tap = new StubTap(this, options);
    this.taps.push(tap);
    return tap;
  }

  armTaps(): void {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    this.tapsReady = false;
  }

  createInjector(options: NativeInjectorOptions): StubInjector {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    const injector = new StubInjector(this, this.createPeerSource(options));
    this.injectors.push(injector);
    return injector;
  }

  tune(tuning: Parameters<NativeEngine['tune']>[0]): void {
    this.tuned.push(tuning);
  }

  setIceDebug(on: boolean): void {
    this.iceDebug = on;
  }

  stats(): NativeEngineStats {
    return { peers: this.livePeers.length, sources: this.liveSources.length, threads: [], droppedEvents: 0 };
  }

  close(): void {
    this.closed = true;
    for (const peer of this.peers) peer.closed = true;
    for (const source of this.sources) source.closed = true;
  }

  get livePeers(): StubPeer[] {
    return this.peers.filter(({ closed }) => !closed);
  }

  get liveSources(): StubSource[] {
    return this.sources.filter(({ closed }) => !closed);
  }

  /** Hands events over in a later turn, all of one turn together. */
  post(event: NativeEvent): void {
    this.#queue.push(event);
    if (this.#queue.length > 1) return;
    setImmediate(() => {
      const events = this.#queue;
      this.#queue = [];
      this.#onEvents(events);
    });
  }

  #bind(options: NativeUdpSourceOptions, wanted: number, also?: Bound): number {
    const { address, group } = options;
    const bound: Bound[] = this.liveSources.flatMap((source) => [
      { port: source.port, address: source.options.address, group: source.options.group },
      ...(source.rtcpPort === 0
        ? []
        : [{ port: source.rtcpPort, address: source.options.address, group: source.options.group }]),
    ]);
    if (also) bound.push(also);
    const free = (port: number): boolean => !bound.some((other) => conflict(other, { port, address, group }));
    if (wanted !== 0) {
      if (!free(wanted)) throw nativeFailure('EADDRINUSE', `bind: port ${String(wanted)}`);
      return wanted;
    }
    const [from, to] = options.portMin === 0 ? [32768, 60999] : [options.portMin, options.portMax];
    for (let port = from; port <= to; port++) if (free(port)) return port;
    throw nativeFailure('EADDRINUSE', 'bind: no port is free');
  }
}

interface Bound {
  port: number;
  address: string | undefined;
  group: string | undefined;
}

function conflict(a: Bound, b: Bound): boolean {
  if (a.port !== b.port) return false;
  // Bound to their groups, sockets of several groups share a port.
  if (a.group !== undefined && b.group !== undefined) return a.group === b.group;
  return a.address === undefined || b.address === undefined || a.address === b.address;
}

export class StubPeer implements NativePeer {
  readonly id: number;
  readonly options: NativePeerOptions;
  readonly tracks: StubTrack[] = [];
  readonly candidates: string[] = [];
  incoming: NativeIncoming | null = null;
  /** The other side's SCTP port, once data channels were agreed to. */
  sctpPort: number | null = null;
  readonly channels: StubChannel[] = [];
  dataPaused = false;
  maxBitrate = 0;
  remote: NativeRemote | null = null;
  ended = false;
  restarted = false;
  closed = false;
  #generation = 0;
  readonly #engine: StubEngine;

  constructor(engine: StubEngine, id: number, options: NativePeerOptions) {
    this.#engine = engine;
    this.id = id;
    this.options = options;
  }

  setRemote(remote: NativeRemote): void {
    this.#mustBeOpen();
    if (this.remote && !this.restarted) throw nativeFailure('HG_ERR_ARGUMENT', 'there is a remote description');
    this.restarted = false;
    this.remote = remote;
  }

  restartIce(): void {
    this.#mustBeOpen();
    this.restarted = true;
    if (this.#engine.gathers) this.gather();
  }

  addCandidate(candidate: string): void {
    this.#mustBeOpen();
    this.candidates.push(candidate);
  }

  endOfCandidates(): void {
    this.#mustBeOpen();
    this.ended = true;
  }

  addTrack(track: NativeOutgoingTrack): number {
    this.#mustBeOpen();
    this.tracks.push({ ...track, source: null, paused: false });
    return this.tracks.length - 1;
  }

  setTrack(index: number, track: NativeOutgoingTrack): void {
    this.#mustBeOpen();
    const { ssrc, source, paused } = this.#track(index);
    this.tracks[index] = { ...track, ...(ssrc === track.ssrc ? { source, paused } : { source: null, paused: false }) };
  }

  createSource(options: Pick<NativeUdpSourceOptions, 'kind' | 'codec' | 'clockRate'>): StubSource {
    this.#mustBeOpen();
    return this.#engine.createPeerSource(options);
  }

  setIncoming(incoming: NativeIncoming): void {
    this.#mustBeOpen();
    this.incoming = incoming;
  }

  setMaxBitrate(bitrate: number): void {
    this.#mustBeOpen();
    this.maxBitrate = bitrate;
  }

  link(track: number, encodings: readonly NativeSource[]): void {
    this.#mustBeOpen();
    this.#track(track).source = (encodings[0] ?? null) as StubSource | null;
  }

  setLayers(track: number, target: NativeLayerTarget): void {
    this.#mustBeOpen();
    this.#track(track).layers = target;
  }

  setPaused(track: number, paused: boolean): void {
    this.#mustBeOpen();
    this.#track(track).paused = paused;
  }

  enableData({ port }: { port: number }): void {
    this.#mustBeOpen();
    this.sctpPort = port;
  }

  createChannel(options: NativeChannelOptions): StubChannel {
    this.#mustBeOpen();
    const channel = new StubChannel(this.channels.length + 1, options);
    this.channels.push(channel);
    return channel;
  }

  setDataPaused(paused: boolean): void {
    this.#mustBeOpen();
    this.dataPaused = paused;
  }

  capture(capture: NativeCapture): boolean {
    this.#mustBeOpen();
    return (capture as StubCapture).add(this);
  }

  stats(): NativePeerStats {
    this.#mustBeOpen();
    return {
      iceState: 'connected',
      dtlsState: 'connected',
      dtlsRetransmissions: 0,
      srtpProfile: 'AEAD_AES_128_GCM',
      bytesSent: 1200,
      packetsSent: 1,
      bytesReceived: 0,
      packetsReceived: 0,
      foreignDatagrams: 0,
      srtpFailures: 0,
      unexpectedDatagrams: 0,
      sendDropped: 0,
      remb: 0,
      transportCcReports: 0,
      transportCcLost: 0,
      remoteCandidates: [],
      gatheredAt: 1,
      iceConnectedAt: 2,
      dtlsStartedAt: 3,
      dtlsConnectedAt: 4,
      tracks: this.tracks.map(({ mid, ssrc }) => ({
        mid,
        ssrc,
        packets: 1,
        bytes: 1200,
        bytesLastSecond: 0,
        retransmitted: 0,
        notRetransmitted: 0,
        nacks: 0,
        plis: 0,
        firs: 0,
        remoteLost: 0,
        remoteFractionLost: 0,
        remoteJitter: 0,
      })),
    };
  }

  close(): void {
    this.end('api');
  }

  // ---- for tests ----------------------------------------------------------------

  gather(): void {
    const { candidates } = this.#engine;
    if (this.restarted) ++this.#generation;
    this.#engine.post({
      type: 'gathered',
      peer: this.id,
      ufrag: `uF0a${this.#generation === 0 ? '' : String(this.#generation)}`,
      pwd: 'aVeryLongIcePassword22',
      candidates,
    });
  }

  /** The other side opens a channel. */
  openChannel(options: Partial<NativeChannelOptions> = {}): StubChannel {
    const channel = new StubChannel(2 ** 31 + this.channels.length, options);
    this.channels.push(channel);
    this.opened(channel);
    return channel;
  }

  opened(channel: StubChannel): void {
    const stream = this.channels.indexOf(channel) * 2;
    this.#engine.post({ type: 'channel-open', peer: this.id, channel, stream });
  }

  receive({ key }: StubChannel, data: string | Uint8Array): void {
    this.#engine.post({ type: 'channel-message', peer: this.id, channel: key, data });
  }

  becameLow(channel: StubChannel): void {
    channel.full = false;
    this.#engine.post({ type: 'channel-low', peer: this.id, channel: channel.key });
  }

  closeChannel({ key }: StubChannel): void {
    this.#engine.post({ type: 'channel-closed', peer: this.id, channel: key });
  }

  connect(): void {
    this.#engine.post({ type: 'ice', peer: this.id, state: 'connected' });
    this.#engine.post({ type: 'connected', peer: this.id, srtpProfile: 'AEAD_AES_128_GCM' });
  }

  end(reason: NativeCloseReason, detail = ''): void {
    if (this.closed) return;
    this.closed = true;
    this.#engine.post({ type: 'closed', peer: this.id, reason, detail });
  }

  #track(index: number): StubTrack {
    const track = this.tracks[index];
    if (!track) throw nativeFailure('HG_ERR_ARGUMENT', `there is no track ${String(index)}`);
    return track;
  }

  #mustBeOpen(): void {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
  }
}

export class StubChannel implements NativeDataChannel {
  readonly key: number;
  readonly label: string;
  readonly protocol: string;
  readonly ordered: boolean;
  readonly maxRetransmits: number | undefined;
  readonly maxPacketLifeTime: number | undefined;
  readonly sent: (string | Uint8Array)[] = [];
  readonly pipes: { target: NativeDataChannel; mayDrop: boolean }[] = [];
  bufferedAmount = 0;
  /** Takes nothing. */
  full = false;
  closed = false;

  constructor(key: number, options: Partial<NativeChannelOptions>) {
    this.key = key;
    this.label = options.label ?? '';
    this.protocol = options.protocol ?? '';
    this.ordered = options.ordered ?? true;
    this.maxRetransmits = options.maxRetransmits;
    this.maxPacketLifeTime = options.maxPacketLifeTime;
  }

  send(data: string | Uint8Array): boolean {
    if (!this.full) this.sent.push(data);
    return !this.full;
  }

  pipe(target: NativeDataChannel, mayDrop: boolean): void {
    this.pipes.push({ target, mayDrop });
  }

  unpipe(): void {
    this.pipes.length = 0;
  }

  close(): void {
    this.closed = true;
  }
}

export interface StubTrack extends NativeOutgoingTrack {
  source: StubSource | null;
  paused: boolean;
  layers?: NativeLayerTarget;
}

/** Its file is finished in a later turn. */
export class StubRecorder implements NativeRecorder {
  readonly id: number;
  readonly options: NativeRecorderOptions;
  source: StubSource | null = null;
  paused = false;
  closed = false;
  readonly messages: Uint8Array[] = [];
  readonly #engine: StubEngine;

  constructor(engine: StubEngine, id: number, options: NativeRecorderOptions) {
    this.#engine = engine;
    this.id = id;
    this.options = options;
  }

  link(source: NativeSource | null): void {
    this.source = source as StubSource | null;
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
  }

  write(message: Uint8Array): boolean {
    this.messages.push(message);
    return message.length <= 65527;
  }

  stats(): NativeRecorderStats {
    return { packets: 3, bytes: 400, dropped: 0, duration: 40 };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.finish();
  }

  // ---- for tests ----------------------------------------------------------------

  fill(dropped: number): void {
    this.#engine.post({ type: 'recorder-full', recorder: this.id, dropped });
  }

  finish(code = '', message = ''): void {
    this.#engine.post({ type: 'recorder-closed', recorder: this.id, code, message });
  }
}

/** Its file is finished in a later turn. */
export class StubCapture implements NativeCapture {
  readonly id: number;
  readonly options: NativeCaptureOptions;
  readonly peers: StubPeer[] = [];
  /** How many peers may be captured. */
  room = 64;
  dropped = 0;
  closed = false;
  readonly #engine: StubEngine;

  constructor(engine: StubEngine, id: number, options: NativeCaptureOptions) {
    this.#engine = engine;
    this.id = id;
    this.options = options;
  }

  stats(): NativeCaptureStats {
    return { packets: 3, bytes: 400, dropped: this.dropped };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.finish();
  }

  // ---- for tests ----------------------------------------------------------------

  add(peer: StubPeer): boolean {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
    if (this.room === 0) return false;
    this.peers.push(peer);
    return true;
  }

  fill(dropped: number): void {
    this.dropped = dropped;
    this.#engine.post({ type: 'capture-full', capture: this.id, dropped });
  }

  finish(code = '', message = ''): void {
    this.#engine.post({ type: 'capture-closed', capture: this.id, code, message });
  }
}

/** Lays out what it is given as the native one does. */
export class StubTap implements NativeTap {
  readonly options: NativeTapOptions;
  source: StubSource | null = null;
  paused = false;
  closed = false;
  dropped = 0;
  readonly #engine: StubEngine;
  #waiting: Uint8Array[] = [];

  constructor(engine: StubEngine, options: NativeTapOptions) {
    this.#engine = engine;
    this.options = options;
  }

  link(source: NativeSource | null): void {
    this.source = source as StubSource | null;
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
  }

  read(): Uint8Array<ArrayBuffer> | null {
    const packets = this.#waiting;
    this.#waiting = [];
    if (packets.length === 0) return null;
    const bytes = Buffer.concat([Buffer.alloc(16 * packets.length), ...packets]);
    const batch = new ArrayBuffer(bytes.length);
    new Uint8Array(batch).set(bytes);
    let offset = 16 * packets.length;
    packets.forEach(({ length }, index) => {
      new Float64Array(batch, 16 * index, 1)[0] = Number(process.hrtime.bigint()) / 1e6;
      new Uint32Array(batch, 16 * index + 8, 1)[0] = offset;
      new Uint16Array(batch, 16 * index + 12, 2).set([length, index === 0 ? 1 : 0]);
      offset += length;
    });
    return new Uint8Array(batch);
  }

  stats(): NativeTapStats {
    return { packets: 3, bytes: 400, dropped: this.dropped, waiting: this.#waiting.length };
  }

  close(): void {
    this.closed = true;
  }

  // ---- for tests ----------------------------------------------------------------

  receive(...packets: Uint8Array[]): void {
    this.#waiting.push(...packets);
    if (this.#engine.tapsReady) return;
    this.#engine.tapsReady = true;
    this.#engine.post({ type: 'taps-ready' });
  }
}

export class StubInjector implements NativeInjector {
  readonly source: StubSource;
  readonly written: Uint8Array[][] = [];
  /** Takes nothing. */
  full = false;
  readonly #engine: StubEngine;

  constructor(engine: StubEngine, source: StubSource) {
    this.#engine = engine;
    this.source = source;
  }

  write(packets: Uint8Array[]): boolean {
    if (!this.full) this.written.push(packets);
    return !this.full;
  }

  stats(): NativeInjectorStats {
    return { refused: 0, waiting: 0 };
  }

  // ---- for tests ----------------------------------------------------------------

  becameLow(): void {
    this.full = false;
    this.#engine.post({ type: 'injector-low', source: this.source.id });
  }

  wantKeyframe(): void {
    this.#engine.post({ type: 'keyframe-wanted', source: this.source.id });
  }
}

export class StubSource implements NativeSource {
  readonly id: number;
  readonly port: number;
  readonly rtcpPort: number;
  readonly options: NativeUdpSourceOptions;
  age = 25;
  enabled = true;
  talkingLimits: { packets: number; level: number } | null = null;
  keyframeRequests = 0;
  closed = false;
  readonly #engine: StubEngine;

  constructor(engine: StubEngine, id: number, options: NativeUdpSourceOptions, port: number, rtcpPort: number) {
    this.#engine = engine;
    this.id = id;
    this.options = options;
    this.port = port;
    this.rtcpPort = rtcpPort;
  }

  requestKeyframe(): void {
    this.#mustBeOpen();
    this.keyframeRequests++;
  }

  setEnabled(enabled: boolean): void {
    this.#mustBeOpen();
    this.enabled = enabled;
  }

  detectTalking(limits: { packets: number; level: number } | null): void {
    this.#mustBeOpen();
    this.talkingLimits = limits;
  }

  stats(): NativeSourceStats {
    this.#mustBeOpen();
    return {
      packets: 10,
      bytes: 12000,
      age: this.age,
      lost: 0,
      invalid: 0,
      dropped: 0,
      frames: 1,
      keyframes: 1,
      keyframeRequests: this.keyframeRequests,
      restarts: 0,
      invalidDescriptors: 0,
      nacks: 0,
      retransmitted: 0,
      recovered: 0,
      givenUp: 0,
      jitter: 0,
      fractionLost: 0,
      largestPacket: 1200,
      ssrc: 77,
      viewers: 0,
      bitrate: 96000,
    };
  }

  close(): void {
    this.closed = true;
  }

  // ---- for tests ----------------------------------------------------------------

  receive(receiving: boolean): void {
    this.#engine.post({ type: 'source-receiving', source: this.id, receiving });
  }

  talk(talking: boolean, level: number): void {
    this.#engine.post({ type: 'source-talking', source: this.id, talking, level });
  }

  oversize(size: number, limit: number): void {
    this.#engine.post({ type: 'source-oversize', source: this.id, size, limit });
  }

  #mustBeOpen(): void {
    if (this.closed) throw nativeFailure('HG_ERR_CLOSED');
  }
}
