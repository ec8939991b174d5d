import { UsageError } from '../errors.js';

/** What the head of an .mjr recording says. */
export interface MjrInfo {
  /** Audio, video, data. */
  t: 'a' | 'v' | 'd';
  /** The codec as the wire API spells it; `text` or `binary` of data. */
  c: string;
  /** The codec's parameters (`a=fmtp`). */
  f?: string;
  /** A description. */
  d?: string;
  /** Header extensions in the packets: id → URI. */
  x?: Record<string, string>;
  /** When it was created, and when the first frame came; microseconds since 1970. */
  s: number;
  u: number;
  /** Payload type of RED, if packets have it. */
  or?: number;
  /** The media is encrypted between the ends. */
  e?: boolean;
}

/** One RTP packet or data channel message. */
export interface MjrRecord {
  /** Milliseconds since the first. */
  readonly ms: number;
  /** Of audio and video: the whole RTP packet. Of data: 8 bytes of wall clock (microseconds, big-endian), then the message. */
  readonly bytes: Uint8Array;
}

export interface MjrFile {
  /** Undefined: nothing was recorded. */
  readonly info: MjrInfo | undefined;
  readonly records: MjrRecord[];
  /** Bytes at the end that are no whole record: who wrote it was interrupted. */
  readonly cut: number;
}

const FILE_MAGIC = 'MJR00002';
const RECORD_MAGIC = 0x4d454554; // MEET
const RECORD_HEAD = 10;

/**
 * Reads a recording as {@link Recorder} and Janus write them. A last record that is
 * cut is left out. Nothing is copied.
 *
 * @throws {@link UsageError} `HG_ERR_FILE` if it is no .mjr file, or damaged
 * @example
 * const { info, records } = readMjr(await readFile('examples/express/recordings/bells-opus.mjr'));
 * const seconds = records.at(-1).ms / 1000;
 */
export function readMjr(file: Uint8Array): MjrFile {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const text = new TextDecoder();
  const size = file.length;
  if (text.decode(file.subarray(0, 8)) !== FILE_MAGIC) throw damaged('it does not begin with MJR00002');
  const nothing = { info: undefined, records: [] };
  if (size < 10) return { ...nothing, cut: size - 8 };
  const start = 10 + view.getUint16(8);
  if (size < start) return { ...nothing, cut: size - 8 };

  const info = readInfo(text.decode(file.subarray(10, start)));
  const records: MjrRecord[] = [];
  let at = start;
  while (at + RECORD_HEAD <= size) {
    if (view.getUint32(at) !== RECORD_MAGIC) throw damaged(`there is no record at byte ${String(at)}`);
    const end = at + RECORD_HEAD + view.getUint16(at + 8);
    if (end > size) break;
    records.push({ ms: view.getUint32(at + 4), bytes: file.subarray(at + RECORD_HEAD, end) });
    at = end;
  }
  return { info, records, cut: size - at };
}

function readInfo(json: string): MjrInfo {
  let info: unknown;
  try {
    info = JSON.parse(json);
  } catch {
    // Said below.
  }
  if (typeof info !== 'object' || info === null || Array.isArray(info)) throw damaged('its head is no JSON object');
  return info as MjrInfo;
}

function damaged(reason: string): UsageError {
  return new UsageError('HG_ERR_FILE', { what: 'the .mjr recording', reason });
}
