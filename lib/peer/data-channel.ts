import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { NativeDataChannel } from '../native/types.js';

export interface DataChannelEvents {
  /** Messages can be sent. Never for channels that come with `datachannel`: those are open. */
  open: [];
  message: [data: string | Uint8Array];
  /** {@link DataChannel.send} said no, and now there is room again. */
  low: [];
  /** The last. */
  close: [];
}

/** How a data channel behaves (RFC 8831 section 6.4). */
export interface DataChannelOptions {
  /** Name of a protocol, for the other side to read. Default none. */
  protocol?: string;
  /** Messages arrive in the order in which they were sent. Default true. */
  ordered?: boolean;
  /** A lost message is sent again at most so often. Default: until it arrives. */
  maxRetransmits?: number;
  /** Nor after so many milliseconds. At most one of the two. Default: until it arrives. */
  maxPacketLifeTime?: number;
}

/** What a channel needs to know of its peer. @internal */
export interface DataChannelHost {
  /** The largest message the other side takes, bytes. */
  readonly maxMessageSize: number;
}

/**
 * A data channel with the other side (RFC 8831). Messages of up to 256 KiB,
 * text or binary.
 *
 * @example
 * peer.on('datachannel', (channel) => {
 *   channel.on('message', (data) => channel.send(data));
 * });
 */
export class DataChannel extends Emitter<DataChannelEvents> {
  readonly label: string;
  readonly protocol: string;
  readonly ordered: boolean;
  readonly maxRetransmits: number | undefined;
  readonly maxPacketLifeTime: number | undefined;
  readonly #native: NativeDataChannel;
  readonly #host: DataChannelHost;
  #id: number | null = null;
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';

  constructor(native: NativeDataChannel, host: DataChannelHost) {
    super();
    this.#native = native;
    this.#host = host;
    this.label = native.label;
    this.protocol = native.protocol;
    this.ordered = native.ordered;
    this.maxRetransmits = native.maxRetransmits;
    this.maxPacketLifeTime = native.maxPacketLifeTime;
  }

  /** The number of its pair of SCTP streams; null until it is open. */
  get id(): number | null {
    return this.#id;
  }

  get readyState(): 'connecting' | 'open' | 'closing' | 'closed' {
    return this.#state;
  }

  /** No more messages come or go. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** Bytes of messages that were taken and still wait to be sent. */
  get bufferedAmount(): number {
    return this.#native.bufferedAmount;
  }

  /**
   * Sends a message: a string as text, bytes as binary; the bytes are copied.
   * What waits for one peer, on all its channels, is bounded to 1 MiB.
   *
   * @returns false if there is no room: the message was not taken. `low` follows
   * as soon as there is.
   * @throws {@link UsageError} `HG_ERR_STATE` before `open`, `HG_ERR_CLOSED` from {@link close} on, `HG_ERR_OPTION`
   * if the message is larger than the other side takes
   * @example
   * peer.on('datachannel', (channel) => {
   *   if (!channel.send('hello')) channel.once('low', () => channel.send('hello'));
   * });
   */
  send(data: string | Uint8Array): boolean {
    this.#mustBeOpen();
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
    if (size > this.#host.maxMessageSize) {
      const problem = `${String(size)} bytes are too much: the other side takes ${String(this.#host.maxMessageSize)}`;
      throw new UsageError('HG_ERR_OPTION', { option: `message for ${this.#name}`, problem });
    }
    return this.#native.send(data);
  }

  /**
   * Relays what comes here to a channel of another peer, without JavaScript; may
   * be called for several targets. There are no `message` events from then on:
   * for a channel that is piped while `datachannel` tells of it, none at all.
   * While a target has no room the sending peer has to wait.
   *
   * @param options - `mayDrop`: nobody waits, messages that find no room are lost. Default: if this channel is not
   * reliable
   * @throws {@link UsageError} `HG_ERR_CLOSED`
   * @example
   * function connect(alice: DataChannel, bob: DataChannel) {
   *   alice.pipe(bob);
   *   bob.pipe(alice);
   * }
   */
  pipe(
    target: DataChannel,
    { mayDrop = this.maxRetransmits !== undefined || this.maxPacketLifeTime !== undefined }: { mayDrop?: boolean } = {},
  ): void {
    for (const channel of [this, target]) {
      if (channel.closed) throw new UsageError('HG_ERR_CLOSED', { what: channel.#name });
    }
    this.#native.pipe(target.#native, mayDrop);
  }

  /** Takes back every {@link pipe}: messages are events again. */
  unpipe(): void {
    if (!this.closed) this.#native.unpipe();
  }

  /** Closes it once what was taken is sent; `close` follows. Twice does nothing. */
  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#state = 'closing';
    this.#native.close();
  }

  /** @internal */
  opened(id: number): void {
    if (this.#state !== 'connecting') return;
    this.#id = id;
    this.#state = 'open';
    this.emit('open');
  }

  /** @internal */
  received(data: string | Uint8Array): void {
    if (this.#state === 'open') this.emit('message', data);
  }

  /** @internal */
  becameLow(): void {
    if (this.#state === 'open') this.emit('low');
  }

  /** @internal */
  ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.emit('close');
  }

  get #name(): string {
    return `data channel ${JSON.stringify(this.label.slice(0, 40))}`;
  }

  #mustBeOpen(): void {
    if (this.#state === 'open') return;
    const what = this.#name;
    if (this.#state !== 'connecting') throw new UsageError('HG_ERR_CLOSED', { what });
    throw new UsageError('HG_ERR_STATE', { what, reason: 'it is not open yet' });
  }
}
