/**
 * Tokens that carry what they allow and for how long, signed with HMAC-SHA1
 * (RFC 2104), as Janus has them. Nothing is stored: whoever knows the secret can
 * make them, in this process or in any other.
 */
import { createHmac } from 'node:crypto';

import { UsageError } from './errors.js';
import { optionError } from './options.js';
import { sameSecret } from './secrets.js';

/** What a signed token says. */
export interface SignedToken {
  /** What it is for: `janus` for the API, a plugin's package name for use within that plugin. */
  realm: string;
  /** What it allows: plugins to attach to, or `room=1234` within a plugin. */
  items: readonly string[];
  /** Until when, in milliseconds since 1970. The token has whole seconds; the fraction is cut off. */
  expires: number;
}

/** What a token must be good for. */
export interface TokenUse {
  /** As in {@link SignedToken}. */
  realm: string;
  /** Must be among the token's items. Default: any will do. */
  item?: string;
}

/** Realm of tokens for the API itself. */
export const API_REALM = 'janus';

/**
 * Makes a token for clients to show: `<seconds since 1970>,<realm>,<item>,…:<signature>`.
 *
 * @param secret - as in the option `tokenAuthSecret`
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * const expires = Date.now() + 3_600_000;
 * const token = signToken('sesame', { realm: 'janus', items: ['janus.plugin.streaming'], expires });
 */
export function signToken(secret: string, { realm, items, expires }: SignedToken): string {
  mustBeSecret('signToken', secret);
  const list: unknown = items;
  if (!Array.isArray(list)) throw optionError('signToken.items', 'an array of strings', list);
  mustBePlain('realm', realm);
  for (const item of items) mustBePlain('items', item);
  const seconds = Math.floor(expires / 1000);
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw optionError('signToken.expires', 'milliseconds since 1970', expires);
  }
  const said = [String(seconds), realm, ...items].join(',');
  return `${said}:${signatureOf(secret, said)}`;
}

/**
 * Reads a token that a client shows. Undefined if it is none, if another secret
 * signed it, if its time is over, or if it is not good for that use.
 *
 * @param secret - the one it was signed with
 * @param token - whatever the client sent
 * @param now - milliseconds since 1970
 * @throws {@link UsageError} `HG_ERR_OPTION` if there is no secret
 * @example
 * checkToken('sesame', 'whatever a client sent', { realm: 'janus.plugin.videoroom', item: 'room=1234' }); // undefined
 */
export function checkToken(
  secret: string,
  token: unknown,
  { realm, item }: TokenUse,
  now = Date.now(),
): SignedToken | undefined {
  mustBeSecret('checkToken', secret);
  if (typeof token !== 'string') return undefined;
  const [said = '', signature, ...more] = token.split(':');
  if (more.length > 0 || !sameSecret(signature, signatureOf(secret, said))) return undefined;
  const [expiry = '', tokenRealm, ...items] = said.split(',');
  // Janus counts in seconds: one that ends in this second is still good.
  const seconds = /^\d{1,15}$/.test(expiry) ? Number(expiry) : -1;
  if (seconds < Math.floor(now / 1000) || tokenRealm !== realm) return undefined;
  if (item !== undefined && !items.includes(item)) return undefined;
  return { realm, items, expires: seconds * 1000 };
}

function signatureOf(secret: string, said: string): string {
  return createHmac('sha1', secret).update(said).digest('base64');
}

/** Comma and colon separate what a token says. */
function mustBePlain(name: string, text: unknown): void {
  if (typeof text === 'string' && /^[^,:]+$/.test(text)) return;
  throw optionError(`signToken.${name}`, 'text without comma and colon', text);
}

/** Whoever has no secret signs for everybody. */
function mustBeSecret(where: string, secret: unknown): void {
  if (typeof secret === 'string' && secret !== '') return;
  throw new UsageError('HG_ERR_OPTION', { option: `${where}.secret`, problem: 'expected a string that is not empty' });
}
