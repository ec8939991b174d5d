import { asyncRequest, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';
import { status } from './wire.js';

/** Sends nothing until `start`. */
export function pause(context: StreamingContext): Request {
  return asyncRequest({}, (handle) => {
    const viewer = context.mustWatch(handle);
    viewer.pause();
    context.notify(handle, 'pausing', viewer.mountpoint);
    return status('pausing');
  });
}
