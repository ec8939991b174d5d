import { asyncRequest, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';
import { status } from './wire.js';

/** Goes with the answer to our offer, or ends a pause. */
export function start(context: StreamingContext): Request {
  return asyncRequest({}, (handle) => {
    const viewer = context.mustWatch(handle);
    if (viewer.paused) viewer.resume();
    context.notify(handle, 'starting', viewer.mountpoint);
    return status(viewer.peer.connected ? 'started' : 'starting');
  });
}
