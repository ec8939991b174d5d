import { show } from '../options.js';

/** The fixed header (RFC 3550 section 5.1). */
const HEADER = 12;

/** RFC 8285 sections 4.2 and 4.3. */
const ONE_BYTE_EXTENSIONS = 0xbede;
const TWO_BYTE_EXTENSIONS = 0x1000;

/** How loud a packet of audio is (RFC 6464). */
export interface AudioLevel {
  /** In -dBov: 0 is the loudest, 127 is silence. */
  level: number;
  /** The sender thinks it is speech; only if it says so at all (`vad=on`). */
  voice: boolean;
}

/**
 * A view of one RTP packet (RFC 3550). Nothing is copied: what it gives lies in
 * the memory it was made of.
 *
 * @example
 * const packet = new RtpPacket(Buffer.from('80e00001000003e8000000ff2a', 'hex'));
 * const { sequenceNumber, timestamp, marker, payload } = packet;
 */
export class RtpPacket {
  /** When it came, milliseconds as `performance.now()` counts them; 0 if nobody knows. */
  readonly arrival: number;
  /** A keyframe begins with it, as far as the codec's packets tell. */
  readonly keyframe: boolean;
  readonly #data: Uint8Array;
  readonly #begin: number;
  readonly #end: number;

  /** @param bytes - of an RTP packet; of what is none, the members are nonsense */
  constructor(bytes: Uint8Array, arrival = 0, keyframe = false, begin = 0, end = bytes.length) {
    this.arrival = arrival;
    this.keyframe = keyframe;
    this.#data = bytes;
    this.#begin = begin;
    this.#end = end;
  }

  /** The whole packet. */
  get bytes(): Buffer {
    return this.#slice(0, this.length);
  }

  /** Bytes. */
  get length(): number {
    return this.#end - this.#begin;
  }

  get payloadType(): number {
    return this.#u8(1) & 0x7f;
  }

  get marker(): boolean {
    return this.#u8(1) >= 0x80;
  }

  get sequenceNumber(): number {
    return (this.#u8(2) << 8) | this.#u8(3);
  }

  /** In units of the codec's clock rate. */
  get timestamp(): number {
    return this.#u32(4);
  }

  get ssrc(): number {
    return this.#u32(8);
  }

  /** Of who was mixed into it (RFC 3550 section 7.1). */
  get csrcs(): number[] {
    return Array.from({ length: this.#u8(0) & 0x0f }, (_, index) => this.#u32(HEADER + 4 * index));
  }

  /** Without padding; empty if there is nothing else. */
  get payload(): Buffer {
    return this.#slice(this.#headerSize, this.length - this.#paddingSize);
  }

  /**
   * The content of a header extension (RFC 8285); undefined: the packet has none of that id. Which id means what
   * was negotiated, for a peer's track see `negotiated.extensions`.
   */
  extension(id: number): Buffer | undefined {
    if ((this.#u8(0) & 0x10) === 0) return undefined;
    const at = this.#fixedSize + 4;
    const profile = this.#u32(at - 4) >>> 16;
    const isTwoByte = (profile & 0xfff0) === TWO_BYTE_EXTENSIONS;
    if (!isTwoByte && profile !== ONE_BYTE_EXTENSIONS) return undefined;
    const end = this.#headerSize;
    for (let next = at; next < end;) {
      const first = this.#u8(next);
      if (first === 0) {
        next += 1; // padding
        continue;
      }
      const found = isTwoByte ? first : first >> 4;
      // 15 is reserved, and ends the block.
      if (!isTwoByte && (found === 0 || found === 15)) return undefined;
      const begin = next + (isTwoByte ? 2 : 1);
      const size = isTwoByte ? this.#u8(next + 1) : (first & 0x0f) + 1;
      if (begin + size > end) return undefined;
      if (found === id) return this.#slice(begin, begin + size);
      next = begin + size;
    }
    return undefined;
  }

  /** How loud it is (RFC 6464), if the packet has that extension under this id. */
  audioLevel(id: number): AudioLevel | undefined {
    const value = this.extension(id)?.[0];
    return value === undefined ? undefined : { level: value & 0x7f, voice: value >= 0x80 };
  }

  get #fixedSize(): number {
    return HEADER + 4 * (this.#u8(0) & 0x0f);
  }

  get #headerSize(): number {
    const size = this.#fixedSize;
    return (this.#u8(0) & 0x10) === 0 ? size : size + 4 + 4 * (this.#u32(size) & 0xffff);
  }

  get #paddingSize(): number {
    return (this.#u8(0) & 0x20) === 0 ? 0 : this.#u8(this.length - 1);
  }

  #slice(begin: number, end: number): Buffer {
    const { buffer, byteOffset } = this.#data;
    return Buffer.from(buffer, byteOffset + this.#begin + begin, Math.max(end - begin, 0));
  }

  #u8(at: number): number {
    return this.#data[this.#begin + at] ?? 0;
  }

  #u32(at: number): number {
    return ((this.#u8(at) << 24) | (this.#u8(at + 1) << 16) | (this.#u8(at + 2) << 8) | this.#u8(at + 3)) >>> 0;
  }
}

/**
 * What is wrong with what should be the bytes of an RTP packet, such as `its header does not fit its 13 bytes`;
 * undefined: nothing. The native side takes and leaves the same.
 *
 * @param maxSize - bytes
 */
export function problemOf(packet: unknown, maxSize: number): string | undefined {
  if (!(packet instanceof Uint8Array)) return `expected a Uint8Array or an RtpPacket, got ${show(packet)}`;
  const { length } = packet;
  if (length < HEADER) return `${String(length)} bytes are too few: the header alone has ${String(HEADER)}`;
  if (length > maxSize) return `${String(length)} bytes are too many: the most is ${String(maxSize)}`;
  const at = (index: number): number => packet[index] ?? 0;
  const [first, second] = [at(0), at(1)];
  if (first >> 6 !== 2) return `it has version ${String(first >> 6)}, RTP is version 2`;
  // RFC 5761 section 4.
  if (second >= 192 && second <= 223) return 'it is RTCP';
  const payloadType = second & 0x7f;
  if (payloadType >= 64 && payloadType <= 95) return `payload type ${String(payloadType)} could be RTCP (RFC 5761)`;
  let size = HEADER + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) size += size + 4 > length ? 4 : 4 + 4 * ((at(size + 2) << 8) | at(size + 3));
  if (size > length) return `its header does not fit its ${String(length)} bytes`;
  if ((first & 0x20) === 0) return undefined;
  const padding = at(length - 1);
  if (padding === 0 || size + padding > length) return `its padding of ${String(padding)} bytes cannot be`;
  return undefined;
}
