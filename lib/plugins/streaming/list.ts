import { PluginError, request, type Request } from '../plugin.js';
import type { StreamingContext } from './context.js';
import { ERROR, summary } from './wire.js';

/** All mountpoints; private ones only with the administrator's key. */
export function list(context: StreamingContext): Request {
  return request({}, (_handle, _body, { body }) => {
    const { adminKey, legacyFields } = context.settings;
    const given = body['admin_key'];
    const asks = adminKey !== undefined && typeof given === 'string' && given !== '';
    if (asks && !context.isAuthorized(body, 'admin_key', adminKey)) {
      throw new PluginError(ERROR.UNAUTHORIZED, '"admin_key" is wrong');
    }
    return {
      streaming: 'list',
      list: [...context.mountpoints]
        .filter(({ isPrivate }) => asks || !isPrivate)
        .map((mountpoint) => summary(mountpoint, legacyFields)),
    };
  });
}
