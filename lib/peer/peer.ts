import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Logger } from '../logger.js';
import type {
  NativeCloseReason,
  NativeEngine,
  NativeEvent,
  NativeFailure,
  NativeIceState,
  NativePeer,
  NativePeerStats,
} from '../native/types.js';
import type { Capture, CaptureFactory, CaptureOptions } from './capture.js';
import type { DataChannel, DataChannelOptions } from './data-channel.js';
import { DataChannels } from './data-channels.js';
import type { IncomingTrack } from './incoming-track.js';
import { IncomingTracks } from './incoming-tracks.js';
import { Negotiation, type AnswerOptions, type Descriptions, type OfferOptions, type RidOrder } from './negotiation.js';
import type { OutgoingTrack, OutgoingTrackStats } from './outgoing-track.js';
import { OutgoingTracks } from './outgoing-tracks.js';
import type { RemoteTransport } from './sdp/transport.js';

export { OutgoingTrack, type Layers, type LayerTarget, type OutgoingTrackStats } from './outgoing-track.js';
export { IncomingTrack, type IncomingEncodingStats, type TalkingOptions } from './incoming-track.js';
export { DataChannel, type DataChannelEvents, type DataChannelOptions } from './data-channel.js';
export type { AnswerOptions, OfferOptions, RidOrder } from './negotiation.js';
export type { AnswerWish } from './sdp/answer.js';
export type { OfferData } from './sdp/data.js';
export type { OfferLine, OfferMedia, OfferStopped } from './sdp/offer.js';
export type { RemoteMedia } from './sdp/parse.js';

/** Why a peer is gone, in the words of the wire protocol. */
export type HangupReason =
  | 'Janus API'
  | 'Admin API'
  | 'Close PC'
  | 'Detach'
  | 'DTLS alert'
  | 'DTLS error'
  | 'DTLS timeout'
  | 'ICE failed'
  | 'Gathering error';

const REASONS: Readonly<Record<Exclude<NativeCloseReason, 'api'>, HangupReason>> = {
  'dtls-alert': 'DTLS alert',
  'dtls-error': 'DTLS error',
  'dtls-timeout': 'DTLS timeout',
  'ice-failed': 'ICE failed',
  'gathering-error': 'Gathering error',
};

export type PeerState = 'new' | 'have-local-offer' | 'stable' | 'connected' | 'closed';

export interface PeerEvents {
  /** An answer was taken or given: from here on it is known what flows. Again after each renegotiation. */
  negotiated: [];
  /** The other side sends something that it did not send before. */
  track: [track: IncomingTrack];
  /** The other side has opened a data channel. */
  datachannel: [channel: DataChannel];
  /** DTLS is done and media can flow. Once. */
  up: [];
  ice: [{ state: NativeIceState }];
  /** One of ours, or one of the other side's that it told us: `candidate:…`. */
  candidate: [{ side: 'local' | 'remote'; candidate: string }];
  /**
   * ICE failed, or the other side fell silent: nothing is sent, and the peer ends by and by (`silentPeerTimeout`,
   * `setupTimeout`) unless the checks succeed again or ICE is restarted. Not with `hangupOnFailed`: it ends at once.
   */
  icefailed: [];
  /** Received media came, or stopped coming `seconds` ago; of a simulcast each `substream`, 0 is the lowest quality. */
  media: [MediaState];
  /** Packets lost in the last second; `uplink`: of those we sent. */
  slowlink: [{ mid: string; media: 'audio' | 'video'; uplink: boolean; lost: number }];
  /** It is about to end: the last moment for {@link Peer.stats}. Once. */
  closing: [];
  /** Everything is given back. Once, and the last. */
  close: [{ reason: HangupReason }];
}

/** Whether media of an m-line, or of one stream of its simulcast, comes. */
export interface MediaState {
  mid: string;
  type: 'audio' | 'video';
  substream?: number;
  receiving: boolean;
  seconds?: number;
}

/** A candidate as it comes with a `trickle` request. */
export interface RemoteCandidate {
  candidate: string;
  sdpMid?: string | undefined;
  sdpMLineIndex?: number | undefined;
}

export interface PeerStats extends Omit<NativePeerStats, 'tracks'> {
  state: PeerState;
  tracks: OutgoingTrackStats[];
}

export interface PeerOptions {
  /** We will offer, and so be in control of ICE. Default true. */
  offering?: boolean;
  /** Ends as soon as ICE failed; see the event `icefailed`. Default: the gateway's `media.hangupOnFailed`. */
  hangupOnFailed?: boolean;
}

/** Makes peers; what sessions need of the gateway. */
export interface PeerFactory {
  createPeer(options?: PeerOptions): Peer;
}

/**
 * One WebRTC peer: ICE, DTLS and SRTP on the media side, offers and answers
 * here. Everything shares one transport.
 *
 * @example
 * const peer = handle.createPeer();
 * const sdp = await peer.createOffer({ sessionName: 'camera', media: [{ mid: 'v', codec: vp8 }] });
 * link(source, peer.track('v'));
 */
export class Peer extends Emitter<PeerEvents> {
  /** Names the peer in events of the native side. */
  readonly id: number;
  /** When it was made, by `performance.now()`. */
  readonly createdAt = performance.now();
  /** We began, and are in control of ICE. */
  readonly offering: boolean;
  readonly #hangupOnFailed: boolean;
  readonly #native: NativePeer;
  readonly #log: Logger;
  readonly #captures: CaptureFactory;
  readonly #outgoing: OutgoingTracks;
  readonly #incoming: IncomingTracks;
  readonly #channels: DataChannels;
  readonly #negotiation: Negotiation;
  #connected = false;
  #iceState: NativeIceState = 'new';
  #capture: Capture | null = null;
  #closing: HangupReason | null = null;
  #closed = false;

  constructor(
    engine: NativeEngine,
    logger: Logger,
    captures: CaptureFactory,
    { offering = true, hangupOnFailed = false }: PeerOptions = {},
  ) {
    super();
    this.#hangupOnFailed = hangupOnFailed;
    this.#log = logger;
    this.#captures = captures;
    const native = engine.createPeer({ controlling: offering });
    const outgoing = new OutgoingTracks(native);
    const incoming = new IncomingTracks(native);
    const channels = new DataChannels(native, (channel) => this.emit('datachannel', channel));
    this.#native = native;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#channels = channels;
    this.id = native.id;
    this.offering = offering;
    this.#negotiation = new Negotiation(
      {
        title: this.#name,
        mustBeOpen: () => this.#mustBeOpen(),
        onNegotiated: (media) => {
          this.#log.debug({ peer: this.id, media }, 'negotiated');
          this.emit('negotiated');
        },
        onIncoming: (track) => this.#listen(track),
      },
      { engine, native, outgoing, incoming, channels },
    );
  }

  /** True from {@link close} on, or when the other side is gone. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  get state(): PeerState {
    if (this.closed) return 'closed';
    const { state } = this.#negotiation;
    return this.#connected && state === 'stable' ? 'connected' : state;
  }

  /** DTLS is done. Stays true while an offer is out again. */
  get connected(): boolean {
    return this.#connected && !this.closed;
  }

  get iceState(): NativeIceState {
    return this.#iceState;
  }

  /** Session descriptions, as they were written and read last. */
  get descriptions(): Readonly<Descriptions> {
    return this.#negotiation.descriptions;
  }

  /** What the other side said of its transport; null before. @internal */
  get remoteTransport(): RemoteTransport | null {
    return this.#negotiation.transport;
  }

  /** Our candidates, `candidate:…` values. @internal */
  get localCandidates(): readonly string[] {
    return this.#negotiation.localCandidates;
  }

  /** Of our certificate, SHA-256. @internal */
  get localFingerprint(): string {
    return this.#negotiation.localFingerprint;
  }

  /** The mids of its m-lines, in their order, rejected ones too. */
  get mids(): readonly string[] {
    return this.#negotiation.mids;
  }

  /** The mid of the m-line that carries data channels. */
  get dataMid(): string | undefined {
    return this.#negotiation.dataMid;
  }

  /** What goes to the other side, in the order of the m-lines. */
  get tracks(): Iterable<OutgoingTrack> {
    return this.#outgoing;
  }

  /** The track with that mid, there from {@link createOffer} on. */
  track(mid: string): OutgoingTrack | undefined {
    return this.#outgoing.get(mid);
  }

  /** What comes from the other side. */
  get incoming(): Iterable<IncomingTrack> {
    return this.#incoming;
  }

  /** The track that comes with that mid, there from {@link createAnswer} or {@link setAnswer} on. */
  incomingTrack(mid: string): IncomingTrack | undefined {
    return this.#incoming.get(mid);
  }

  /**
   * Writes an offer, with all candidates in it. Once an answer was taken or given,
   * another offer may follow: m-lines stay where they are.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`, also if the peer closes meanwhile; `HG_ERR_STATE` while an
   * offer is out; `HG_ERR_OPTION`
   */
  async createOffer(options: OfferOptions): Promise<string> {
    this.#mustBeOpen();
    return this.#negotiation.createOffer(options).catch((error: unknown) => this.#fail(error));
  }

  /**
   * Answers an offer, the first one or a later one, with all candidates in it.
   * What the other side sends is in {@link incoming} then, new tracks are told
   * by `track`, and what we send in {@link track}.
   *
   * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP` if the offer cannot be used: nothing has changed then
   * @throws {@link UsageError} `HG_ERR_CLOSED`, also if the peer closes meanwhile; `HG_ERR_STATE` while an
   * offer of ours is out
   * @example
   * const callee = gateway.createPeer({ offering: false });
   * const answer = await callee.createAnswer(offer, { wishFor: () => ({ direction: 'recvonly' }) });
   */
  async createAnswer(offer: string, options: AnswerOptions): Promise<string> {
    this.#mustBeOpen();
    const answer = await this.#negotiation.createAnswer(offer, options).catch((error: unknown) => this.#fail(error));
    this.#tellCandidatesOf(offer);
    return answer;
  }

  /**
   * Takes the answer to the last offer. If it cannot be used, the offer is still
   * out and another answer may come.
   *
   * @param options - `ridOrder` of the simulcast that we receive, default `hml`
   * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP`
   * @throws {@link UsageError} `HG_ERR_STATE` if no offer is out, `HG_ERR_CLOSED`
   */
  setAnswer(sdp: string, { ridOrder = 'hml' }: { ridOrder?: RidOrder } = {}): void {
    this.#mustBeOpen();
    this.#call(() => this.#negotiation.setAnswer(sdp, ridOrder));
    this.#tellCandidatesOf(sdp);
  }

  /**
   * Takes a candidate of the other side; before its answer they are kept for
   * later. An empty one means there are no more. What cannot be used is ignored,
   * as ICE has it (RFC 8838 section 11).
   */
  addCandidate({ candidate }: RemoteCandidate): void {
    if (this.closed) return;
    this.#call(() => this.#negotiation.candidates.add(candidate));
    this.#tellRemote(candidate);
  }

  /** No more candidates of the other side will come. */
  endOfCandidates(): void {
    if (!this.closed) this.#call(() => this.#negotiation.candidates.end());
  }

  /**
   * Tells the other side to send no more than this (REMB), bit/s; 0: as much as
   * it likes.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  setMaxBitrate(bitrate: number): void {
    this.#mustBeOpen();
    this.#call(() => this.#native.setMaxBitrate(bitrate));
  }

  /** The data channels that are there, whoever opened them. */
  get dataChannels(): Iterable<DataChannel> {
    return this.#channels;
  }

  /**
   * Opens a data channel, or will do so when the other side is there. An m-line
   * for data has to be negotiated: `{ kind: 'data', mid }` in an offer, `data:
   * true` in an answer.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`, `HG_ERR_OPTION`
   * @example
   * const channel = peer.createDataChannel('chat', { ordered: false });
   * channel.on('open', () => channel.send('hello'));
   */
  createDataChannel(label: string, options: DataChannelOptions = {}): DataChannel {
    this.#mustBeOpen();
    return this.#call(() => this.#channels.create(label, options));
  }

  /**
   * Takes no more messages, on any data channel, until {@link resumeData}: the
   * other side has to wait, nothing is lost. Those that are on their way here
   * still come, at most about 1 MiB.
   */
  pauseData(): void {
    if (!this.closed) this.#call(() => this.#native.setDataPaused(true));
  }

  /** Takes back {@link pauseData}. */
  resumeData(): void {
    if (!this.closed) this.#call(() => this.#native.setDataPaused(false));
  }

  /**
   * Counters and states of now.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  stats(): PeerStats {
    this.#mustBeOpen();
    const native = this.#call(() => this.#native.stats());
    return {
      ...native,
      state: this.state,
      tracks: [...this.#outgoing].flatMap((track) => {
        const stats = native.tracks[track.index];
        return stats === undefined ? [] : [track.describe(stats)];
      }),
    };
  }

  /** Where its packets go; null: nowhere. */
  get captured(): Capture | null {
    return this.#capture?.closed === false ? this.#capture : null;
  }

  /**
   * Writes the RTP and RTCP packets from now on to a file that Wireshark opens,
   * decrypted, until the capture or the peer is closed.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`; `HG_ERR_STATE` if it is captured already; `HG_ERR_OPTION`;
   * `HG_ERR_CAPTURE` if the path cannot be written to
   * @throws {@link ResourceError} `HG_ERR_CAPTURE` if the disk is full, or files or captured peers are too many
   * @example
   * const capture = peer.capture({ path: '/tmp/ada.pcap' });
   * setTimeout(() => void capture.close(), 10_000);
   */
  capture(options: CaptureOptions): Capture {
    this.#mustBeFree();
    const capture = this.#captures.createCapture(options);
    try {
      this.captureTo(capture);
    } catch (error) {
      void capture.close();
      throw error;
    }
    const end = (): void => void capture.close();
    this.once('close', end);
    capture.once('close', () => this.off('close', end));
    return capture;
  }

  /**
   * The same to a capture that outlives this peer.
   *
   * @throws as {@link capture}
   * @internal
   */
  captureTo(capture: Capture): void {
    this.#mustBeFree();
    this.#call(() => capture.attach(this.#native));
    this.#capture = capture;
  }

  /** Hangs up. `close` follows once all is given back. Closing twice does nothing. */
  close(reason: HangupReason): void {
    if (this.closed) return;
    this.#beginToClose(reason);
    this.#native.close();
  }

  /** For the gateway, which gets the events of all native objects. */
  handleNativeEvent(event: NativeEvent): void {
    switch (event.type) {
      case 'gathered':
        this.#negotiation.onGathered(event);
        if (this.closed || this.listenerCount('candidate') === 0) break;
        for (const candidate of event.candidates) this.emit('candidate', { side: 'local', candidate });
        break;
      case 'ice':
        this.#onIceState(event.state);
        break;
      case 'connected':
        this.#connected = true;
        if (!this.closed) this.emit('up');
        break;
      case 'slowlink': {
        const { mid, uplink, lost } = event;
        const track = uplink ? this.#outgoing.get(mid) : this.#incoming.get(mid);
        if (track && !this.closed) this.emit('slowlink', { mid, media: track.kind, uplink, lost });
        break;
      }
      case 'layers': {
        const { substream, spatial, temporal } = event;
        if (!this.closed) this.#outgoing.at(event.track)?.emit('layers', { substream, spatial, temporal });
        break;
      }
      case 'channel-open':
      case 'channel-message':
      case 'channel-low':
      case 'channel-closed':
        if (!this.closed) this.#channels.handleNativeEvent(event);
        break;
      case 'closed':
        if (this.#closed) break;
        if (event.detail !== '') this.#log.debug({ peer: this.id, reason: event.reason }, event.detail);
        this.#beginToClose(event.reason === 'api' ? 'Close PC' : REASONS[event.reason]);
        this.#closed = true;
        this.emit('close', { reason: this.#closing ?? 'Close PC' });
        break;
      default:
    }
  }

  #onIceState(state: NativeIceState): void {
    this.#iceState = state;
    if (this.closed) return;
    this.emit('ice', { state });
    if (state !== 'disconnected' && state !== 'failed') return;
    if (this.#hangupOnFailed) this.close('ICE failed');
    else this.emit('icefailed');
  }

  /** From here on the peer counts as closed; the first reason stands. */
  #beginToClose(reason: HangupReason): void {
    if (this.#closing !== null) return;
    this.emit('closing');
    this.#closing = reason;
    this.#negotiation.wake();
    this.#outgoing.end();
    this.#incoming.end();
    this.#channels.end();
  }

  #tellRemote(candidate: string): void {
    const text = candidate.trim().replace(/^a=/, '');
    if (text.startsWith('candidate:')) this.emit('candidate', { side: 'remote', candidate: text });
  }

  #tellCandidatesOf(sdp: string): void {
    if (this.listenerCount('candidate') === 0) return;
    // Bundled m-lines repeat them.
    for (const line of new Set(sdp.match(/^a=candidate:[^\r\n]*/gm))) this.#tellRemote(line);
  }

  get #name(): string {
    return `peer ${String(this.id)}`;
  }

  #mustBeOpen(): void {
    if (this.closed) throw new UsageError('HG_ERR_CLOSED', { what: this.#name });
  }

  /** Of captures. */
  #mustBeFree(): void {
    this.#mustBeOpen();
    const { captured } = this;
    if (captured === null) return;
    throw new UsageError('HG_ERR_STATE', { what: this.#name, reason: `it is captured to ${captured.path} already` });
  }

  #listen(track: IncomingTrack): void {
    const { mid, kind: type } = track;
    track.on('encoding', (state) => this.emit('media', { mid, type, ...state }));
    this.emit('track', track);
  }

  /** A peer that the native side closed a moment ago is simply closed. */
  #call<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error: unknown): never {
    if ((error as Partial<NativeFailure>).code !== 'HG_ERR_CLOSED' || error instanceof UsageError) throw error;
    throw new UsageError('HG_ERR_CLOSED', { what: this.#name }, { cause: error });
  }
}
