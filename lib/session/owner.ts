import type { Session } from './session.js';

/**
 * Where the events of a session go: a WebSocket, the mailbox of a client that
 * polls, the application itself.
 */
export interface SessionOwner {
  /** Package name of the transport: `janus.transport.http`. */
  readonly transport: string;
  /** Names the connection in events, see {@link EventBus}. */
  readonly id?: string;
  /** The owner got the session, by `create` or `claim`. */
  acquired(session: Session): void;
  /** Sends one event. Never throws. */
  deliver(event: object): void;
  /**
   * The session ended, or another owner claimed it: no event follows. Returns
   * what it could not send so far; a new owner gets it.
   */
  released(session: Session): readonly object[] | undefined;
}
