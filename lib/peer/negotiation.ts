import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { RemoteError, UsageError } from '../errors.js';
import type { NativeEngine, NativePeer } from '../native/types.js';
import type { DataChannels } from './data-channels.js';
import type { IncomingTrack } from './incoming-track.js';
import type { IncomingTracks } from './incoming-tracks.js';
import type { OutgoingTracks } from './outgoing-tracks.js';
import { RemoteCandidates } from './remote-candidates.js';
import type { AgreedLine } from './sdp/agreed.js';
import { answerLines, answerOffer, checkSequence, type AnswerWish } from './sdp/answer.js';
import type { RemoteData } from './sdp/data.js';
import { negotiateAnswer } from './sdp/negotiate.js';
import { checkOffer, offerLines, type OfferLine } from './sdp/offer.js';
import { parseDescription, type RemoteMedia } from './sdp/parse.js';
import type { RemoteTransport } from './sdp/transport.js';
import { writeDescription, type LocalDescription } from './sdp/write.js';

/** What is offered. */
export interface OfferOptions {
  sessionName: string;
  /**
   * After the first negotiation: its m-lines, each in its place, and what is new
   * behind them. The place of one that was rejected or stopped may be taken by
   * another.
   */
  media: readonly OfferLine[];
  /** With new ICE credentials (RFC 8445 section 9): the path is looked for anew, media goes on. Default false. */
  restartIce?: boolean;
}

/** Whether the rids of simulcast are listed from the highest quality to the lowest. */
export type RidOrder = 'hml' | 'lmh';

/** How an offer is answered. */
export interface AnswerOptions {
  /** Default `-`. */
  sessionName?: string;
  /** What we want with each audio and video line; undefined rejects it. */
  wishFor: (line: RemoteMedia) => AnswerWish | undefined;
  /** Data channels are taken. Default false: their m-line is rejected. */
  data?: boolean;
  /** Default `hml`. */
  ridOrder?: RidOrder;
}

/** Session descriptions, as they were written and read last. */
export interface Descriptions {
  local?: string;
  remote?: string;
}

/** What a negotiation needs of its peer. */
export interface NegotiationOwner {
  /** For errors: `peer 7`. */
  readonly title: string;
  /** @throws {@link UsageError} `HG_ERR_CLOSED` */
  mustBeOpen(): void;
  onNegotiated(media: readonly AgreedLine[]): void;
  onIncoming(track: IncomingTrack): void;
}

/** What is negotiated about. */
export interface Negotiable {
  engine: NativeEngine;
  native: NativePeer;
  outgoing: OutgoingTracks;
  incoming: IncomingTracks;
  channels: DataChannels;
}

interface Gathered {
  ufrag: string;
  pwd: string;
  candidates: string[];
}

const CNAME = 'janus';

/** Offers and answers of one peer (RFC 9429), one at a time, and the transport they describe. */
export class Negotiation {
  readonly #owner: NegotiationOwner;
  readonly #of: Negotiable;
  readonly candidates: RemoteCandidates;
  /** What we said last. */
  #local: LocalDescription | null = null;
  /** What the other side said last. */
  #transport: RemoteTransport | null = null;
  /** Places of m-lines that were rejected. */
  #free: ReadonlySet<number> = new Set();
  #isBusy = false;
  #isOfferOut = false;
  /** Our credentials are new, and theirs are not known yet. */
  #isRestarting = false;
  #gathered: Gathered | null = null;
  #descriptions: Descriptions = {};
  /** Whoever waits for {@link #gathered}; called with it or when the peer is gone. */
  #waiting: (() => void)[] = [];

  constructor(owner: NegotiationOwner, of: Negotiable) {
    this.#owner = owner;
    this.#of = of;
    this.candidates = new RemoteCandidates(of.native);
  }

  get state(): 'new' | 'have-local-offer' | 'stable' {
    if (this.#isOfferOut) return 'have-local-offer';
    return this.#transport === null ? 'new' : 'stable';
  }

  /** {@link Peer.descriptions} */
  get descriptions(): Descriptions {
    return this.#descriptions;
  }

  /** What the other side said of its transport; null before. */
  get transport(): RemoteTransport | null {
    return this.#transport;
  }

  /** Our candidates, `candidate:…` values. */
  get localCandidates(): readonly string[] {
    return this.#gathered?.candidates ?? [];
  }

  get localFingerprint(): string {
    return this.#of.engine.fingerprint('sha-256');
  }

  /** The mids of our m-lines, in their order. */
  get mids(): readonly string[] {
    return (this.#local?.media ?? []).map(({ mid }) => mid);
  }

  /** The mid of the m-line that carries data channels. */
  get dataMid(): string | undefined {
    return this.#local?.media.find((line) => 'kind' in line && line.kind === 'data')?.mid;
  }

  /** {@link Peer.createOffer} */
  async createOffer({ sessionName, media, restartIce = false }: OfferOptions): Promise<string> {
    const { outgoing } = this.#of;
    const earlier = this.#local?.media ?? [];
    return this.#run(async () => {
      checkOffer(media, earlier, this.#free);
      if (restartIce && this.#transport !== null) this.#restartIce();
      const description = await this.#describe(sessionName, 'actpass');
      const offer = {
        ...description,
        media: offerLines(media, ({ mid, codec }) => outgoing.prepare(mid, codec), earlier),
      };
      const sdp = writeDescription(offer);
      this.#local = offer;
      this.#descriptions = { ...this.#descriptions, local: sdp };
      this.#isOfferOut = true;
      return sdp;
    });
  }

  /** {@link Peer.createAnswer} */
  async createAnswer(
    sdp: string,
    { sessionName = '-', wishFor, data = false, ridOrder = 'hml' }: AnswerOptions,
  ): Promise<string> {
    const { outgoing, incoming } = this.#of;
    return this.#run(async () => {
      const offer = parseDescription(sdp);
      checkSequence(offer, this.#local?.media ?? [], this.#free);
      const { media, ...transport } = answerOffer(offer, wishFor, data);
      // Roles stay through renegotiations (RFC 8842 section 5.5).
      if (this.#transport !== null) transport.dtlsRole = this.#transport.dtlsRole;
      if (this.#isRestart(transport)) this.#restartIce();
      const description = await this.#describe(sessionName, transport.dtlsRole === 'client' ? 'active' : 'passive');
      const lines = answerLines(media, ({ mid, agreed }) =>
        agreed === undefined ? { ssrc: 0, rtxSsrc: 0 } : outgoing.prepare(mid, agreed.codec),
      );
      const answer = { ...description, media: lines };
      const text = writeDescription(answer);
      this.#local = answer;
      this.#descriptions = { local: text, remote: sdp };
      this.#free = new Set(lines.flatMap((line, index) => ('kind' in line ? [] : [index])));
      const added = incoming.negotiate(media, ridOrder);
      this.#apply(transport, media, media.find((line) => line.data !== undefined)?.data);
      for (const track of added) this.#owner.onIncoming(track);
      return text;
    });
  }

  /** {@link Peer.setAnswer} */
  setAnswer(sdp: string, ridOrder: RidOrder): void {
    const offer = this.#local;
    if (!this.#isOfferOut || offer === null) {
      throw new UsageError('HG_ERR_STATE', { what: this.#owner.title, reason: 'there is no offer to answer' });
    }
    const answer = parseDescription(sdp);
    const { media, data, ...transport } = negotiateAnswer(offer, answer);
    if (this.#isRestart(transport) && !this.#isRestarting) throw otherIdentity('no restart was offered');
    this.#isOfferOut = false;
    this.#descriptions = { ...this.#descriptions, remote: sdp };
    this.#free = new Set(answer.media.flatMap(({ port, index }) => (port === 0 ? [index] : [])));
    const added = this.#of.incoming.negotiate(media, ridOrder);
    this.#apply(transport, media, data);
    for (const track of added) this.#owner.onIncoming(track);
  }

  /** The native side knows our credentials and candidates. */
  onGathered(gathered: Gathered): void {
    this.#gathered = gathered;
    this.wake();
  }

  /** The peer is gone, whoever waits has to know. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Runs one negotiation at a time, and none while an offer of ours is out. */
  async #run(negotiate: () => Promise<string>): Promise<string> {
    if (this.#isBusy || this.#isOfferOut) {
      throw new UsageError('HG_ERR_STATE', { what: this.#owner.title, reason: 'an offer waits for its answer' });
    }
    this.#isBusy = true;
    try {
      return await negotiate();
    } finally {
      this.#isBusy = false;
    }
  }

  async #gathering(): Promise<Gathered> {
    while (this.#gathered === null) {
      this.#owner.mustBeOpen();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#owner.mustBeOpen();
    return this.#gathered;
  }

  /** What a description of ours says besides its m-lines. */
  async #describe(sessionName: string, setup: LocalDescription['setup']): Promise<Omit<LocalDescription, 'media'>> {
    const { ufrag, pwd, candidates } = await this.#gathering();
    return {
      sessionId: this.#local?.sessionId ?? newSessionId(),
      sessionVersion: (this.#local?.sessionVersion ?? 0) + 1,
      address: firstAddress(candidates),
      sessionName,
      fingerprint: { algorithm: 'sha-256', value: this.#of.engine.fingerprint('sha-256') },
      ufrag,
      pwd,
      setup,
      candidates,
      cname: CNAME,
    };
  }

  /** Both sides agree: the native side goes on with it. */
  #apply(transport: RemoteTransport, media: readonly AgreedLine[], data: RemoteData | undefined): void {
    const { native, outgoing, channels } = this.#of;
    const isNew = this.#transport === null || this.#isRestarting;
    this.#transport = transport;
    this.#isRestarting = false;
    // Tracks first: the first packet after the handshake is the keyframe buffer's.
    outgoing.negotiate(media);
    if (isNew) {
      const { ufrag, pwd, dtlsRole, fingerprints } = transport;
      const isMedia = media.some(({ agreed }) => agreed);
      native.setRemote({ ufrag, pwd, dtlsRole, fingerprints, media: isMedia });
    }
    if (data !== undefined) channels.negotiate(data);
    this.candidates.open(transport);
    this.#owner.onNegotiated(media);
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
    this.#isRestarting = true;
    this.#gathered = null;
    this.candidates.hold();
    this.#of.native.restartIce();
  }
}

function otherIdentity(why: string): RemoteError {
  return new RemoteError('HG_ERR_REMOTE_SDP', { reason: `it has another ICE or DTLS identity, and ${why}` });
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
