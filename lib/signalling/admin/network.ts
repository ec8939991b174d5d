import { lookup } from 'node:dns/promises';
import { performance } from 'node:perf_hooks';

import { API_ERROR, ApiError } from '../../session/api-error.js';
import { show } from '../request.js';
import { askStun } from './stun.js';

const MAX_PORT = 65_535;

/** `resolve_address`: the address of a name, and how long that took, in microseconds. */
export async function resolveAddress(address: string): Promise<{ ip: string; elapsed: number }> {
  const from = performance.now();
  const ip = await resolve(address);
  return { ip, elapsed: microsecondsSince(from) };
}

/** `test_stun`: our address as a STUN server sees it, and how long that took, in microseconds. */
export async function testStun(address: string, port: number, localPort: number): Promise<object> {
  for (const [field, value] of Object.entries({ port, localport: localPort })) {
    if (value > MAX_PORT) {
      throw new ApiError(API_ERROR.UNKNOWN, `"${field}" must be a UDP port, from 0 to ${String(MAX_PORT)}`);
    }
  }
  const ip = await resolve(address);
  const from = performance.now();
  try {
    const seen = await askStun({ address: ip, port }, localPort);
    return { public_ip: seen.address, public_port: seen.port, elapsed: microsecondsSince(from) };
  } catch (error) {
    throw new ApiError(API_ERROR.UNKNOWN, `no answer of ${ip}:${String(port)}: ${(error as Error).message}`);
  }
}

async function resolve(address: string): Promise<string> {
  const reason = (why: string) => new ApiError(API_ERROR.UNKNOWN, `${show(address)} has no address: ${why}`);
  if (address === '') throw reason('it is empty');
  try {
    const { address: ip } = await lookup(address);
    return ip;
  } catch (error) {
    throw reason((error as Error).message);
  }
}

function microsecondsSince(from: number): number {
  return Math.round((performance.now() - from) * 1000);
}
