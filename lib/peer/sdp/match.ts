import { EXTENSIONS, type ExtensionName } from './extensions.js';
import type { RemoteCodec, RemoteMedia } from './parse.js';

/** The payload type of a codec's retransmissions (RFC 4588), if there is one among those of its m-line. */
export function findRtx({ payloadType }: RemoteCodec, codecs: readonly RemoteCodec[]): number | undefined {
  const apt = new RegExp(`(^|;)\\s*apt=${String(payloadType)}\\s*(;|$)`);
  return codecs.find(({ encodingName, fmtp }) => encodingName.toLowerCase() === 'rtx' && apt.test(fmtp ?? ''))
    ?.payloadType;
}

/** Which of these header extensions the other side has, and under which ids. */
export function matchExtensions(
  names: Iterable<ExtensionName>,
  { extensions }: RemoteMedia,
): Partial<Record<ExtensionName, number>> {
  const matched: Partial<Record<ExtensionName, number>> = {};
  for (const name of names) {
    const found = extensions.find(
      ({ id, uri, direction }) =>
        uri === EXTENSIONS[name].uri &&
        direction !== 'inactive' &&
        // We write the one-byte form (RFC 8285 section 4.2).
        id >= 1 &&
        id <= 14,
    );
    if (found) matched[name] = found.id;
  }
  return matched;
}
