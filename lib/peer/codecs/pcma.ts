import { AUDIO_FEEDBACK, type Codec } from './codec.js';

/** G.711 A-law, RFC 3551 section 4.5.14. */
export const pcma: Codec = {
  name: 'pcma',
  kind: 'audio',
  encodingName: 'PCMA',
  clockRate: 8000,
  payloadType: 8,
  feedback: AUDIO_FEEDBACK,
  rtx: false,
};
