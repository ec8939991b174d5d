import { asyncRequest, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';
import { status } from './wire.js';

/** Watches no more; the handle can watch again. */
export function stop(context: StreamingContext): Request {
  return asyncRequest({}, (handle, _body, { transaction }) => {
    const viewer = context.viewerOf(handle);
    if (viewer === undefined) return status('idle');
    const started = viewer.peer.state === 'stable' || viewer.peer.connected;
    viewer.close();
    context.notify(handle, 'stopping', viewer.mountpoint);
    // Not returned: the event must reach the client before `hangup` does.
    handle.push(status(started ? 'stopping' : 'idle'), { transaction });
    handle.hangup('Close PC');
  });
}
