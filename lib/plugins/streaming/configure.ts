import type { Viewer } from '../../routing/viewer.js';
import { PluginError, asyncRequest, type Request } from '../plugin.js';
import { arrayOf, boolean, integer, object, optional, string } from '../shape.js';
import type { StreamingContext } from './context.js';
import { ERROR, result } from './wire.js';

/** What can be said of one m-line. Of layers and delays only the checks are there yet. */
const STREAM = {
  mid: optional(string),
  send: optional(boolean),
  substream: optional(integer),
  temporal: optional(integer),
  fallback: optional(integer),
  spatial_layer: optional(integer),
  temporal_layer: optional(integer),
  min_delay: optional(integer),
  max_delay: optional(integer),
};
const LAYERS = ['substream', 'temporal', 'spatial_layer', 'temporal_layer'] as const;
const LEGACY = { audio: optional(boolean), video: optional(boolean), data: optional(boolean) };

/** Changes what of a mountpoint is sent. */
export function configure(context: StreamingContext): Request {
  return asyncRequest({}, (handle, _body, { body }) => {
    const viewer = context.mustWatch(handle);
    const { streams } = context.check({ streams: optional(arrayOf(object)) }, body);
    const legacy = context.check(LEGACY, body);
    const changes = (streams ?? [body]).map((stream, index) =>
      readChange(context, viewer, stream, streams === undefined ? '' : `streams[${String(index)}]`),
    );
    for (const { mid, send } of changes) {
      if (mid !== undefined && send !== undefined) viewer.setSending(mid, send);
    }
    for (const kind of ['audio', 'video'] as const) {
      const send = legacy[kind];
      if (send === undefined) continue;
      for (const mid of viewer.midsOf(kind)) viewer.setSending(mid, send);
    }
    return result({ event: 'configured' });
  });
}

interface Change {
  mid: string | undefined;
  send: boolean | undefined;
}

function readChange(
  context: StreamingContext,
  viewer: Viewer,
  stream: Readonly<Record<string, unknown>>,
  where: string,
): Change {
  const fields = context.check(STREAM, stream, where);
  for (const layer of LAYERS) {
    const value = fields[layer];
    if (value !== undefined && (value < 0 || value > 2)) {
      throw new PluginError(ERROR.INVALID, `${where === '' ? '' : `${where}: `}"${layer}" must be 0, 1 or 2`);
    }
  }
  const { mid, ...rest } = fields;
  const says = Object.values(rest).some((value) => value !== undefined);
  if (mid === undefined && says && viewer.mids.length > 1) {
    throw new PluginError(
      ERROR.INVALID,
      `${where === '' ? '' : `${where}: `}"mid" must say which of several streams is meant`,
    );
  }
  return { mid: mid ?? viewer.mids[0], send: fields.send };
}
