/** Which web pages may use the API (the CORS protocol of the Fetch standard). */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface CorsOptions {
  /** The web origin that may use the API, with cookies. Undefined: every one, without. */
  readonly allowOrigin: string | undefined;
  /** Requests of other origins, and those that name none, are refused. */
  readonly enforceCors: boolean;
}

/** Says in the response who may read it. */
export function setCors(req: IncomingMessage, res: ServerResponse, { allowOrigin }: CorsOptions): void {
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
export function corsAllows(req: IncomingMessage, { allowOrigin, enforceCors }: CorsOptions): boolean {
  if (!enforceCors || allowOrigin === undefined) return true;
  const from = req.headers.origin ?? req.headers.referer;
  if (from?.startsWith(allowOrigin) !== true) return false;
  // Unlike Janus we do not take http://here.example.evil for http://here.example.
  return allowOrigin.endsWith('/') || /^(?:$|[:/?#])/.test(from.slice(allowOrigin.length));
}
