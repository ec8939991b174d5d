import { AUDIO_FEEDBACK, type Codec } from './codec.js';

/** G.711 µ-law, RFC 3551 section 4.5.14. */
export const pcmu: Codec = {
  name: 'pcmu',
  kind: 'audio',
  encodingName: 'PCMU',
  clockRate: 8000,
  payloadType: 0,
  feedback: AUDIO_FEEDBACK,
  rtx: false,
};
