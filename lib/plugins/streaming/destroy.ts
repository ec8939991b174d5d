import { request, type Request } from '../plugin.js';
import { boolean, optional } from '../shape.js';
import type { StreamingContext } from './context.js';

/** Ends a mountpoint. Its viewers get `stopped` and are hung up. */
export function destroy(context: StreamingContext): Request {
  return request({}, (handle, _body, { body }) => {
    const { permanent } = context.check({ id: context.idCheck, permanent: optional(boolean, false) }, body);
    const mountpoint = context.findOwn(body);
    // Without a store it is not kept anyway.
    const { store } = context.settings;
    if (permanent && store !== undefined) context.written(() => store.remove(mountpoint.name));
    mountpoint.close();
    context.host.notify(handle, () => ({ event: 'destroyed', id: mountpoint.id }));
    return { streaming: 'destroyed', destroyed: mountpoint.id };
  });
}
