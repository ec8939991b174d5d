import { request, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';

/** Sends all viewers away. They get `kicked_all` and are hung up. */
export function kickAll(context: StreamingContext): Request {
  return request({}, (handle, _body, { body }) => {
    const mountpoint = context.findOwn(body);
    mountpoint.kickAll();
    context.host.notify(handle, () => ({ event: 'kicked_all', id: mountpoint.id }));
    return { streaming: 'kicked_all' };
  });
}
