/** Which web pages may use the API (the CORS protocol of the Fetch standard). */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { option } from '../options.js';

/** Options of every HTTP and WebSocket mount. */
export interface CorsOptions {
  /** The web origin whose pages may use the API, over HTTP with cookies. Default: every one, without. */
  allowOrigin?: string;
  /** Refuses what comes from other origins, and what names none, with status 403. Default false. */
  enforceCors?: boolean;
}

/** Readers of {@link CorsOptions}. */
export const CORS_OPTIONS = {
  allowOrigin: option.optional(option.string()),
  enforceCors: option.boolean({ default: false }),
};

/** {@link CorsOptions}, read. */
export interface CorsSettings {
  readonly allowOrigin: string | undefined;
  readonly enforceCors: boolean;
}

/** Says in the response who may read it. */
export function setCors(req: IncomingMessage, res: ServerResponse, { allowOrigin }: CorsSettings): void {
  res.setHeader('Access-Control-Allow-Origin', allowOrigin ?? '*');
  res.setHeader('Access-Control-Max-Age', '86400');
  if (allowOrigin !== undefined) {
    res.setHeader('Access-Control-Allow-Credentials', 'true');
    res.setHeader('Vary', 'Origin');
  }
  const { 'access-control-request-method': method, 'access-control-request-headers': headers } = req.headers;
  if (method !== undefined) res.setHeader('Access-Control-Allow-Methods', method);
  if (headers !== undefined) res.setHeader('Access-Control-Allow-Headers', headers);
}

/** Whether the request may be answered at all. */
export function corsAllows(req: IncomingMessage, { allowOrigin, enforceCors }: CorsSettings): boolean {
  if (!enforceCors || allowOrigin === undefined) return true;
  const from = req.headers.origin ?? req.headers.referer;
  if (from?.startsWith(allowOrigin) !== true) return false;
  // Unlike Janus we do not take http://here.example.evil for http://here.example.
  return allowOrigin.endsWith('/') || /^(?:$|[:/?#])/.test(from.slice(allowOrigin.length));
}
