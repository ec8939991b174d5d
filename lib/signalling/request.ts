/** Reads the members that all requests have, on whichever API. */
import { API_ERROR, ApiError } from '../session/api-error.js';

/** A request as it came. */
export type Body = Readonly<Record<string, unknown>>;

/** Ids that a transport found elsewhere than in the JSON, for instance in a path; 0: none. */
export interface PathIds {
  sessionId: number;
  handleId: number;
}

/** A path without ids. */
export const NO_IDS: PathIds = { sessionId: 0, handleId: 0 };

/**
 * Finds the ids of a request. An id of a wrong type counts as 0, which no session
 * has; `handleId` is undefined when the request names no handle.
 */
export function readIds(body: Body, path: PathIds): { sessionId: number; handleId: number | undefined } {
  const inBody = { session: own(body, 'session_id'), handle: own(body, 'handle_id') };
  const sessionId = asId(inBody.session);
  const handleId = asId(inBody.handle);
  if (path.sessionId !== 0 && sessionId !== 0 && path.sessionId !== sessionId) {
    throw new ApiError(API_ERROR.WRONG_LEVEL, '"session_id" differs from the session in the path');
  }
  if (path.handleId !== 0 && handleId !== 0 && path.handleId !== handleId) {
    throw new ApiError(API_ERROR.WRONG_LEVEL, '"handle_id" differs from the handle in the path');
  }
  const hasHandle = path.handleId !== 0 || (inBody.handle !== undefined && inBody.handle !== null);
  return { sessionId: path.sessionId || sessionId, handleId: hasHandle ? path.handleId || handleId : undefined };
}

function asId(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}

/** A member of the body itself. */
export function own(body: Body, field: string): unknown {
  return Object.hasOwn(body, field) ? body[field] : undefined;
}

/** A text that a client sent, short enough for an error. */
export function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
