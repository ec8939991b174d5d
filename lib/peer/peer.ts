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
import { OutgoingTrack, type OutgoingTrackStats } from './outgoing-track.js';
import { negotiateAnswer, offerMedia, type Negotiated, type OfferMedia } from './sdp/negotiate.js';
import { parseDescription } from './sdp/parse.js';
import { writeDescription, type LocalDescription } from './sdp/write.js';

export { OutgoingTrack, type OutgoingTrackStats } from './outgoing-track.js';
export type { OfferMedia } from './sdp/negotiate.js';

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
  /** An answer was taken: from here on it is known what flows. Again after each renegotiation. */
  negotiated: [];
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
  #offer: LocalDescription | null = null;
  #negotiated: Negotiated | null = null;
  #offering = false;
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
    return this.#offer === null ? 'new' : 'stable';
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

  /**
   * Writes an offer, with all candidates in it. Once an answer is there, another
   * offer may follow: its m-lines begin with those of the one before.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`, also if the peer closes meanwhile; `HG_ERR_STATE` while an
   * offer is out; `HG_ERR_OPTION`
   */
  async createOffer({ sessionName, media }: { sessionName: string; media: readonly OfferMedia[] }): Promise<string> {
    this.#mustBeOpen();
    if (this.#offering || this.#offerIsOut) {
      throw new UsageError('HG_ERR_STATE', { what: this.#name, reason: 'an offer waits for its answer' });
    }
    const earlier = this.#offer?.media ?? [];
    checkMedia(
      media,
      earlier.map(({ mid }) => mid),
    );
    this.#offering = true;
    try {
      const { ufrag, pwd, candidates } = await this.#gathering();
      const lines = offerMedia(media, (line) => this.#trackFor(line), earlier);
      const offer: LocalDescription = {
        sessionId: this.#offer?.sessionId ?? newSessionId(),
        sessionVersion: (this.#offer?.sessionVersion ?? 0) + 1,
        address: firstAddress(candidates),
        sessionName,
        fingerprint: { algorithm: 'sha-256', value: this.#engine.fingerprint('sha-256') },
        ufrag,
        pwd,
        setup: 'actpass',
        candidates,
        cname: CNAME,
        media: lines,
      };
      const sdp = writeDescription(offer);
      this.#offer = offer;
      this.#offerIsOut = true;
      return sdp;
    } finally {
      this.#offering = false;
    }
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
    const offer = this.#offer;
    if (!this.#offerIsOut || offer === null) {
      throw new UsageError('HG_ERR_STATE', { what: this.#name, reason: 'there is no offer to answer' });
    }
    const before = this.#negotiated;
    const negotiated = negotiateAnswer(offer, parseDescription(sdp));
    if (before !== null) mustBeSameTransport(before, negotiated);
    this.#negotiated = negotiated;
    this.#offerIsOut = false;
    this.#call(() => {
      // Tracks first: the first packet after the handshake is the keyframe buffer's.
      for (const line of negotiated.media) this.#tracks.get(line.mid)?.negotiate(line, this.#native);
      if (before === null) {
        const { ufrag, pwd, dtlsRole, fingerprints } = negotiated;
        this.#native.setRemote({ ufrag, pwd, dtlsRole, fingerprints });
      }
      for (const candidate of [...negotiated.candidates, ...this.#earlyCandidates]) {
        this.#native.addCandidate(candidate);
      }
      if (negotiated.endOfCandidates || this.#earlyEnd) this.#native.endOfCandidates();
    });
    this.#earlyCandidates = [];
    this.#log.debug({ peer: this.id, media: negotiated.media }, 'answer taken');
    this.emit('negotiated');
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
    if (this.#negotiated === null) {
      if (this.#earlyCandidates.length < MAX_EARLY_CANDIDATES) this.#earlyCandidates.push(text);
      return;
    }
    this.#call(() => this.#native.addCandidate(text));
  }

  /** No more candidates of the other side will come. */
  endOfCandidates(): void {
    if (this.closed) return;
    if (this.#negotiated === null) this.#earlyEnd = true;
    else this.#call(() => this.#native.endOfCandidates());
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
        const track = [...this.#tracks.values()].find(({ index }) => index === event.track);
        if (track && !this.closed) {
          this.emit('slowlink', { mid: track.mid, media: track.kind, uplink: true, lost: event.lost });
        }
        break;
      }
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

  #trackFor({ mid, codec }: OfferMedia): OutgoingTrack {
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

function checkMedia(media: readonly OfferMedia[], earlier: readonly string[]): void {
  const problem = (text: string): UsageError => new UsageError('HG_ERR_OPTION', { option: 'media', problem: text });
  if (media.length === 0) throw problem('an offer needs at least one m-line');
  const mids = media.map(({ mid }) => mid);
  for (const mid of mids) {
    if (!isMid(mid))
      throw problem(`${JSON.stringify(mid.slice(0, 40))} cannot be a mid: 1 to 16 characters of a token`);
  }
  if (new Set(mids).size !== mids.length) throw problem('each mid may be there once');
  if (earlier.some((mid, index) => mids[index] !== mid)) {
    throw problem(`m-lines stay where they are: it must begin with ${earlier.join(', ')}`);
  }
}

/** Whether a text can be a mid: a token (RFC 8866) that fits a one-byte header extension (RFC 8285). */
export function isMid(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}$/.test(text);
}

function mustBeSameTransport(before: Negotiated, now: Negotiated): void {
  const text = ({ ufrag, pwd, dtlsRole, fingerprints }: Negotiated): string =>
    JSON.stringify([ufrag, pwd, dtlsRole, fingerprints]);
  if (text(before) !== text(now)) {
    throw new RemoteError('HG_ERR_REMOTE_SDP', {
      reason: 'it has another ICE or DTLS identity, and no restart was offered',
    });
  }
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
