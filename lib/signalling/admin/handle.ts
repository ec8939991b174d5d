/** Requests about a handle. */
import { boolean, optional, positiveInteger, string } from '../../plugins/shape.js';
import { API_ERROR, ApiError } from '../../session/api-error.js';
import { handleInfo } from './handle-info.js';
import type { AdminRequests, HandleContext } from './request.js';
import { adminRequest } from './request.js';

const CAPTURE = { folder: optional(string), filename: optional(string), truncate: optional(positiveInteger, 0) };

const startCapture = adminRequest<typeof CAPTURE, HandleContext>(CAPTURE, noCapture);
const stopCapture = adminRequest<Record<never, never>, HandleContext>({}, noCapture);

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
  start_pcap: startCapture,
  start_text2pcap: startCapture,
  stop_pcap: stopCapture,
  stop_text2pcap: stopCapture,
};

function noCapture(): never {
  throw new ApiError(API_ERROR.UNKNOWN, 'packets are not captured yet: there is no packet capture in this version');
}
