import { GatewayError } from '../../errors.js';
import type { Mountpoint } from '../../routing/mountpoint.js';
import type { Viewer } from '../../routing/viewer.js';
import type { Handle } from '../handle.js';
import { PluginError, asyncRequest, reply, type Reply, type Request } from '../plugin.js';
import { array, boolean, integer, optional } from '../shape.js';
import type { StreamingContext } from './context.js';
import { ERROR, status } from './wire.js';

const SHAPE = {
  media: optional(array, []),
  offer_audio: optional(boolean, true),
  offer_video: optional(boolean, true),
  offer_data: optional(boolean, true),
  restart: optional(boolean, false),
  // First choices among layers, of which no source has any yet.
  substream: optional(integer),
  temporal: optional(integer),
  fallback: optional(integer),
  spatial_layer: optional(integer),
  temporal_layer: optional(integer),
};

/** Offers a mountpoint. An offer that came along is ignored: we make our own. */
export function watch(context: StreamingContext): Request {
  return asyncRequest({}, async (handle, _body, { body }) => {
    context.check({ id: context.idCheck }, body);
    const fields = context.check(SHAPE, body);
    const mountpoint = context.find(body);
    context.authorize(body, 'pin', mountpoint.pin);
    const mids = fields.media.map((mid) => {
      if (typeof mid !== 'string')
        throw new PluginError(ERROR.INVALID, '"media" must be an array of mids, which are strings');
      return mid;
    });
    const current = context.viewerOf(handle);
    if (current) return watchAgain(current, mountpoint, fields.restart);
    if (fields.restart) throw new PluginError(ERROR.INVALID_STATE, '"restart": this handle watches no mountpoint');
    const wanted = mountpoint.media
      .filter(({ mid, codec }) =>
        mids.length > 0 ? mids.includes(mid) : codec.kind === 'audio' ? fields.offer_audio : fields.offer_video,
      )
      .map(({ mid }) => mid);
    if (wanted.length === 0) {
      throw new PluginError(ERROR.INVALID_REQUEST, `nothing of ${mountpoint.title} is left to be offered`);
    }
    return watchFirst(context, handle, mountpoint, wanted);
  });
}

async function watchFirst(
  context: StreamingContext,
  handle: Handle,
  mountpoint: Mountpoint,
  mids: readonly string[],
): Promise<Reply> {
  const peer = handle.createPeer();
  const viewer = mountpoint.addViewer(peer, mids);
  context.addViewer(handle, viewer);
  try {
    return await offer(viewer);
  } catch (error) {
    // Otherwise whoever closed it did the rest.
    if (!viewer.closed) {
      viewer.close();
      handle.hangup('Close PC');
    }
    throw error;
  }
}

async function watchAgain(viewer: Viewer, mountpoint: Mountpoint, restart: boolean): Promise<Reply> {
  if (viewer.mountpoint !== mountpoint) {
    throw new PluginError(ERROR.INVALID_STATE, `this handle watches ${viewer.mountpoint.title} already`);
  }
  if (viewer.peer.state !== 'connected') {
    throw new PluginError(ERROR.INVALID_STATE, `this handle watches ${mountpoint.title} already, and has not started`);
  }
  return offer(viewer, { restartIce: restart });
}

async function offer(viewer: Viewer, { restartIce = false } = {}): Promise<Reply> {
  const { mountpoint } = viewer;
  try {
    const sdp = await viewer.createOffer({ restartIce });
    return reply(status(restartIce ? 'updating' : 'preparing'), {
      type: 'offer',
      sdp,
      ...(mountpoint.e2ee ? { e2ee: true } : {}),
    });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'HG_ERR_CLOSED') throw error;
    throw new PluginError(ERROR.INVALID_STATE, `${mountpoint.title} could not be offered: ${error.message}`);
  }
}
