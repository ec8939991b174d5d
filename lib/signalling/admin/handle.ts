/** Requests about a handle. */
import type { CaptureFormat } from '../../peer/capture.js';
import { boolean, optional, positiveInteger, string } from '../../plugins/shape.js';
import { handleInfo } from './handle-info.js';
import type { AdminRequest, AdminRequests, HandleContext } from './request.js';
import { adminRequest } from './request.js';

const CAPTURE = { folder: optional(string), filename: optional(string), truncate: optional(positiveInteger, 0) };

const startCapture = (format: CaptureFormat): AdminRequest<HandleContext> =>
  adminRequest(CAPTURE, ({ captures, handle }, body) => {
    captures.start(handle, format, body);
    return {};
  });
/** Of either format: a handle has one capture. */
const stopCapture: AdminRequest<HandleContext> = adminRequest({}, async ({ captures, handle }) => {
  const dropped = await captures.stop(handle);
  return dropped === 0 ? {} : { dropped };
});

/** Verb → request. */
export const HANDLE_REQUESTS: AdminRequests<HandleContext> = {
  handle_info: adminRequest({ plugin_only: optional(boolean, false) }, (context, { plugin_only: pluginOnly }) => ({
    handle_id: context.handle.id,
    info: handleInfo(context, pluginOnly),
  })),
  detach_handle: adminRequest({}, ({ handle }) => {
    handle.close(true);
    return {};
  }),
  hangup_webrtc: adminRequest({}, ({ handle }) => {
    handle.hangup('Admin API');
    return {};
  }),
  start_pcap: startCapture('pcap'),
  start_text2pcap: startCapture('text2pcap'),
  stop_pcap: stopCapture,
  stop_text2pcap: stopCapture,
};
