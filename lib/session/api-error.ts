/** Numbers that clients see in `error.code` of a core error; they match on these and not on the texts. */
export const API_ERROR = {
  /** API secret or token missing or wrong. */
  UNAUTHORIZED: 403,
  /** The token may not use that plugin. */
  UNAUTHORIZED_PLUGIN: 405,
  /** A problem of the transport, for instance the HTTP method. */
  TRANSPORT: 450,
  UNKNOWN_REQUEST: 453,
  INVALID_JSON: 454,
  /** JSON, but no object. */
  NO_OBJECT: 455,
  MISSING: 456,
  /** The verb exists on another level. */
  WRONG_LEVEL: 457,
  NO_SESSION: 458,
  NO_HANDLE: 459,
  NO_PLUGIN: 460,
  /** The plugin refused the attach. */
  ATTACH_REFUSED: 461,
  /** The message could not be given to the plugin. */
  NOT_DELIVERED: 462,
  JSEP_TYPE: 464,
  SDP: 465,
  INVALID: 467,
  SESSION_ID_TAKEN: 468,
  /** An answer without an offer. */
  UNEXPECTED_ANSWER: 469,
  /** There is no such stored token. */
  NO_TOKEN: 470,
  /** The state of the peer does not allow it now. */
  WEBRTC_STATE: 471,
  DRAINING: 472,
  UNKNOWN: 490,
} as const;

/** One of the numbers of {@link API_ERROR}. */
export type ApiErrorCode = (typeof API_ERROR)[keyof typeof API_ERROR];

/** A request the core refuses; becomes `{"janus":"error","error":{code,reason}}`. */
export class ApiError extends Error {
  /** The client sees it as `error.code`. */
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, reason: string) {
    super(reason);
    this.name = 'ApiError';
    this.code = code;
  }
}
