// Sends recorded tracks as RTP, over and over, as one stream without seams.
import dgram from 'node:dgram';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readMjr } from 'headgate';

const LATE_MS = 500;

/**
 * Tracks that start together stay together if their recordings are equally long.
 *
 * @param {{ file: URL | string, port: number }[]} tracks - an .mjr file and the UDP port on this machine it goes to
 * @returns {() => void} ends it
 */
export function sendInLoop(tracks) {
  const socket = dgram.createSocket('udp4');
  socket.unref(); // is no reason to keep the process alive
  socket.on('error', () => {}); // nobody listens on the port any more: the packet is lost, as in any network
  let start = performance.now();
  let timer;
  const loops = tracks.map(({ file, port }) => new Loop(readMjr(readFileSync(file)), port));

  const turn = () => {
    const now = performance.now() - start;
    const late = now - Math.min(...loops.map((loop) => loop.dueMs));
    if (late > LATE_MS) start += late; // the process stood still: go on from here, no burst
    for (const loop of loops) {
      while (loop.dueMs <= performance.now() - start) socket.send(loop.next(), loop.port, '127.0.0.1');
    }
    const dueMs = Math.min(...loops.map((loop) => loop.dueMs));
    timer = setTimeout(turn, Math.max(1, dueMs - (performance.now() - start)));
    timer.unref();
  };
  turn();

  return () => {
    clearTimeout(timer);
    socket.close();
  };
}

/** One recorded track; sequence numbers and timestamps run on from one round to the next. */
class Loop {
  #packets;
  #lengthMs;
  #lengthTicks;
  #at = 0;
  #round = 0;
  #firstSeq = randomInt(2 ** 16);
  #firstTimestamp = randomInt(2 ** 32);
  #ssrc = randomInt(1, 2 ** 32);

  constructor({ info, records }, port) {
    this.#packets = records;
    this.port = port;
    const clockRate = info.t === 'a' ? 48000 : 90000;
    const frames = new Set(records.map(({ bytes }) => bytes.readUInt32BE(4)));
    const last = Math.max(...frames);
    // the last frame is shown as long as the frames before it were on average
    this.#lengthTicks = Math.round((last * frames.size) / (frames.size - 1));
    this.#lengthMs = (this.#lengthTicks * 1000) / clockRate;
  }

  /** When the next packet is to be sent, in ms since the start. */
  get dueMs() {
    return this.#round * this.#lengthMs + this.#packets[this.#at].ms;
  }

  next() {
    const { bytes } = this.#packets[this.#at];
    const packet = Buffer.from(bytes);
    packet.writeUInt16BE((this.#firstSeq + this.#round * this.#packets.length + bytes.readUInt16BE(2)) % 2 ** 16, 2);
    packet.writeUInt32BE((this.#firstTimestamp + this.#round * this.#lengthTicks + bytes.readUInt32BE(4)) % 2 ** 32, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    this.#at += 1;
    if (this.#at === this.#packets.length) {
      this.#at = 0;
      this.#round += 1;
    }
    return packet;
  }
}
