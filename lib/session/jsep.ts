/** Reads what a client sent along its message: a session description, or candidates. */
import type { Jsep, RemoteJsep } from '../plugins/handle.js';
import type { Shape, Shaped } from '../plugins/shape.js';
import { boolean, fit, isObject, optional, positiveInteger, string } from '../plugins/shape.js';
import { API_ERROR, ApiError } from './api-error.js';

/** One candidate as `trickle` carries it; null: there are no more. */
export type Candidate = { candidate: string; sdpMid?: string; sdpMLineIndex?: number } | null;

const JSEP = {
  type: string,
  sdp: string,
  trickle: optional(boolean, true),
  rid_order: optional(string, 'hml'),
  force_relay: optional(boolean, false),
  e2ee: optional(boolean, false),
};

/**
 * Checks a body against a shape.
 *
 * @throws {@link ApiError} 456 or 467
 */
export function checked<S extends Shape>(shape: S, body: Readonly<Record<string, unknown>>, where = ''): Shaped<S> {
  const { body: fitted, misfit } = fit(shape, body);
  if (misfit === undefined) return fitted;
  const code = misfit.problem === 'missing' ? API_ERROR.MISSING : API_ERROR.INVALID;
  throw new ApiError(code, where + misfit.text);
}

/**
 * Reads the member `jsep` of a message.
 *
 * @throws {@link ApiError} 455, 456, 464, 465 or 467
 */
export function readJsep(raw: unknown): RemoteJsep {
  if (!isObject(raw)) throw new ApiError(API_ERROR.NO_OBJECT, '"jsep" must be an object');
  const jsep = checked(JSEP, raw, 'in "jsep": ');
  const type = jsep.type.toLowerCase();
  if (type !== 'offer' && type !== 'answer') {
    throw new ApiError(API_ERROR.JSEP_TYPE, 'in "jsep": "type" must be "offer" or "answer"');
  }
  const lacking = ['v=', 'o=', 's=', 'm='].find((line) => !hasLine(jsep.sdp, line));
  if (!jsep.sdp.startsWith('v=') || lacking !== undefined) {
    const what = lacking === undefined ? 'does not begin with v=' : `has no line ${lacking}`;
    throw new ApiError(API_ERROR.SDP, `in "jsep": "sdp" is no session description: it ${what}`);
  }
  return {
    type,
    sdp: jsep.sdp,
    trickle: jsep.trickle,
    ridOrder: jsep.rid_order === 'lmh' ? 'lmh' : 'hml',
    forceRelay: jsep.force_relay,
    e2ee: jsep.e2ee,
    svc: readSvc(raw['svc']),
  };
}

/** A session description as events carry it. */
export function writeJsep({ type, sdp, e2ee }: Jsep): Jsep {
  return e2ee === true ? { type, sdp, e2ee } : { type, sdp };
}

/**
 * Reads the candidates of a `trickle` strictly, as is due once a peer negotiated.
 * In a list those that are wrong are left out; a lone one must be right.
 *
 * @throws {@link ApiError} 456 or 467
 */
export function readCandidates(raw: TrickleRequest): Candidate[] {
  if ('candidate' in raw) return [readCandidate(raw.candidate)];
  if (!Array.isArray(raw.candidates)) throw new ApiError(API_ERROR.INVALID, '"candidates" must be an array');
  return raw.candidates.flatMap((item: unknown) => {
    if (!isObject(item)) return [];
    try {
      return [readCandidate(item)];
    } catch {
      return [];
    }
  });
}

/** The one member a `trickle` has besides its ids. */
export type TrickleRequest = { candidate: unknown } | { candidates: unknown };

/**
 * Finds out which of its two forms a `trickle` has.
 *
 * @throws {@link ApiError} 454 if it has both, 456 if none
 */
export function readTrickle(body: Readonly<Record<string, unknown>>): TrickleRequest {
  const one = Object.hasOwn(body, 'candidate');
  const many = Object.hasOwn(body, 'candidates');
  if (one && many) {
    throw new ApiError(API_ERROR.INVALID_JSON, '"candidate" and "candidates" exclude each other');
  }
  if (one) return { candidate: body['candidate'] };
  if (many) return { candidates: body['candidates'] };
  throw new ApiError(API_ERROR.MISSING, '"candidate" or "candidates" is missing');
}

function readCandidate(raw: unknown): Candidate {
  // null ends the candidates; other things that are no object do nothing more than that.
  if (!isObject(raw) || Object.hasOwn(raw, 'completed')) return null;
  const { sdpMid, sdpMLineIndex } = checked(
    { sdpMid: optional(string), sdpMLineIndex: optional(positiveInteger) },
    raw,
    'in "candidate": ',
  );
  if (sdpMid === undefined && sdpMLineIndex === undefined) {
    throw new ApiError(
      API_ERROR.MISSING,
      'in "candidate": "sdpMid" (a string) or "sdpMLineIndex" (an integer of at least 0) is missing',
    );
  }
  const { candidate } = checked({ candidate: string }, raw, 'in "candidate": ');
  if (candidate === '') return null;
  return {
    candidate,
    ...(sdpMid === undefined ? {} : { sdpMid }),
    ...(sdpMLineIndex === undefined ? {} : { sdpMLineIndex }),
  };
}

function readSvc(raw: unknown): RemoteJsep['svc'] {
  if (!Array.isArray(raw)) return undefined;
  const items = raw.map((item: unknown) => {
    if (!isObject(item)) return undefined;
    return fit({ mindex: optional(positiveInteger), mid: optional(string), svc: string }, item).body;
  });
  return items.every((item) => item !== undefined) ? items : undefined;
}

function hasLine(sdp: string, begin: string): boolean {
  return sdp.startsWith(begin) || sdp.includes(`\n${begin}`);
}
