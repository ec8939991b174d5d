import type { Shape, Shaped } from '../../plugins/shape.js';
import type { Session } from '../../session/session.js';
import type { SessionHandle } from '../../session/handle.js';
import type { JanusApi, SignallingGateway } from '../janus-api.js';
import type { HandleCaptures } from './captures.js';
import type { AdminSettings } from './settings.js';

/** What a request about the server works with. */
export interface ServerContext {
  readonly gateway: SignallingGateway;
  readonly core: JanusApi;
  readonly settings: AdminSettings;
  readonly captures: HandleCaptures;
}

/** What a request about a session works with. */
export interface SessionContext extends ServerContext {
  readonly session: Session;
}

/** What a request about a handle works with. */
export interface HandleContext extends SessionContext {
  readonly handle: SessionHandle;
}

/** One verb of the admin API; made by {@link adminRequest}. */
export interface AdminRequest<Context> {
  readonly shape: Shape;
  /** Refuses it by throwing, before the body is looked at. */
  readonly permit?: (context: Context) => void;
  run(context: Context, body: Readonly<Record<string, unknown>>): object | Promise<object>;
}

/** Verb → request. */
export type AdminRequests<Context> = Readonly<Record<string, AdminRequest<Context>>>;

/** A request and what it answers, besides `janus`, `session_id` and `transaction`. */
export function adminRequest<S extends Shape, Context>(
  shape: S,
  run: (context: Context, body: Shaped<S>) => object | Promise<object>,
): AdminRequest<Context> {
  return { shape, run: run };
}
