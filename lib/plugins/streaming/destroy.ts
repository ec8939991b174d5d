import { request, type Request } from '../plugin.js';
import { boolean, optional } from '../shape.js';
import type { StreamingContext } from './context.js';

/** Ends a mountpoint. Its viewers get `stopped` and are hung up. */
export function destroy(context: StreamingContext): Request {
  return request({}, (handle, _body, { body }) => {
    context.check({ id: context.idCheck, permanent: optional(boolean) }, body);
    const mountpoint = context.findOwn(body);
    mountpoint.close();
    context.host.notify(handle, () => ({ event: 'destroyed', id: mountpoint.id }));
    return { streaming: 'destroyed', destroyed: mountpoint.id };
  });
}
