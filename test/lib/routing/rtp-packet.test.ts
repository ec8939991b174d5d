import t from 'tap';
import { problemOf, RtpPacket } from '../../../lib/routing/rtp-packet.js';

interface Fields {
  marker?: boolean;
  payloadType?: number;
  csrcs?: number[];
  /** Profile and whole words. */
  extension?: { profile: number; block: number[] };
  payload?: number[];
  padding?: number;
}

function build({ marker = false, payloadType = 96, csrcs = [], extension, payload = [1, 2], padding = 0 }: Fields) {
  const packet = Buffer.alloc(12 + 4 * csrcs.length, 0);
  packet[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extension ? 0x10 : 0) | csrcs.length;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  packet.writeUInt16BE(0xfffe, 2);
  packet.writeUInt32BE(0xfedcba98, 4);
  packet.writeUInt32BE(0x89abcdef, 8);
  csrcs.forEach((csrc, index) => packet.writeUInt32BE(csrc, 12 + 4 * index));
  const head = Buffer.alloc(extension ? 4 : 0);
  if (extension) {
    head.writeUInt16BE(extension.profile, 0);
    head.writeUInt16BE(extension.block.length / 4, 2);
  }
  const tail = Buffer.alloc(padding, 0);
  if (padding > 0) tail[padding - 1] = padding;
  return Buffer.concat([packet, head, Buffer.from(extension?.block ?? []), Buffer.from(payload), tail]);
}

t.test('a packet is read as it was written', async (t) => {
  const bytes = build({ marker: true, payloadType: 111, csrcs: [1, 0xffffffff], padding: 4 });

  const packet = new RtpPacket(bytes, 12.5, true);

  t.match(packet, {
    marker: true,
    payloadType: 111,
    sequenceNumber: 0xfffe,
    timestamp: 0xfedcba98,
    ssrc: 0x89abcdef,
    csrcs: [1, 0xffffffff],
    arrival: 12.5,
    keyframe: true,
    length: bytes.length,
  });
  t.same(packet.payload, Buffer.from([1, 2]));
  t.same(packet.bytes, bytes);
  t.equal(packet.payload.buffer, bytes.buffer, 'nothing is copied');
  t.same(new RtpPacket(build({ payload: [] })).payload, Buffer.alloc(0));
});

t.test('header extensions are found in both forms', async (t) => {
  const oneByte = { profile: 0xbede, block: [0, 0x10, 0x85, 0x32, 7, 8, 9, 0xf0, 0x40, 1, 0, 0] };
  const twoByte = { profile: 0x1003, block: [1, 0, 200, 2, 5, 6, 0, 0] };
  const [one, two] = [new RtpPacket(build({ extension: oneByte })), new RtpPacket(build({ extension: twoByte }))];

  t.same(one.extension(1), Buffer.from([0x85]));
  t.same(one.extension(3), Buffer.from([7, 8, 9]));
  t.equal(one.extension(4), undefined, '15 ends the block');
  t.equal(one.extension(15), undefined);
  t.same(one.audioLevel(1), { level: 5, voice: true });
  t.equal(one.audioLevel(2), undefined);
  t.same(two.extension(1), Buffer.alloc(0));
  t.same(two.extension(200), Buffer.from([5, 6]));
  t.same(two.payload, Buffer.from([1, 2]));
  t.equal(new RtpPacket(build({})).extension(1), undefined);
  t.equal(new RtpPacket(build({ extension: { profile: 1, block: [0x10, 5, 0, 0] } })).extension(1), undefined);
  // An element that goes beyond the block.
  t.equal(new RtpPacket(build({ extension: { profile: 0xbede, block: [0x13, 1, 2, 3] } })).extension(1), undefined);
});

t.test('what is no RTP packet is said so', async (t) => {
  const change = (bytes: Buffer, at: number, value: number): Buffer => {
    bytes[at] = value;
    return bytes;
  };
  const extension = { profile: 0xbede, block: [0, 0, 0, 0] };
  const wrong: [unknown, RegExp][] = [
    [undefined, /expected a Uint8Array or an RtpPacket, got nothing/],
    ['text', /got "text"/],
    [new Uint16Array(20), /got an object/],
    [Buffer.alloc(11, 0x80), /11 bytes are too few/],
    [Buffer.alloc(1501, 0x80), /1501 bytes are too many: the most is 1500/],
    [change(build({}), 0, 0x40), /version 1/],
    [change(build({}), 1, 200), /it is RTCP/],
    [build({ payloadType: 72 }), /payload type 72/],
    [change(build({ payload: [] }), 0, 0x81), /header does not fit its 12 bytes/],
    [build({ extension, payload: [] }).subarray(0, 14), /header does not fit its 14 bytes/],
    [build({ extension, payload: [] }).subarray(0, 19), /header does not fit/],
    [change(build({ payload: [0] }), 0, 0xa0), /padding of 0 bytes/],
    [change(build({ payload: [2] }), 0, 0xa0), /padding of 2 bytes/],
  ];

  for (const [packet, problem] of wrong) {
    t.match(problemOf(packet, 1500), problem);
  }
  for (const fields of [{}, { payload: [] }, { csrcs: [1] }, { extension }, { extension, padding: 7 }]) {
    t.equal(problemOf(build(fields), 1500), undefined);
  }
});
