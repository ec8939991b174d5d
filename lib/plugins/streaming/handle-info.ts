import type { Viewer } from '../../routing/viewer.js';
import type { Handle } from '../handle.js';

/** What the admin API shows of a handle; `viewer` undefined: it watches nothing. */
export function handleInfo(handle: Handle, viewer: Viewer | undefined): object {
  const flag = (value: boolean | undefined): number => (value === true ? 1 : 0);
  return {
    state: viewer === undefined ? 'idle' : 'watching',
    ...(viewer === undefined ? {} : watched(viewer)),
    hangingup: flag(handle.peer?.closed),
    started: flag(viewer?.peer.connected),
    dataready: 0,
    paused: flag(viewer?.paused),
    stopping: 0,
    destroyed: flag(handle.closed),
  };
}

function watched({ mountpoint, mids }: Viewer): object {
  return {
    mountpoint_id: mountpoint.id,
    mountpoint_name: mountpoint.name,
    mountpoint_viewers: mountpoint.viewers.size,
    media: mids.flatMap((mid, mindex) => {
      const media = mountpoint.media.find((one) => one.mid === mid);
      return media === undefined ? [] : [{ type: media.codec.kind, mindex, mid }];
    }),
    ...(mountpoint.e2ee ? { e2ee: true } : {}),
  };
}
