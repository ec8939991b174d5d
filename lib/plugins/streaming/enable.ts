import { request, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';

/** Lets packets in again. */
export function enable(context: StreamingContext): Request {
  return request({}, (_handle, _body, { body }) => {
    context.findOwn(body).enable();
    return { streaming: 'ok' };
  });
}
