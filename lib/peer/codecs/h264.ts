import { VIDEO_FEEDBACK, parseFmtp, type Codec, type FmtpCheck } from './codec.js';

/** What browsers have in common: constrained baseline, level 3.1. */
const DEFAULT_PROFILE = '42e01f';

/** RFC 6184. */
export const h264: Codec = {
  name: 'h264',
  kind: 'video',
  encodingName: 'H264',
  clockRate: 90000,
  payloadType: 107,
  feedback: VIDEO_FEEDBACK,
  rtx: true,
  checkFmtp,
};

function checkFmtp(fmtp: string | undefined): FmtpCheck {
  if (fmtp === undefined) {
    // Encoders fragment what is larger than a packet, which mode 0 forbids.
    return {
      fmtp: `profile-level-id=${DEFAULT_PROFILE};packetization-mode=1`,
      warnings: [
        `no fmtp was given: "profile-level-id=${DEFAULT_PROFILE};packetization-mode=1" is offered; ` +
          'if the stream is of another profile, say so in fmtp',
      ],
    };
  }
  const profile = parseFmtp(fmtp).get('profile-level-id');
  if (profile === undefined) {
    return {
      fmtp: `${fmtp.replace(/[;\s]+$/, '')};profile-level-id=${DEFAULT_PROFILE}`,
      warnings: [
        `fmtp has no profile-level-id, which Firefox does not take: ${DEFAULT_PROFILE} is offered; ` +
          'if the stream is of another profile, say so in fmtp',
      ],
    };
  }
  if (!/^[0-9a-f]{6}$/i.test(profile)) {
    return { fmtp, warnings: [`profile-level-id=${profile} is not six hexadecimal digits: browsers will refuse it`] };
  }
  if (isBaseline(profile)) return { fmtp, warnings: [] };
  const who = /^64/.test(profile) ? 'Firefox and some builds of Chromium' : 'Firefox';
  return {
    fmtp,
    warnings: [
      `profile-level-id=${profile} is not baseline: ${who} will not play it. Encode with profile baseline and offer ` +
        `${DEFAULT_PROFILE}; a stream of main profile that keeps to the limits of baseline may be offered as 4de01f`,
    ],
  };
}

/** RFC 6184 section 8.1, table 5: the ways to write baseline and constrained baseline. */
function isBaseline(profile: string): boolean {
  const number = Number.parseInt(profile, 16);
  return (
    (number & 0xff0f00) === 0x420000 || // baseline, constrained if the second flag is set
    (number & 0xff8f00) === 0x4d8000 || // main that keeps to the limits of baseline
    (number & 0xffcf00) === 0x58c000 // extended that keeps to those of both
  );
}
