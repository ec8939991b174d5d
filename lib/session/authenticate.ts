import type { IncomingMessage } from 'node:http';

/** A request of the API that somebody wants to make. */
export interface AuthRequest {
  /** Its `apisecret`, whatever that is; undefined if there is none. */
  readonly secret: unknown;
  /** Its `token`, whatever that is; undefined if there is none. */
  readonly token: unknown;
  /** The HTTP request, or the one that became the WebSocket; undefined with other transports. */
  readonly request: IncomingMessage | undefined;
  /** As in `server_info`: `janus.transport.http`, `janus.transport.websockets`. */
  readonly transport: string;
  /** What is asked for, in lower case: `create`, `attach`, `message`, …; `poll` for a request for events over HTTP. */
  readonly verb: string;
  /** The plugin that `attach` names. */
  readonly plugin?: string;
}

/** True: may do everything; false: nothing; or attach to these plugins only. */
export type AuthDecision = boolean | { readonly plugins: readonly string[] };

/**
 * Decides whether a request may be made; a promise decides later. It is asked
 * each time but for `info` and `ping`, so it should know the answer quickly.
 * The requests of a WebSocket wait for one another, in order.
 *
 * To throw, to reject, or to take longer than `answerTimeout` refuses.
 */
export type Authenticate = (request: AuthRequest) => AuthDecision | Promise<AuthDecision>;
