import { VIDEO_FEEDBACK, type Codec } from './codec.js';

/** RFC 7798. Browsers play it only where hardware decodes it. */
export const h265: Codec = {
  name: 'h265',
  kind: 'video',
  encodingName: 'H265',
  clockRate: 90000,
  payloadType: 100,
  feedback: VIDEO_FEEDBACK,
  rtx: true,
};
