// Reads and writes .mjr recordings: RTP packets one after the other, each with
// the millisecond at which it came. Big-endian:
//   "MJR00002", length (2), JSON about the track,
//   then for every packet: "MEET", ms since the first (4), length (2), the packet.

const FILE_MAGIC = 'MJR00002';
const PACKET_MAGIC = 'MEET';

/**
 * @param {Buffer} file
 * @returns {{ info: { t: string, c: string }, packets: { ms: number, rtp: Buffer }[] }}
 */
export function readMjr(file) {
  const infoLength = file.length >= 10 ? file.readUInt16BE(8) : 0;
  if (file.toString('latin1', 0, 8) !== FILE_MAGIC || infoLength === 0) throw new Error('this is not an .mjr file');
  const info = JSON.parse(file.toString('utf8', 10, 10 + infoLength));
  const packets = [];
  for (let at = 10 + infoLength; at < file.length;) {
    const length = at + 10 <= file.length ? file.readUInt16BE(at + 8) : 0;
    if (file.toString('latin1', at, at + 4) !== PACKET_MAGIC || at + 10 + length > file.length) {
      throw new Error(`the .mjr file is damaged at byte ${at}`);
    }
    packets.push({ ms: file.readUInt32BE(at + 4), rtp: file.subarray(at + 10, at + 10 + length) });
    at += 10 + length;
  }
  return { info, packets };
}

/** The other way round. */
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
