import { UsageError } from '../../errors.js';
import { PluginError, asyncRequest, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';
import { ERROR, result } from './wire.js';

/** Watches another mountpoint over the same PeerConnection. */
export function switchTo(context: StreamingContext): Request {
  return asyncRequest({}, (handle, _body, { body }) => {
    const viewer = context.mustWatch(handle);
    const mountpoint = context.find(body);
    // Janus lets anybody switch to what needs a pin to be watched.
    context.authorize(body, 'pin', mountpoint.pin);
    try {
      viewer.switch(mountpoint);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new PluginError(ERROR.CANNOT_SWITCH, error.message);
    }
    context.notify(handle, 'switching', mountpoint);
    return result({ switched: 'ok', id: mountpoint.id });
  });
}
