import { createSocket, type Socket } from 'node:dgram';
import type { Test } from 'tap';

export interface RtpSenderOptions {
  port: number;
  kind: 'audio' | 'video';
  ssrc?: number;
  /** Of the first packet. */
  seq?: number;
  timestamp?: number;
  /** Bytes. */
  payloadSize?: number;
}

/** Packets of a VP8 frame (RFC 7741); a frame is 1/30 s, and each 60th a keyframe. */
const PACKETS_PER_FRAME = 3;
const KEYFRAME_INTERVAL = 60;

/** Sends RTP to a port of this machine, and remembers every packet. */
export class RtpSender {
  readonly sent: Buffer[] = [];
  /** Milliseconds of media so far. */
  media = 0;
  readonly #socket: Socket;
  readonly #options: Required<RtpSenderOptions>;
  #seq: number;
  #ssrc: number;
  #timestamp: number;
  #frame = 0;

  constructor(t: Test, options: RtpSenderOptions) {
    this.#options = { ssrc: 0x1234abcd, seq: 65500, timestamp: 0xfffff000, payloadSize: 200, ...options };
    this.#seq = this.#options.seq;
    this.#ssrc = this.#options.ssrc;
    this.#timestamp = this.#options.timestamp;
    this.#socket = createSocket('udp4').unref();
    t.teardown(() => this.#socket.close());
  }

  /** The next frame of video, or 20 ms of audio; resolves when the kernel has it. */
  async frame(): Promise<void> {
    const isVideo = this.#options.kind === 'video';
    const count = isVideo ? PACKETS_PER_FRAME : 1;
    const isKeyframe = isVideo && this.#frame++ % KEYFRAME_INTERVAL === 0;
    const packets = Array.from({ length: count }, (_, index) =>
      this.#packet(index === 0, index === count - 1, isKeyframe),
    );
    this.#timestamp = (this.#timestamp + (isVideo ? 3000 : 960)) >>> 0;
    this.media += isVideo ? 1000 / 30 : 20;
    this.sent.push(...packets);
    await Promise.all(
      packets.map(
        (packet) =>
          new Promise<void>((done, fail) => {
            this.#socket.send(packet, this.#options.port, '127.0.0.1', (error) => (error ? fail(error) : done()));
          }),
      ),
    );
  }

  /** As a sender that was started anew; the next frame is a keyframe. */
  restart(ssrc: number, seq: number, timestamp: number): void {
    this.#ssrc = ssrc;
    this.#seq = seq;
    this.#timestamp = timestamp;
    this.#frame = 0;
  }

  #packet(isFirst: boolean, isLast: boolean, isKeyframe: boolean): Buffer {
    const isVideo = this.#options.kind === 'video';
    const packet = Buffer.alloc(20 + this.#options.payloadSize, this.sent.length);
    packet[0] = 0x90; // with an extension
    packet[1] = (isLast && isVideo ? 0x80 : 0) | (isVideo ? 96 : 111);
    packet.writeUInt16BE(this.#seq, 2);
    packet.writeUInt32BE(this.#timestamp, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    packet.writeUInt32BE(0xbede0001, 12);
    packet.writeUInt32BE(0x10850000, 16); // audio level, id 1
    if (isVideo) {
      packet[20] = isFirst ? 0x10 : 0;
      packet[21] = isKeyframe ? 0 : 1;
      packet.writeUIntBE(0x9d012a, 24, 3);
    }
    this.#seq = (this.#seq + 1) & 0xffff;
    return packet;
  }
}
