import { readFileSync } from 'node:fs';
import { findCodec, type Codec } from '../../lib/peer/codecs/index.js';
import type { LocalDescription } from '../../lib/peer/sdp/write.js';

/** A file of test/fixtures. */
export function fixture(path: string): string {
  return readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');
}

/** A codec that is there for sure. */
export function codec(name: string): Codec {
  const found = findCodec(name);
  if (!found) throw new Error(`no codec ${name}`);
  return found;
}

/** A description of ours with these m-lines, as an offer. */
export function description(
  media: LocalDescription['media'],
  changes: Partial<LocalDescription> = {},
): LocalDescription {
  return {
    sessionId: '1795334481685575',
    sessionVersion: 1,
    address: '192.0.2.2',
    sessionName: 'Mountpoint 99',
    fingerprint: {
      algorithm: 'sha-256',
      value: '63:72:BC:73:FE:EF:9C:84:73:C8:4C:49:75:A3:F5:EE:35:78:C4:AE:71:D5:41:3B:C3:87:AE:16:70:90:0A:CC',
    },
    ufrag: 's56a',
    pwd: 'N6C+7pHdBzzpgT6TJKs2Hs',
    setup: 'actpass',
    candidates: ['candidate:1 1 udp 2015363327 192.0.2.2 41341 typ host'],
    cname: 'janus',
    media,
    ...changes,
  };
}
