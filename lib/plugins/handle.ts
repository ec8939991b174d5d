import type { HangupReason, Peer, PeerOptions } from '../peer/peer.js';

/** A session description as clients send and get it. */
export interface Jsep {
  type: 'offer' | 'answer';
  sdp: string;
  /** Media is encrypted between the ends; told to those who receive it. */
  e2ee?: boolean;
}

/** What came with a client's session description. */
export interface RemoteJsep extends Jsep {
  /** False: all candidates are in the SDP. Default true. */
  trickle: boolean;
  /** Order of the rids in an offer: high to low or low to high. Default `hml`. */
  ridOrder: 'hml' | 'lmh';
  /** The client wants our side relayed. */
  forceRelay: boolean;
  e2ee: boolean;
  /** As sent; undefined when malformed. */
  svc?: readonly { mindex?: number; mid?: string; svc: string }[];
}

/** What {@link Handle.push} may carry along. */
export interface PushOptions {
  /** The session description for the client. */
  jsep?: Jsep;
  /** The transaction of the request this answers. */
  transaction?: string;
}

/** One client's attachment to a plugin, as the plugin sees it. */
export interface Handle {
  /** The handle id of the wire protocol: an integer below 2^53, unique within the gateway. */
  readonly id: number;
  /** The client's own name for it, if it sent one. */
  readonly opaqueId: string | undefined;
  /** The token that the client showed when it attached, if it sent one. */
  readonly token: string | undefined;
  /** True from the moment it is being detached. */
  readonly closed: boolean;
  /** The live peer; null before there is one and after it closed. */
  readonly peer: Peer | null;
  /** Free for the plugin. */
  data: unknown;

  /**
   * Makes the handle's peer.
   *
   * @throws {@link UsageError} `HG_ERR_STATE` while one is live, `HG_ERR_CLOSED`
   */
  createPeer(options?: PeerOptions): Peer;

  /**
   * Sends the client an event. After the handle closed it does nothing.
   *
   * @param data - a JSON object; it is copied
   * @throws {@link UsageError} `HG_ERR_PLUGIN_DATA` if it is no JSON object
   */
  push(data: object, options?: PushOptions): void;

  /** Closes the peer, if there is one; the client gets a `hangup` event. */
  hangup(reason: HangupReason): void;
}
