import { VIDEO_FEEDBACK, type Codec } from './codec.js';

/** RFC 7741. */
export const vp8: Codec = {
  name: 'vp8',
  kind: 'video',
  encodingName: 'VP8',
  clockRate: 90000,
  payloadType: 96,
  feedback: VIDEO_FEEDBACK,
  rtx: true,
};
