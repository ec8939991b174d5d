// Writes .mjr recordings, for make.mjs: RTP packets one after the other, each with
// the millisecond at which it came. Big-endian:
//   "MJR00002", length (2), JSON about the track,
//   then for every packet: "MEET", ms since the first (4), length (2), the packet.

const FILE_MAGIC = 'MJR00002';
const PACKET_MAGIC = 'MEET';

/**
 * @param {{ t: string, c: string }} info
 * @param {{ ms: number, rtp: Buffer }[]} packets
 * @returns {Buffer}
 */
export function writeMjr(info, packets) {
  const json = Buffer.from(JSON.stringify(info));
  const parts = [Buffer.from(FILE_MAGIC), uint16(json.length), json];
  for (const { ms, rtp } of packets) {
    const head = Buffer.alloc(10);
    head.write(PACKET_MAGIC);
    head.writeUInt32BE(ms, 4);
    head.writeUInt16BE(rtp.length, 8);
    parts.push(head, rtp);
  }
  return Buffer.concat(parts);
}

function uint16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
