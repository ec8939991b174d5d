/** JSON of the Janus API: how it is written, and the members all replies have. */
import type { ApiError } from '../session/api-error.js';

/**
 * How replies look: `indented` by three spaces, `plain` on one line with a space
 * after commas and colons, or `compact` without spaces.
 */
export type JsonFormat = 'indented' | 'plain' | 'compact';

/** All of {@link JsonFormat}. */
export const JSON_FORMATS = ['indented', 'plain', 'compact'] as const satisfies readonly JsonFormat[];

/** Writes JSON as the format wants it. */
export function writeJson(value: object, format: JsonFormat): string {
  switch (format) {
    case 'indented':
      return JSON.stringify(value, null, 3);
    case 'plain':
      // No line break is part of a string in JSON, so each one is indentation.
      return JSON.stringify(value, null, 1)
        .replace(/,\n\s*/g, ', ')
        .replace(/\n\s*/g, '');
    case 'compact':
      return JSON.stringify(value);
  }
}

/** What came of reading a text as JSON: a value, or why not. */
export type ReadJson = { value: object } | { problem: string };

/** Reads a text as a JSON object or array; anything else is a problem. */
export function readJson(text: string): ReadJson {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { value };
    return { problem: `line 1: an object was expected, not ${value === null ? 'null' : `a ${typeof value}`}` };
  } catch (error) {
    const reason = (error as Error).message;
    const position = /at position (\d+)/.exec(reason)?.[1];
    const before = position === undefined ? text : text.slice(0, Number(position));
    return { problem: `line ${String(before.split('\n').length)}: ${reason}` };
  }
}

/** Which session and transaction a reply belongs to; what is undefined or 0 is left out. */
export interface Address {
  sessionId?: number | undefined;
  transaction?: string | undefined;
}

/** A reply of the given kind. */
export function makeReply(kind: string, { sessionId, transaction }: Address, rest: object = {}): object {
  return {
    janus: kind,
    ...(sessionId === undefined || sessionId === 0 ? {} : { session_id: sessionId }),
    ...(transaction === undefined ? {} : { transaction }),
    ...rest,
  };
}

/** The reply to a request the core refuses. */
export function makeError({ code, message }: Pick<ApiError, 'code' | 'message'>, address: Address = {}): object {
  return makeReply('error', address, { error: { code, reason: message } });
}

/** Where a client is, as events tell it; IPv4 as such, also on a socket that takes both. */
export function addressOf(ip: string | undefined, port: number | undefined): { ip?: string; port?: number } {
  return {
    ...(ip === undefined ? {} : { ip: ip.replace(/^::ffff:(?=\d+\.)/, '') }),
    ...(port === undefined ? {} : { port }),
  };
}
