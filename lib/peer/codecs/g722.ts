import { AUDIO_FEEDBACK, type Codec } from './codec.js';

/** RFC 3551 section 4.5.2: sampled at 16 kHz, yet its RTP clock is 8000 for historical reasons. */
export const g722: Codec = {
  name: 'g722',
  kind: 'audio',
  encodingName: 'G722',
  clockRate: 8000,
  payloadType: 9,
  feedback: AUDIO_FEEDBACK,
  rtx: false,
};
