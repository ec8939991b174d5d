import { AUDIO_FEEDBACK, type Codec } from './codec.js';

/** RFC 7587: always 48000/2, whatever is inside. */
export const opus: Codec = {
  name: 'opus',
  kind: 'audio',
  encodingName: 'opus',
  clockRate: 48000,
  channels: 2,
  payloadType: 111,
  feedback: AUDIO_FEEDBACK,
  rtx: false,
};

/** Opus with more than two channels: an extension of Chromium's. */
export const multiopus: Codec = { ...opus, name: 'multiopus', encodingName: 'multiopus', channels: 6 };
