/**
 * Every error this library throws: one table of texts, three classes that say
 * who must act, and a code that never changes once it was released.
 */

/** Code → text; `{name}` is filled from the details given to the constructor. */
export const MESSAGES = {
  HG_ERR_CLOSED: '{what} is closed',
  HG_ERR_OPTION: '{option}: {problem}',
  HG_ERR_STATE: '{what} cannot do this now: {reason}',
  HG_ERR_EXISTS: '{what} exists already',
  HG_ERR_UNKNOWN: '{what} is not known',
  HG_ERR_PLUGIN: 'plugin {plugin} cannot be used: {reason}',
  HG_ERR_PLUGIN_DATA: 'plugin {plugin} gave data that is no JSON object: {reason}',
  HG_ERR_REQUEST: 'the request was refused with code {errorCode}: {reason}',
  HG_ERR_REMOTE_SDP: 'the session description cannot be used: {reason}',
  HG_ERR_REMOTE_CANDIDATE: 'the candidate cannot be used: {reason}',
  HG_ERR_PORT: 'UDP port {port} cannot be used: {reason}',
  HG_ERR_INTERFACE: 'there is no network interface {interface}; there are {known}',
  HG_ERR_CERTIFICATE: 'the certificate cannot be used: {reason}',
  HG_ERR_ADDRESS: 'no address for ICE candidates: {reason}',
  HG_ERR_FILE: '{what} cannot be read: {reason}',
  HG_ERR_CONFIG: '{where}: {problem}',
  HG_ERR_LOG: 'the log file {path} cannot be written: {reason}',
  HG_ERR_LISTEN: '{what} cannot listen on {address}: {reason}',
  HG_ERR_RECORDING: 'the recording {path} cannot be written: {reason}',
  HG_ERR_CAPTURE: 'packets cannot be captured to {path}: {reason}',
  HG_ERR_SYSTEM: '{what} failed: {reason}',
  HG_ERR_LIMIT: '{what} reached its limit of {limit}',
} as const;

/** The stable code of an error, `error.code`. */
export type ErrorCode = keyof typeof MESSAGES;

type Holes<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Holes<Rest> : never;

/** What the text of a code has holes for; more may be given and is kept in `error.details`. */
export type ErrorDetails<Code extends ErrorCode> = Record<Holes<(typeof MESSAGES)[Code]>, string | number> &
  Record<string, string | number>;

/** Base of all errors of this library. */
export class GatewayError<Code extends ErrorCode = ErrorCode> extends Error {
  /** Stable: compare this, never the text. */
  readonly code: Code;
  /** What the text was filled with. */
  readonly details: Readonly<Record<string, string | number>>;

  constructor(code: Code, details: ErrorDetails<Code>, options?: ErrorOptions) {
    super(fill(MESSAGES[code], details), options);
    this.code = code;
    this.details = details;
    this.name = new.target.name;
  }
}

/** The application called us wrongly: fix the program. */
export class UsageError<Code extends ErrorCode = ErrorCode> extends GatewayError<Code> {}

/** The other side sent something unusable: tell them, keep serving others. */
export class RemoteError<Code extends ErrorCode = ErrorCode> extends GatewayError<Code> {}

/** This machine ran out of ports, memory or threads: retry later or elsewhere. */
export class ResourceError<Code extends ErrorCode = ErrorCode> extends GatewayError<Code> {}

function fill(text: string, details: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(details[name] ?? hole));
}
