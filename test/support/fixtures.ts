import { readFileSync } from 'node:fs';
import { findCodec, type Codec } from '../../lib/peer/codecs/index.js';

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
