import { request, type Request } from '../plugin.js';
import { boolean, optional, string } from '../shape.js';
import type { StreamingContext } from './context.js';

const SHAPE = {
  new_description: optional(string, ''),
  new_metadata: optional(string),
  new_secret: optional(string, ''),
  new_pin: optional(string),
  new_is_private: optional(boolean),
  permanent: optional(boolean, false),
  edited_event: optional(boolean, false),
};

/** Changes what people see of a mountpoint and who may use it. */
export function edit(context: StreamingContext): Request {
  return request({}, (handle, _body, { body }) => {
    context.check({ id: context.idCheck }, body);
    const fields = context.check(SHAPE, body);
    const mountpoint = context.findOwn(body);
    const { id, name, metadata } = mountpoint;
    const changes = {
      ...(fields.new_description === '' ? {} : { description: fields.new_description }),
      ...(fields.new_metadata === undefined ? {} : { metadata: fields.new_metadata }),
      ...(fields.new_secret === '' ? {} : { secret: fields.new_secret }),
      // An empty one takes it away.
      ...(fields.new_pin === undefined ? {} : { pin: fields.new_pin === '' ? undefined : fields.new_pin }),
      ...(fields.new_is_private === undefined ? {} : { isPrivate: fields.new_is_private }),
    };
    const permanent = fields.permanent && context.written(() => context.store().change(name, changes));
    mountpoint.update(changes);
    context.host.notify(handle, () => ({ event: 'edited', id }));
    if (fields.edited_event && mountpoint.metadata !== metadata) {
      context.pushToViewers(mountpoint, { event: 'edited', id, metadata: mountpoint.metadata });
    }
    return { streaming: 'edited', id, permanent };
  });
}
