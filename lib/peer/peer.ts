import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { RemoteError, UsageError } from '../errors.js';
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
import type { Codec } from './codecs/index.js';
import type { DataChannel, DataChannelOptions } from './data-channel.js';
import { DataChannels } from './data-channels.js';
import type { IncomingTrack } from './incoming-track.js';
import { IncomingTracks } from './incoming-tracks.js';
import { OutgoingTrack, type OutgoingTrackStats } from './outgoing-track.js';
import { answerLines, answerOffer, type AnsweredMedia, type AnswerWish } from './sdp/answer.js';
import type { LocalData, OfferData, RemoteData } from './sdp/data.js';
import { isData, negotiateAnswer, offerMedia, type NegotiatedMedia, type OfferMedia } from './sdp/negotiate.js';
import { parseDescription, type RemoteMedia } from './sdp/parse.js';
import type { RemoteTransport } from './sdp/transport.js';
import { writeDescription, type LocalDescription, type LocalMedia, type RejectedMedia } from './sdp/write.js';

export { OutgoingTrack, type Layers, type LayerTarget, type OutgoingTrackStats } from './outgoing-track.js';
export { IncomingTrack, type IncomingEncodingStats, type TalkingOptions } from './incoming-track.js';
export { DataChannel, type DataChannelEvents, type DataChannelOptions } from './data-channel.js';
export type { OfferData } from './sdp/data.js';
export type { AnswerWish } from './sdp/answer.js';
export type { OfferMedia } from './sdp/negotiate.js';
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
  /** Received media came, or stopped coming `seconds` ago. */
  media: [{ mid: string; type: 'audio' | 'video'; receiving: boolean; seconds?: number }];
  /** Packets lost in the last second; `uplink`: of those we sent. */
  slowlink: [{ mid: string; media: 'audio' | 'video'; uplink: boolean; lost: number }];
  /** Everything is given back. Once, and the last. */
  close: [{ reason: HangupReason }];
}

/** What is offered. */
export interface OfferOptions {
  sessionName: string;
  /** After the first offer: its m-lines, and what is new behind them. */
  media: readonly (OfferMedia | OfferData)[];
  /** With new ICE credentials (RFC 8445 section 9): the path is looked for anew, media goes on. Default false. */
  restartIce?: boolean;
}

/** How an offer is answered. */
export interface AnswerOptions {
  /** Default `-`. */
  sessionName?: string;
  /** What we want with each audio and video line; undefined rejects it. */
  wishFor: (line: RemoteMedia) => AnswerWish | undefined;
  /** Data channels are taken. Default false: their m-line is rejected. */
  data?: boolean;
  /** Whether the rids of simulcast are listed from the highest quality to the lowest. Default `hml`. */
  ridOrder?: 'hml' | 'lmh';
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
}

/** Makes peers; what sessions need of the gateway. */
export interface PeerFactory {
  createPeer(options?: PeerOptions): Peer;
}

// Candidates that came before the answer they belong to; browsers have 1 to 20.
const MAX_EARLY_CANDIDATES = 256;
const CNAME = 'janus';

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
  readonly #engine: NativeEngine;
  readonly #native: NativePeer;
  readonly #log: Logger;
  readonly #tracks = new Map<string, OutgoingTrack>();
  readonly #incoming: IncomingTracks;
  readonly #channels: DataChannels;
  /** What we said last. */
  #local: LocalDescription<LocalMedia | LocalData | RejectedMedia> | null = null;
  /** What the other side said last. */
  #transport: RemoteTransport | null = null;
  #negotiating = false;
  /** Our credentials are new, and theirs are not known yet. */
  #restarting = false;
  #offerIsOut = false;
  #connected = false;
  #iceState: NativeIceState = 'new';
  #closing: HangupReason | null = null;
  #closed = false;
  #earlyCandidates: string[] = [];
  #earlyEnd = false;
  #gathered: { ufrag: string; pwd: string; candidates: string[] } | null = null;
  /** Whoever waits for {@link #gathered}; called with it or when the peer is gone. */
  #waiting: (() => void)[] = [];

  constructor(engine: NativeEngine, logger: Logger, { offering = true }: PeerOptions = {}) {
    super();
    this.#engine = engine;
    this.#log = logger;
    this.#native = engine.createPeer({ controlling: offering });
    this.#incoming = new IncomingTracks(this.#native);
    this.#channels = new DataChannels(this.#native, (channel) => this.emit('datachannel', channel));
    this.id = this.#native.id;
  }

  /** True from {@link close} on, or when the other side is gone. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  get state(): PeerState {
    if (this.closed) return 'closed';
    if (this.#offerIsOut) return 'have-local-offer';
    if (this.#connected) return 'connected';
    return this.#transport === null ? 'new' : 'stable';
  }

  /** DTLS is done. Stays true while an offer is out again. */
  get connected(): boolean {
    return this.#connected && !this.closed;
  }

  get iceState(): NativeIceState {
    return this.#iceState;
  }

  /** What goes to the other side, in the order of the m-lines. */
  get tracks(): Iterable<OutgoingTrack> {
    return this.#tracks.values();
  }

  /** The track with that mid, there from {@link createOffer} on. */
  track(mid: string): OutgoingTrack | undefined {
    return this.#tracks.get(mid);
  }

  /** What comes from the other side. */
  get incoming(): Iterable<IncomingTrack> {
    return this.#incoming;
  }

  /** The track that comes with that mid, there from {@link createAnswer} on. */
  incomingTrack(mid: string): IncomingTrack | undefined {
    return this.#incoming.get(mid);
  }

  /**
   * Writes an offer, with all candidates in it. Once an answer is there, another
   * offer may follow: its m-lines begin with those of the one before.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`, also if the peer closes meanwhile; `HG_ERR_STATE` while an
   * offer is out; `HG_ERR_OPTION`
   */
  async createOffer({ sessionName, media, restartIce = false }: OfferOptions): Promise<string> {
    const earlier = this.#earlierOffer();
    checkMedia(
      media,
      earlier.map(({ mid }) => mid),
    );
    return this.#negotiate(async () => {
      if (restartIce && this.#transport !== null) this.#restartIce();
      const description = await this.#describe(sessionName, 'actpass');
      const lines = offerMedia(media, ({ mid, codec }) => this.#trackFor(mid, codec), earlier);
      const offer = { ...description, media: lines };
      const sdp = writeDescription(offer);
      this.#local = offer;
      this.#offerIsOut = true;
      return sdp;
    });
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
  async createAnswer(
    offer: string,
    { sessionName = '-', wishFor, data = false, ridOrder = 'hml' }: AnswerOptions,
  ): Promise<string> {
    return this.#negotiate(async () => {
      const { media, ...transport } = answerOffer(parseDescription(offer), wishFor, data);
      // Roles stay through renegotiations (RFC 8842 section 5.5).
      if (this.#transport !== null) transport.dtlsRole = this.#transport.dtlsRole;
      if (this.#isRestart(transport)) this.#restartIce();
      const setup = transport.dtlsRole === 'client' ? 'active' : 'passive';
      const description = await this.#describe(sessionName, setup);
      const lines = answerLines(media, ({ mid, accepted }) =>
        accepted === undefined ? { ssrc: 0, rtxSsrc: 0 } : this.#trackFor(mid, accepted.codec),
      );
      const answer = { ...description, media: lines };
      const sdp = writeDescription(answer);
      this.#local = answer;
      const added = this.#call(() => this.#incoming.negotiate(media, ridOrder));
      const agreed = media.find((line) => line.data !== undefined)?.data;
      this.#apply(transport, media.map(asNegotiated), agreed);
      for (const track of added) this.#listen(track);
      return sdp;
    });
  }

  /**
   * Takes the answer to the last offer. If it cannot be used, the offer is still
   * out and another answer may come.
   *
   * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP`
   * @throws {@link UsageError} `HG_ERR_STATE` if no offer is out, `HG_ERR_CLOSED`
   */
  setAnswer(sdp: string): void {
    this.#mustBeOpen();
    const offer = this.#local;
    if (!this.#offerIsOut || offer === null) {
      throw new UsageError('HG_ERR_STATE', { what: this.#name, reason: 'there is no offer to answer' });
    }
    const lines = this.#earlierOffer();
    const { media, data, ...transport } = negotiateAnswer({ ...offer, media: lines }, parseDescription(sdp));
    if (this.#isRestart(transport) && !this.#restarting) throw otherIdentity('no restart was offered');
    this.#offerIsOut = false;
    this.#apply(transport, media, data);
  }

  /**
   * Takes a candidate of the other side; before its answer they are kept for
   * later. An empty one means there are no more. What cannot be used is ignored,
   * as ICE has it (RFC 8838 section 11).
   */
  addCandidate({ candidate }: RemoteCandidate): void {
    if (this.closed) return;
    const text = candidate.trim().replace(/^a=/, '');
    if (text === '') {
      this.endOfCandidates();
      return;
    }
    // Firefox also offers component 2 until it knows of rtcp-mux.
    if (!/^candidate:\S+ 1 /.test(text) || text.length > 1024) return;
    if (this.#transport === null || this.#restarting) {
      if (this.#earlyCandidates.length < MAX_EARLY_CANDIDATES) this.#earlyCandidates.push(text);
      return;
    }
    this.#call(() => this.#native.addCandidate(text));
  }

  /** No more candidates of the other side will come. */
  endOfCandidates(): void {
    if (this.closed) return;
    if (this.#transport === null || this.#restarting) this.#earlyEnd = true;
    else this.#call(() => this.#native.endOfCandidates());
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
      tracks: [...this.#tracks.values()].flatMap((track) => {
        const stats = native.tracks[track.index];
        return stats === undefined ? [] : [track.describe(stats)];
      }),
    };
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
        this.#gathered = event;
        this.#wake();
        break;
      case 'ice':
        this.#iceState = event.state;
        if (!this.closed) this.emit('ice', { state: event.state });
        break;
      case 'connected':
        this.#connected = true;
        if (!this.closed) this.emit('up');
        break;
      case 'slowlink': {
        const track = this.#trackAt(event.track);
        if (track && !this.closed) {
          this.emit('slowlink', { mid: track.mid, media: track.kind, uplink: true, lost: event.lost });
        }
        break;
      }
      case 'layers': {
        const { substream, spatial, temporal } = event;
        if (!this.closed) this.#trackAt(event.track)?.emit('layers', { substream, spatial, temporal });
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

  /** From here on the peer counts as closed; the first reason stands. */
  #beginToClose(reason: HangupReason): void {
    if (this.#closing !== null) return;
    this.#closing = reason;
    this.#wake();
    for (const track of this.#tracks.values()) track.end();
    this.#incoming.end();
    this.#channels.end();
  }

  get #name(): string {
    return `peer ${String(this.id)}`;
  }

  #mustBeOpen(): void {
    if (this.closed) throw new UsageError('HG_ERR_CLOSED', { what: this.#name });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #gathering(): Promise<{ ufrag: string; pwd: string; candidates: string[] }> {
    if (this.#gathered === null && !this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#mustBeOpen();
    if (this.#gathered === null) throw new UsageError('HG_ERR_CLOSED', { what: this.#name });
    return this.#gathered;
  }

  #listen(track: IncomingTrack): void {
    const { mid, kind: type } = track;
    track.on('live', () => this.emit('media', { mid, type, receiving: true }));
    track.on('stalled', ({ seconds }) => this.emit('media', { mid, type, receiving: false, seconds }));
    this.emit('track', track);
  }

  /** Runs one negotiation at a time, and none while an offer of ours is out. */
  async #negotiate(run: () => Promise<string>): Promise<string> {
    this.#mustBeOpen();
    if (this.#negotiating || this.#offerIsOut) {
      throw new UsageError('HG_ERR_STATE', { what: this.#name, reason: 'an offer waits for its answer' });
    }
    this.#negotiating = true;
    try {
      return await run();
    } finally {
      this.#negotiating = false;
    }
  }

  /** What a description of ours says besides its m-lines. */
  async #describe(sessionName: string, setup: LocalDescription['setup']): Promise<Omit<LocalDescription, 'media'>> {
    const { ufrag, pwd, candidates } = await this.#gathering();
    return {
      sessionId: this.#local?.sessionId ?? newSessionId(),
      sessionVersion: (this.#local?.sessionVersion ?? 0) + 1,
      address: firstAddress(candidates),
      sessionName,
      fingerprint: { algorithm: 'sha-256', value: this.#engine.fingerprint('sha-256') },
      ufrag,
      pwd,
      setup,
      candidates,
      cname: CNAME,
    };
  }

  /** The m-lines that another offer of ours begins with. */
  #earlierOffer(): readonly (LocalMedia | LocalData)[] {
    const media = this.#local?.media ?? [];
    if (media.every((line) => 'kind' in line)) return media;
    throw new UsageError('HG_ERR_STATE', {
      what: this.#name,
      reason: 'it rejected m-lines, and cannot offer any more',
    });
  }

  /** Both sides agree: the native side goes on with it. */
  #apply(transport: RemoteTransport, media: readonly NegotiatedMedia[], data: RemoteData | undefined): void {
    const isNew = this.#transport === null || this.#restarting;
    this.#transport = transport;
    this.#restarting = false;
    this.#call(() => {
      // Tracks first: the first packet after the handshake is the keyframe buffer's.
      for (const line of media) this.#tracks.get(line.mid)?.negotiate(line, this.#native);
      if (isNew) {
        const { ufrag, pwd, dtlsRole, fingerprints } = transport;
        const isMedia = media.some(({ accepted }) => accepted);
        this.#native.setRemote({ ufrag, pwd, dtlsRole, fingerprints, media: isMedia });
      }
      if (data !== undefined) this.#channels.negotiate(data);
      for (const candidate of [...transport.candidates, ...this.#earlyCandidates]) {
        this.#native.addCandidate(candidate);
      }
      if (transport.endOfCandidates || this.#earlyEnd) this.#native.endOfCandidates();
    });
    this.#earlyCandidates = [];
    this.#earlyEnd = false;
    this.#log.debug({ peer: this.id, media }, 'negotiated');
    this.emit('negotiated');
  }

  /** Whether the other side has new ICE credentials (RFC 8445 section 9). */
  #isRestart(now: RemoteTransport): boolean {
    const before = this.#transport;
    if (before === null) return false;
    const identity = ({ dtlsRole, fingerprints }: RemoteTransport): string => JSON.stringify([dtlsRole, fingerprints]);
    if (identity(before) !== identity(now)) throw otherIdentity('it is that of another peer');
    return before.ufrag !== now.ufrag || before.pwd !== now.pwd;
  }

  #restartIce(): void {
    this.#restarting = true;
    this.#gathered = null;
    this.#call(() => this.#native.restartIce());
  }

  /** The one with that number in native events. */
  #trackAt(index: number): OutgoingTrack | undefined {
    return [...this.#tracks.values()].find((track) => track.index === index);
  }

  #trackFor(mid: string, codec: Codec): OutgoingTrack {
    let track = this.#tracks.get(mid);
    if (track === undefined) {
      track = new OutgoingTrack({ mid, codec, ssrc: this.#newSsrc(), rtxSsrc: this.#newSsrc() });
      this.#tracks.set(mid, track);
    }
    return track;
  }

  #newSsrc(): number {
    const taken = [...this.#tracks.values()].flatMap(({ ssrc, rtxSsrc }) => [ssrc, rtxSsrc]);
    for (;;) {
      const ssrc = randomInt(1, 2 ** 32);
      if (!taken.includes(ssrc)) return ssrc;
    }
  }

  /** A peer that the native side closed a moment ago is simply closed. */
  #call<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if ((error as Partial<NativeFailure>).code !== 'HG_ERR_CLOSED') throw error;
      throw new UsageError('HG_ERR_CLOSED', { what: this.#name }, { cause: error });
    }
  }
}

function checkMedia(media: readonly (OfferMedia | OfferData)[], earlier: readonly string[]): void {
  const problem = (text: string): UsageError => new UsageError('HG_ERR_OPTION', { option: 'media', problem: text });
  if (media.length === 0) throw problem('an offer needs at least one m-line');
  const mids = media.map(({ mid }) => mid);
  for (const mid of mids) {
    if (!isMid(mid))
      throw problem(`${JSON.stringify(mid.slice(0, 40))} cannot be a mid: 1 to 16 characters of a token`);
  }
  if (media.filter(isData).length > 1) throw problem('one m-line serves all data channels');
  if (new Set(mids).size !== mids.length) throw problem('each mid may be there once');
  if (earlier.some((mid, index) => mids[index] !== mid)) {
    throw problem(`m-lines stay where they are: it must begin with ${earlier.join(', ')}`);
  }
}

/** Whether a text can be a mid: a token (RFC 8866) that fits a one-byte header extension (RFC 8285). */
export function isMid(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}$/.test(text);
}

function otherIdentity(why: string): RemoteError {
  return new RemoteError('HG_ERR_REMOTE_SDP', { reason: `it has another ICE or DTLS identity, and ${why}` });
}

/** What an answer of ours says of a line, as an answer of theirs would. */
function asNegotiated({ mid, type, accepted }: AnsweredMedia): NegotiatedMedia {
  const direction = accepted?.direction;
  return {
    mid,
    kind: type === 'audio' ? 'audio' : 'video',
    accepted: accepted !== undefined,
    sending: direction === 'sendrecv' || direction === 'sendonly',
    payloadType: accepted?.payloadType ?? 0,
    rtxPayloadType: accepted?.rtxPayloadType ?? 0,
    redPayloadType: accepted?.redPayloadType,
    nack: accepted?.feedback.includes('nack') ?? false,
    extensions: accepted?.sentExtensions ?? {},
  };
}

/** Unique and below 2^53, as some clients read it with a double. */
function newSessionId(): string {
  return String(Date.now() * 1000 + randomInt(1000));
}

/** IPv4 before IPv6, and loopback last. */
function firstAddress(candidates: readonly string[]): string {
  const rank = (address: string): number => (isIP(address) === 6 ? 1 : 0) + (/^(127\.|::1$)/.test(address) ? 2 : 0);
  const addresses = candidates
    .map((candidate) => candidate.split(' ')[4] ?? '')
    .filter((address) => isIP(address) !== 0);
  return addresses.sort((a, b) => rank(a) - rank(b))[0] ?? '0.0.0.0';
}
