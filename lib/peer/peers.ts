import type { Logger } from '../logger.js';
import type { NativeEngine, NativeEvent } from '../native/types.js';
import type { CaptureFactory } from './capture.js';
import type { IncomingTrack } from './incoming-track.js';
import { Peer, type PeerFactory, type PeerOptions } from './peer.js';

/** All live peers of a native engine: makes them and hands them their events. */
export class Peers implements PeerFactory, Iterable<Peer> {
  readonly #engine: NativeEngine;
  readonly #log: Logger;
  readonly #captures: CaptureFactory;
  readonly #hangupOnFailed: boolean;
  readonly #peers = new Map<number, Peer>();
  /** By the ids of their native sources. */
  readonly #incoming = new Map<number, IncomingTrack>();

  /** @param hangupOnFailed - of peers that are not made with another wish */
  constructor(engine: NativeEngine, logger: Logger, captures: CaptureFactory, { hangupOnFailed = false } = {}) {
    this.#engine = engine;
    this.#log = logger;
    this.#captures = captures;
    this.#hangupOnFailed = hangupOnFailed;
  }

  get size(): number {
    return this.#peers.size;
  }

  [Symbol.iterator](): Iterator<Peer> {
    return this.#peers.values();
  }

  createPeer(options?: PeerOptions): Peer {
    const wishes = { hangupOnFailed: this.#hangupOnFailed, ...options };
    const peer = new Peer(this.#engine, this.#log, this.#captures, wishes);
    this.#peers.set(peer.id, peer);
    peer.once('close', () => this.#peers.delete(peer.id));
    peer.on('track', (track) => this.#listen(track));
    return peer;
  }

  /** Whether the event was one for a peer of ours. Events for peers that are gone are dropped. */
  handleNativeEvent(event: NativeEvent): boolean {
    if ('source' in event) {
      const track = this.#incoming.get(event.source);
      track?.handleNativeEvent(event);
      return track !== undefined;
    }
    if (!('peer' in event)) return false;
    this.#peers.get(event.peer)?.handleNativeEvent(event);
    return true;
  }

  #listen(track: IncomingTrack): void {
    const ids = track.encodings.map(({ id }) => id);
    for (const id of ids) this.#incoming.set(id, track);
    track.once('close', () => {
      for (const id of ids) this.#incoming.delete(id);
    });
  }

  /** After the engine closed: no event will come any more, so every peer ends here. */
  engineClosed(): void {
    for (const peer of [...this.#peers.values()]) {
      peer.handleNativeEvent({ type: 'closed', peer: peer.id, reason: 'api', detail: '' });
    }
  }
}
