/** Requests about a session. */
import { integer } from '../../plugins/shape.js';
import { API_ERROR, ApiError } from '../../session/api-error.js';
import type { AdminRequests, SessionContext } from './request.js';
import { adminRequest } from './request.js';

/** Verb → request. */
export const SESSION_REQUESTS: AdminRequests<SessionContext> = {
  list_handles: adminRequest({}, ({ session }) => ({ handles: [...session.handles.keys()] })),
  destroy_session: adminRequest({}, ({ session }) => {
    session.close('admin');
    return {};
  }),
  /** Seconds; 0: it never ends by itself; -1: as all others. */
  set_session_timeout: adminRequest({ timeout: integer }, ({ session }, { timeout }) => {
    if (timeout < -1) throw new ApiError(API_ERROR.INVALID, '"timeout" must be an integer of at least -1');
    session.timeout = timeout === -1 ? null : timeout * 1000;
    return { timeout };
  }),
};
