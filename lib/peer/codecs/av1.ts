import { VIDEO_FEEDBACK, type Codec } from './codec.js';

/** RTP payload format for AV1 (AOMedia), section 7: without fmtp profile 0, level 2.1 or whatever the receiver can. */
export const av1: Codec = {
  name: 'av1',
  kind: 'video',
  encodingName: 'AV1',
  clockRate: 90000,
  payloadType: 98,
  feedback: VIDEO_FEEDBACK,
  rtx: true,
};
