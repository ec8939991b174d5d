import { request, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';
import { details } from './wire.js';

/** One mountpoint; some of it only with its secret. */
export function info(context: StreamingContext): Request {
  return request({}, (_handle, _body, { body }) => {
    const mountpoint = context.find(body);
    const isAdmin = context.isAuthorized(body, 'secret', mountpoint.secret);
    return { streaming: 'info', info: details(mountpoint, isAdmin) };
  });
}
