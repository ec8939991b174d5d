import { RtpPacket } from './rtp-packet.js';

// Of each packet, in front of the bytes of all; see NativeTap. In elements of the arrays below.
const RECORD = 16;
const ARRIVAL = 0;
const OFFSET = 2;
const SIZE = 6;
const KEYFRAME = 7;

/**
 * The clock of the media threads is the machine's; that of performance.now() began
 * with the process, or the worker. What is between them, milliseconds: the
 * closest of some readings, the first of which takes more than one.
 */
const CLOCK = Array.from({ length: 10 }, () => {
  const before = performance.now();
  const machine = Number(process.hrtime.bigint()) / 1e6;
  const after = performance.now();
  return { error: after - before, value: machine - (before + after) / 2 };
}).reduce((best, one) => (one.error < best.error ? one : best)).value;

/**
 * What a {@link Tap} got since the batch before: packets in order of arrival, in
 * one piece of memory. It is the application's, to be kept for as long as it
 * likes; a payload that is kept keeps the whole batch.
 *
 * @example
 * const tap = gateway.createTap({ kind: 'audio' });
 * tap.on('packets', (batch) => {
 *   for (const { sequenceNumber, payload } of batch) console.log(sequenceNumber, payload.length);
 * });
 */
export class PacketBatch implements Iterable<RtpPacket> {
  /** How many packets; one at least. */
  readonly length: number;
  readonly #bytes: Uint8Array;
  // The records, as numbers of three sizes.
  readonly #f64: Float64Array;
  readonly #u32: Uint32Array;
  readonly #u16: Uint16Array;

  /** @internal Of what a native tap gave. */
  constructor(batch: Uint8Array<ArrayBuffer>) {
    const { buffer, byteOffset } = batch;
    this.#bytes = batch;
    // The bytes follow the records at once.
    const size = new Uint32Array(buffer, byteOffset, RECORD / 4)[OFFSET] ?? 0;
    this.length = size / RECORD;
    this.#f64 = new Float64Array(buffer, byteOffset, size / 8);
    this.#u32 = new Uint32Array(buffer, byteOffset, size / 4);
    this.#u16 = new Uint16Array(buffer, byteOffset, size / 2);
  }

  /** Of all packets, bytes. */
  get size(): number {
    return this.#bytes.length - RECORD * this.length;
  }

  /** One of them, a negative index counts from the end; undefined: there is none. */
  at(index: number): RtpPacket | undefined {
    const place = index < 0 ? index + this.length : index;
    const isOne = Number.isInteger(place) && place >= 0 && place < this.length;
    return isOne ? this.#packet(place) : undefined;
  }

  *[Symbol.iterator](): Iterator<RtpPacket> {
    for (let index = 0; index < this.length; ++index) yield this.#packet(index);
  }

  #packet(index: number): RtpPacket {
    const offset = this.#u32[index * 4 + OFFSET] ?? 0;
    const size = this.#u16[index * 8 + SIZE] ?? 0;
    const arrival = (this.#f64[index * 2 + ARRIVAL] ?? 0) - CLOCK;
    const isKeyframe = this.#u16[index * 8 + KEYFRAME] !== 0;
    return new RtpPacket(this.#bytes, arrival, isKeyframe, offset, offset + size);
  }
}
