import { PluginError, request, type Request } from '../plugin.js';
import { array, isObject, optional, string } from '../shape.js';
import type { StreamingContext } from './context.js';
import { ERROR } from './wire.js';

const LEGACY_FIELDS = ['audio', 'video', 'data'];

/** Not there yet: checks what is asked, then says so. Stopping is right: nothing runs. */
export function recording(context: StreamingContext): Request {
  return request({}, (_handle, _body, { body }) => {
    const { action } = context.check({ action: string }, body);
    if (action !== 'start' && action !== 'stop') {
      throw new PluginError(ERROR.INVALID, '"action" must be "start" or "stop"');
    }
    context.findOwn(body);
    const { media } = context.check({ media: optional(array) }, body);
    const legacy = LEGACY_FIELDS.filter((field) => body[field] !== undefined);
    if (media === undefined && legacy.length === 0) {
      throw new PluginError(ERROR.INVALID_REQUEST, '"media" is missing: nothing to record');
    }
    const wanted =
      media?.filter((one) => isObject(one) && one['mid'] !== undefined && one['filename'] !== undefined) ?? legacy;
    if (action === 'start' && wanted.length > 0) {
      throw new PluginError(ERROR.CANNOT_RECORD, 'not supported yet: recording');
    }
    return { streaming: 'ok' };
  });
}
