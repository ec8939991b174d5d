import { unusable, type RemoteDescription, type RemoteMedia } from './parse.js';
import type { Fingerprint } from './write.js';

/** The one transport that a description of the other side describes. */
export interface RemoteTransport {
  ufrag: string;
  pwd: string;
  /** Ours: `client` sends the ClientHello. */
  dtlsRole: 'client' | 'server';
  fingerprints: Fingerprint[];
  candidates: readonly string[];
  endOfCandidates: boolean;
}

/**
 * Reads the transport of the m-lines that are used: one for all (BUNDLE,
 * RFC 9143, and rtcp-mux, RFC 5761).
 *
 * @throws {@link RemoteError} `HG_ERR_REMOTE_SDP` with the reason
 */
export function readTransport(
  { bundle }: RemoteDescription,
  accepted: readonly RemoteMedia[],
  type: 'offer' | 'answer',
): RemoteTransport {
  const first = accepted[0];
  if (first === undefined) throw unusable('it has no m-line that we can use');
  // An answer to our offer of one m-line needs no group; whoever offers without one means several transports.
  if (type === 'offer' && bundle === undefined) throw unusable('it has no BUNDLE group');
  if (accepted.length > 1) {
    for (const line of accepted) {
      if (bundle?.includes(line.mid ?? '') !== true) {
        throw unusable(`${nameOf(line)} is not in a BUNDLE group with the others, and one transport serves all`);
      }
    }
  }
  // RFC 9143 section 7.3: the group's first mid says where the transport is described.
  const transport = accepted.find((line) => line.mid !== undefined && line.mid === bundle?.[0]) ?? first;
  for (const line of accepted) {
    if (!line.rtcpMux && line.data === undefined) throw unusable(`${nameOf(line)} has no rtcp-mux`);
  }
  const { ufrag, pwd } = credentials(transport);
  return {
    ufrag,
    pwd,
    dtlsRole: dtlsRole(transport, type),
    fingerprints: fingerprints(transport),
    candidates: [...new Set(accepted.flatMap((line) => line.candidates))],
    endOfCandidates: transport.endOfCandidates,
  };
}

/** For errors: `m-line 1 (video)`. */
export function nameOf(line: RemoteMedia): string {
  return `m-line ${String(line.index)} (${(line.mid ?? line.type).slice(0, 32)})`;
}

function credentials(line: RemoteMedia): { ufrag: string; pwd: string } {
  const { ufrag, pwd } = line;
  if (ufrag === undefined || pwd === undefined) throw unusable(`${nameOf(line)} has no ice-ufrag and ice-pwd`);
  // RFC 8839 section 5.4.
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(ufrag)) throw unusable(`${nameOf(line)} has an ice-ufrag that is none`);
  if (!/^[A-Za-z0-9+/]{22,256}$/.test(pwd)) throw unusable(`${nameOf(line)} has an ice-pwd that is none`);
  return { ufrag, pwd };
}

function dtlsRole(line: RemoteMedia, type: 'offer' | 'answer'): 'client' | 'server' {
  // RFC 8842 section 5: absence means active; an offer may leave it to us, and then we are the client.
  const setup = line.setup ?? 'active';
  if (setup === 'active') return 'server';
  if (setup === 'passive' || (setup === 'actpass' && type === 'offer')) return 'client';
  throw unusable(`${nameOf(line)} has a=setup:${setup.slice(0, 20)}, which is no ${type}`);
}

// RFC 8122 section 5; SHA-1 and older prove nothing any more.
const HASH_BYTES: Readonly<Record<string, number>> = { 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 };

function fingerprints(line: RemoteMedia): Fingerprint[] {
  if (line.fingerprints.length === 0) throw unusable(`${nameOf(line)} has no fingerprint`);
  const known = line.fingerprints.filter(({ algorithm }) => Object.hasOwn(HASH_BYTES, algorithm)).slice(0, 8);
  if (known.length === 0) {
    const got = line.fingerprints.map(({ algorithm }) => algorithm.slice(0, 20)).join(', ');
    throw unusable(`${nameOf(line)} has a fingerprint of ${got}; usable are ${Object.keys(HASH_BYTES).join(', ')}`);
  }
  for (const { algorithm, value } of known) {
    const bytes = HASH_BYTES[algorithm] ?? 0;
    if (value.length !== bytes * 3 - 1 || !/^[0-9A-F]{2}(:[0-9A-F]{2})*$/.test(value)) {
      throw unusable(`${nameOf(line)} has a ${algorithm} fingerprint that is not ${String(bytes)} bytes`);
    }
  }
  return known;
}
