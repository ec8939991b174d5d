import { VIDEO_FEEDBACK, type Codec } from './codec.js';

/** RFC 9628. Without `profile-id` profile 0 is meant. */
export const vp9: Codec = {
  name: 'vp9',
  kind: 'video',
  encodingName: 'VP9',
  clockRate: 90000,
  payloadType: 101,
  feedback: VIDEO_FEEDBACK,
  rtx: true,
};
