/** Gets the JSON out of a request, whatever was mounted in front of us. */
import type { IncomingMessage } from 'node:http';

import type { ReadJson } from './wire.js';
import { readJson } from './wire.js';

/** A JSON value, or what was there instead. */
export type RequestBody = ReadJson | 'none' | 'too long' | 'gone';

/** What is read of a body that is too long, in multiples of the limit, so that the client hears of it. */
const PATIENCE = 16;

/**
 * Reads the body of a request.
 *
 * @param parsed - what a body parser in front left; only used if it read the stream
 * @param limit - in bytes
 */
export async function readBody(req: IncomingMessage, parsed: unknown, limit: number): Promise<RequestBody> {
  if (hasNoBody(req)) return 'none';
  // A parser that does not know the content type leaves {} or nothing, and the stream unread.
  if (!req.readableDidRead && !req.readableEnded && !req.destroyed) {
    const text = await readText(req, limit);
    if (text === 'too long' || text === 'gone') return text;
    return text.text === '' ? 'none' : readJson(text.text);
  }
  if (typeof parsed === 'string') return parsed.length > limit ? 'too long' : readJson(parsed);
  if (parsed instanceof Uint8Array) {
    return parsed.byteLength > limit ? 'too long' : readJson(Buffer.from(parsed).toString());
  }
  if (typeof parsed === 'object' && parsed !== null) return isForm(req) ? undoForm(parsed) : { value: parsed };
  return req.destroyed && !req.complete
    ? 'gone'
    : { problem: 'line 1: the body was taken by a body parser in front of the Janus API; mount the API before it' };
}

function hasNoBody(req: IncomingMessage): boolean {
  if (req.httpVersionMajor >= 2) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
  return encoding === undefined && (length === undefined || Number(length) === 0);
}

function readText(req: IncomingMessage, limit: number): Promise<{ text: string } | 'too long' | 'gone'> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer | string) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size <= limit) chunks.push(bytes);
      else chunks = [];
      // The answer to a client that is still sending would get lost, up to a point.
      if (size > limit * PATIENCE) resolve('too long');
    });
    req.on('end', () => {
      resolve(size > limit ? 'too long' : { text: Buffer.concat(chunks).toString() });
    });
    req.on('error', () => {
      resolve('gone');
    });
    req.on('close', () => {
      resolve('gone');
    });
  });
}

function isForm(req: IncomingMessage): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? '');
}

/**
 * `curl -d` says its JSON is a form, and a form parser in front takes it apart at
 * = and &. Put together again it is nearly always what it was.
 */
function undoForm(form: object): ReadJson {
  const text = Object.entries(form)
    .map(([key, value]) => (value === '' ? key : `${key}=${String(value)}`))
    .join('&');
  const read = readJson(text);
  if ('value' in read) return read;
  return {
    problem:
      'line 1: a form parser in front of the Janus API took the body apart; mount the API before it, ' +
      'or send the content type application/json',
  };
}
