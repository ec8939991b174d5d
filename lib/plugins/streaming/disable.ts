import { request, type Request } from '../plugin.js';
import { boolean, optional } from '../shape.js';
import type { StreamingContext } from './context.js';

/** Drops what comes in. Viewers stay. */
export function disable(context: StreamingContext): Request {
  return request({}, (_handle, _body, { body }) => {
    context.check({ id: context.idCheck, stop_recording: optional(boolean) }, body);
    context.findOwn(body).disable();
    return { streaming: 'ok' };
  });
}
