// Makes the .mjr files of this folder again: node examples/express/recordings/make.mjs
// Needs ffmpeg with libvpx and libopus. Takes about 25 s, because the
// packets are recorded as ffmpeg sends them, in real time.
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeMjr } from '../mjr.mjs';
import { BELLS, GAME_OF_LIFE, TEST_PICTURE } from '../pictures.mjs';

const SECONDS = 8; // the same for all, so that picture and sound stay together from loop to loop

const recordings = [
  {
    file: 'picture-vp8.mjr',
    info: { t: 'v', c: 'vp8' },
    input: TEST_PICTURE,
    encode: ['-c:v', 'libvpx', '-b:v', '260k', '-crf', '18', '-g', '48'],
    frames: SECONDS * 24,
    clockRate: 90000,
  },
  {
    file: 'life-vp8.mjr',
    info: { t: 'v', c: 'vp8' },
    input: GAME_OF_LIFE,
    encode: ['-c:v', 'libvpx', '-b:v', '80k', '-crf', '26', '-g', '16'],
    frames: SECONDS * 8,
    clockRate: 90000,
  },
  {
    file: 'bells-opus.mjr',
    info: { t: 'a', c: 'opus' },
    input: BELLS,
    encode: ['-c:a', 'libopus', '-b:a', '24k', '-ac', '2', '-frame_duration', '20'],
    frames: SECONDS * 50,
    clockRate: 48000,
  },
];

const scratch = mkdtempSync(path.join(tmpdir(), 'headgate-'));
try {
  for (const recording of recordings) {
    const packets = await capture(recording);
    const now = 1_700_000_000_000_000; // the same file each time
    const file = writeMjr({ ...recording.info, s: now, u: now }, packets);
    writeFileSync(new URL(recording.file, import.meta.url), file);
    console.log(`${recording.file}: ${packets.length} packets, ${file.length} bytes`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}

/** Encodes to a file first, so that quality does not depend on how busy this machine is. */
async function capture({ info, input, encode, frames, clockRate }) {
  const clip = path.join(scratch, 'clip.mkv');
  const slow =
    info.t === 'v' ? ['-pix_fmt', 'yuv420p', '-deadline', 'good', '-cpu-used', '0', '-auto-alt-ref', '0'] : [];
  // one second more than needed: the end of a file is flushed in ways of its own
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', input, '-t', String(SECONDS + 1)],
    ...encode,
    ...slow,
    clip,
  ]);

  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const packets = [];
  socket.on('message', (packet) => packets.push(packet));
  const ffmpeg = spawn(
    'ffmpeg',
    [
      ...[
        '-v',
        'error',
        '-nostdin',
        '-re',
        '-i',
        clip,
        '-c',
        'copy',
        '-f',
        'rtp',
        '-rtpflags',
        'skip_rtcp',
        '-payload_type',
        '96',
      ],
      `rtp://127.0.0.1:${port}?pkt_size=1200`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await new Promise((resolve) => ffmpeg.on('exit', resolve));
  await new Promise((resolve) => setTimeout(resolve, 200)); // for what is still in the socket
  socket.close();
  return tidy(packets, info, frames, clockRate);
}

/**
 * Keeps exactly the frames of one loop and numbers them from 0. VP8's picture
 * ids go: they are optional (RFC 7741), and without them a loop needs no
 * rewriting but that of sequence numbers and timestamps.
 */
function tidy(packets, info, frames, clockRate) {
  const firstSeq = packets[0].readUInt16BE(2);
  const times = new Set();
  const kept = [];
  for (const packet of packets) {
    const seq = (packet.readUInt16BE(2) - firstSeq) & 0xffff;
    if (seq !== kept.length) throw new Error(`packet ${kept.length} was lost; try again`);
    times.add(packet.readUInt32BE(4));
    if (times.size > frames) break;
    const seconds = ((times.size - 1) * SECONDS) / frames; // exact; a .mkv keeps whole milliseconds
    const header = Buffer.from(packet.subarray(0, 12));
    header.writeUInt16BE(seq, 2);
    header.writeUInt32BE(seconds * clockRate, 4);
    header.writeUInt32BE(1, 8);
    const payload = info.c === 'vp8' ? withoutPictureId(packet.subarray(12)) : packet.subarray(12);
    kept.push({ ms: Math.round(seconds * 1000), rtp: Buffer.concat([header, payload]) });
  }
  if (times.size <= frames) throw new Error(`only ${times.size} of ${frames} frames came; try again`);
  return kept;
}

function withoutPictureId(payload) {
  if (!(payload[0] & 0x80)) return payload;
  if (payload[1] !== 0x80) throw new Error('expected an extension with a picture id and nothing else');
  const idLength = payload[2] & 0x80 ? 2 : 1;
  return Buffer.concat([Buffer.of(payload[0] & 0x7f), payload.subarray(2 + idLength)]);
}
