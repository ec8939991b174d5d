import { UsageError } from '../errors.js';
import type { NativeChannelEvent, NativePeer } from '../native/types.js';
import { DataChannel, type DataChannelHost, type DataChannelOptions } from './data-channel.js';
import { MAX_MESSAGE_SIZE, type RemoteData } from './sdp/data.js';

// As the native side has it.
const MAX_NAME = 2048;

/** The data channels of one peer. */
export class DataChannels implements Iterable<DataChannel>, DataChannelHost {
  readonly #native: NativePeer;
  readonly #channels = new Map<number, DataChannel>();
  readonly #onChannel: (channel: DataChannel) => void;
  #remote: RemoteData | null = null;

  /** @param onChannel - hears of each that the other side opens */
  constructor(native: NativePeer, onChannel: (channel: DataChannel) => void) {
    this.#native = native;
    this.#onChannel = onChannel;
  }

  [Symbol.iterator](): Iterator<DataChannel> {
    return this.#channels.values();
  }

  get maxMessageSize(): number {
    const theirs = this.#remote?.maxMessageSize ?? 0;
    return theirs === 0 ? MAX_MESSAGE_SIZE : Math.min(theirs, MAX_MESSAGE_SIZE);
  }

  /** Both sides have agreed to data channels. */
  negotiate(remote: RemoteData): void {
    if (this.#remote === null) this.#native.enableData({ port: remote.sctpPort });
    this.#remote = remote;
  }

  create(
    label: string,
    { protocol = '', ordered = true, maxRetransmits, maxPacketLifeTime }: DataChannelOptions,
  ): DataChannel {
    const problem = (option: string, text: string): UsageError =>
      new UsageError('HG_ERR_OPTION', { option: `Peer.createDataChannel.${option}`, problem: text });
    for (const [option, text] of Object.entries({ label, protocol })) {
      if (Buffer.byteLength(text) > MAX_NAME) throw problem(option, `longer than ${String(MAX_NAME)} bytes`);
    }
    for (const [option, value] of Object.entries({ maxRetransmits, maxPacketLifeTime })) {
      if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= 65_535)) {
        throw problem(option, 'not a whole number from 0 to 65535');
      }
    }
    if (maxRetransmits !== undefined && maxPacketLifeTime !== undefined) {
      throw problem('maxPacketLifeTime', 'there may be only one of maxRetransmits and maxPacketLifeTime');
    }
    const native = this.#native.createChannel({ label, protocol, ordered, maxRetransmits, maxPacketLifeTime });
    const channel = new DataChannel(native, this);
    this.#channels.set(native.key, channel);
    return channel;
  }

  handleNativeEvent(event: NativeChannelEvent): void {
    if (event.type === 'channel-open') {
      this.#opened(event);
      return;
    }
    const channel = this.#channels.get(event.channel);
    switch (event.type) {
      case 'channel-message':
        channel?.received(event.data);
        break;
      case 'channel-low':
        channel?.becameLow();
        break;
      case 'channel-closed':
        this.#channels.delete(event.channel);
        channel?.ended();
        break;
    }
  }

  /** With the peer. */
  end(): void {
    for (const channel of this.#channels.values()) channel.ended();
    this.#channels.clear();
  }

  #opened({ channel: native, stream }: NativeChannelEvent & { type: 'channel-open' }): void {
    const known = this.#channels.get(native.key);
    if (known !== undefined) {
      known.opened(stream);
      return;
    }
    const channel = new DataChannel(native, this);
    this.#channels.set(native.key, channel);
    channel.opened(stream);
    this.#onChannel(channel);
  }
}
