/** A STUN client (RFC 8489): one Binding request over UDP, to learn one's own address. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** A UDP address. */
export interface Endpoint {
  address: string;
  port: number;
}

const MAGIC_COOKIE = 0x2112a442;
const HEADER = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAPPED_ADDRESS = 0x0001;
const XOR_MAPPED_ADDRESS = 0x0020;
/** Milliseconds until the request is sent again; after the last it has failed (section 6.2.1, cut short). */
const PATIENCE = [500, 1_000, 2_000];

/**
 * Asks a server for our address as it sees it.
 *
 * @param localPort - to send from; 0: any
 * @throws Error when it cannot be asked, or does not answer
 */
export async function askStun(server: Endpoint, localPort: number): Promise<Endpoint> {
  const socket = createSocket({ type: isIPv6(server.address) ? 'udp6' : 'udp4' });
  const id = randomBytes(12);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Endpoint>((resolve, reject) => {
      const ask = (attempt: number): void => {
        const patience = PATIENCE[attempt];
        if (patience === undefined) {
          reject(new Error(`${String(PATIENCE.length)} requests were not answered`));
          return;
        }
        socket.send(bindingRequest(id));
        timer = setTimeout(ask, patience, attempt + 1);
      };
      socket.on('error', reject);
      socket.on('message', (message) => {
        const seen = mappedAddress(message, id);
        if (seen !== undefined) resolve(seen);
      });
      // Connected, so that nobody else can answer, and a closed port is an error at once.
      socket.bind(localPort, () => {
        socket.connect(server.port, server.address, (error?: Error) => {
          if (error === undefined || error === null) ask(0);
          else reject(error);
        });
      });
    });
  } finally {
    clearTimeout(timer);
    socket.removeAllListeners('error');
    socket.on('error', () => undefined);
    socket.close();
  }
}

function bindingRequest(id: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(BINDING_REQUEST, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  return Buffer.concat([header, id]);
}

/** What a Binding success response says of us; undefined: it is none, or not the one for this request. */
export function mappedAddress(message: Buffer, id: Buffer): Endpoint | undefined {
  if (message.length < HEADER || message.readUInt16BE(0) !== BINDING_SUCCESS) return undefined;
  if (message.readUInt32BE(4) !== MAGIC_COOKIE || !message.subarray(8, HEADER).equals(id)) return undefined;
  let mapped: Endpoint | undefined;
  for (let at = HEADER; at + 4 <= message.length;) {
    const [type, length] = [message.readUInt16BE(at), message.readUInt16BE(at + 2)];
    const value = message.subarray(at + 4, at + 4 + length);
    if (value.length < length) break;
    if (type === XOR_MAPPED_ADDRESS) return readAddress(value, message.subarray(4, HEADER));
    if (type === MAPPED_ADDRESS) mapped = readAddress(value);
    // Attributes are padded to words.
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return mapped;
}

/** Sections 14.1 and 14.2. `mask`: cookie and transaction id, for the one that is hidden from NATs. */
function readAddress(value: Buffer, mask?: Buffer): Endpoint | undefined {
  const size = value[1] === 1 ? 4 : value[1] === 2 ? 16 : 0;
  if (size === 0 || value.length < 4 + size) return undefined;
  const port = value.readUInt16BE(2) ^ (mask?.readUInt16BE(0) ?? 0);
  const bytes = value.subarray(4, 4 + size).map((byte, index) => byte ^ (mask?.[index] ?? 0));
  const address =
    size === 4
      ? [...bytes].join('.')
      : Array.from({ length: 8 }, (_, index) =>
          ((bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0)).toString(16),
        ).join(':');
  return { address, port };
}
