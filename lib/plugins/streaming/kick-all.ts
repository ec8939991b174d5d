import { request, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';

/** Sends all viewers away. They get `kicked_all` and are hung up. */
export function kickAll(context: StreamingContext): Request {
  return request({}, (_handle, _body, { body }) => {
    context.findOwn(body).kickAll();
    return { streaming: 'kicked_all' };
  });
}
