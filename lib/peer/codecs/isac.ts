import { AUDIO_FEEDBACK, type Codec } from './codec.js';

/** For clients that still have it: browsers dropped it in 2022. */
export const isac16: Codec = {
  name: 'isac16',
  kind: 'audio',
  encodingName: 'ISAC',
  clockRate: 16000,
  payloadType: 103,
  feedback: AUDIO_FEEDBACK,
  rtx: false,
};

export const isac32: Codec = { ...isac16, name: 'isac32', clockRate: 32000, payloadType: 104 };
