import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { OfferMedia, Peer } from '../peer/peer.js';
import { link, type Link } from './link.js';
import type { Mountpoint, MountpointMedia } from './mountpoint.js';

/** Why a viewer sees no more: itself, {@link Mountpoint.kickAll}, the mountpoint closed, its peer closed. */
export type ViewerEnd = 'left' | 'kicked' | 'mountpoint' | 'peer';

interface Track {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  /** Which of its kind it is in the mountpoint: what it is paired with in another. */
  readonly ordinal: number;
  media: MountpointMedia | null;
  sending: boolean;
  link: Link | null;
}

/**
 * Somebody who watches a {@link Mountpoint}: a peer, and the links to it. The
 * peer stays the caller's.
 *
 * @example
 * const viewer = mountpoint.addViewer(handle.createPeer());
 * const sdp = await viewer.createOffer();
 */
export class Viewer extends Emitter<{ close: [{ reason: ViewerEnd }] }> {
  readonly peer: Peer;
  #mountpoint: Mountpoint;
  readonly #tracks: Track[];
  readonly #offer: readonly OfferMedia[];
  #paused = false;
  #closed = false;

  /** @internal Made by {@link Mountpoint.addViewer}. */
  constructor(mountpoint: Mountpoint, peer: Peer, media: readonly MountpointMedia[]) {
    super();
    this.#mountpoint = mountpoint;
    this.peer = peer;
    this.#tracks = media.map((one) => ({
      mid: one.mid,
      kind: one.codec.kind,
      ordinal: one.ordinal,
      media: one,
      sending: true,
      link: null,
    }));
    this.#offer = media.map(({ mid, codec, payloadType, fmtp, msid }) => ({
      mid,
      codec,
      payloadType,
      fmtp,
      msid,
      extensions: mountpoint.extensionsFor(codec.kind),
    }));
    peer.once('close', () => this.close('peer'));
  }

  /** What it watches; another one after {@link switch}. */
  get mountpoint(): Mountpoint {
    return this.#mountpoint;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Mids of its m-lines. */
  get mids(): readonly string[] {
    return this.#tracks.map(({ mid }) => mid);
  }

  /**
   * Writes an offer for the peer, with all candidates in it. Media flows once it
   * is answered. Called again after the answer, it offers the same anew, with
   * `restartIce` over a path that is looked for anew.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`, also if the viewer is closed meanwhile; `HG_ERR_STATE` while an offer is out
   */
  async createOffer({ restartIce = false }: { restartIce?: boolean } = {}): Promise<string> {
    this.#mustBeOpen();
    const sessionName = `Mountpoint ${String(this.#mountpoint.id)}`.replace(/\p{Cc}/gu, ' ');
    const sdp = await this.peer.createOffer({ sessionName, media: this.#offer, restartIce });
    this.#mustBeOpen();
    for (const track of this.#tracks) this.#connect(track);
    return sdp;
  }

  /** Nothing is sent any more. The mountpoint counts the viewer still. */
  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  /**
   * Whether one m-line is sent. Unknown mids are ignored.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   */
  setSending(mid: string, sending: boolean): void {
    this.#mustBeOpen();
    for (const track of this.#tracks) {
      if (track.mid !== mid) continue;
      track.sending = sending;
      this.#apply(track);
    }
  }

  /** Mids of the m-lines of a kind. */
  midsOf(kind: 'audio' | 'video'): readonly string[] {
    return this.#tracks.filter((track) => track.kind === kind).map(({ mid }) => mid);
  }

  /**
   * Watches another mountpoint over the same peer, without a new offer. The
   * first video goes where the first video was, and so on; what has no
   * counterpart falls silent.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`; `HG_ERR_STATE` if a codec differs
   */
  switch(mountpoint: Mountpoint): void {
    this.#mustBeOpen();
    if (mountpoint.closed) throw new UsageError('HG_ERR_CLOSED', { what: mountpoint.title });
    const paired = this.#tracks.map((track, index) => {
      const media = mountpoint.media.find(
        ({ codec, ordinal }) => codec.kind === track.kind && ordinal === track.ordinal,
      );
      const offered = this.#offer[index]?.codec;
      if (media && media.codec !== offered) {
        throw new UsageError('HG_ERR_STATE', {
          what: `a viewer of ${this.#mountpoint.title}`,
          reason: `"${media.mid}" of ${mountpoint.title} is ${media.codec.name}, it was offered ${String(offered?.name)}`,
        });
      }
      return media ?? null;
    });
    if (mountpoint !== this.#mountpoint) {
      this.#mountpoint.removeViewer(this);
      this.#mountpoint = mountpoint;
      mountpoint.adoptViewer(this);
    }
    this.#tracks.forEach((track, index) => {
      track.media = paired[index] ?? null;
      const connected = this.peer.track(track.mid) !== undefined;
      if (track.media === null) {
        track.link?.close();
        track.link = null;
      } else if (track.link && !track.link.closed) {
        track.link.switch(track.media.source);
      } else if (connected) {
        track.link = null;
        this.#connect(track);
      }
    });
  }

  /** The peer is sent nothing any more. Closing twice does nothing. */
  close(reason: ViewerEnd = 'left'): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { link } of this.#tracks) link?.close();
    this.#mountpoint.removeViewer(this);
    this.emit('close', { reason });
  }

  #connect(track: Track): void {
    const out = this.peer.track(track.mid);
    if (track.link || track.media === null || out === undefined || out.closed) return;
    track.link = link(track.media.source, out);
    this.#apply(track);
  }

  #setPaused(paused: boolean): void {
    this.#mustBeOpen();
    this.#paused = paused;
    for (const track of this.#tracks) this.#apply(track);
  }

  #apply({ link, sending }: Track): void {
    if (!link || link.closed) return;
    if (this.#paused || !sending) link.pause();
    else link.resume();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: `a viewer of ${this.#mountpoint.title}` });
  }
}
