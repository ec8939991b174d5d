import { AUDIO_FEEDBACK, type Codec } from './codec.js';

/** Linear PCM, RFC 3551 section 4.5.11, one channel. */
export const l16: Codec = {
  name: 'l16',
  kind: 'audio',
  encodingName: 'L16',
  clockRate: 16000,
  payloadType: 105,
  feedback: AUDIO_FEEDBACK,
  rtx: false,
};

export const l16At48: Codec = { ...l16, name: 'l16-48', clockRate: 48000, payloadType: 106 };
