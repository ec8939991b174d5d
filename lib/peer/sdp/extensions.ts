import type { NativePassedExtensions } from '../../native/types.js';

/**
 * RTP header extensions (RFC 8285) and the ids they have in our own offers,
 * which are fixed. In answers of ours the peer's ids would stand.
 */
const TABLE = {
  'audio-level': { id: 1, uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level' },
  'abs-send-time': { id: 2, uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time' },
  'transport-wide-cc': { id: 3, uri: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01' },
  mid: { id: 4, uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' },
  rid: { id: 5, uri: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id' },
  'repaired-rid': { id: 6, uri: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id' },
  'abs-capture-time': { id: 7, uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time' },
  'dependency-descriptor': {
    id: 8,
    uri: 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  },
  'playout-delay': { id: 12, uri: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay' },
  'video-orientation': { id: 13, uri: 'urn:3gpp:video-orientation' },
} as const;

export type ExtensionName = keyof typeof TABLE;

/** Id and URI of each extension we know. */
export const EXTENSIONS: Readonly<Record<ExtensionName, { readonly id: number; readonly uri: string }>> = TABLE;

/** Ids of those that go from a source to its viewers, as the native side wants them. */
export function passedExtensions(idOf: (name: ExtensionName) => number | undefined): NativePassedExtensions {
  return {
    audioLevel: idOf('audio-level') ?? 0,
    videoOrientation: idOf('video-orientation') ?? 0,
    playoutDelay: idOf('playout-delay') ?? 0,
    dependencyDescriptor: idOf('dependency-descriptor') ?? 0,
  };
}
