import { EXTENSIONS, type ExtensionName } from './extensions.js';
import type { RemoteCodec, RemoteMedia } from './parse.js';

/** The payload type of a codec's retransmissions (RFC 4588), if there is one among those of its m-line. */
export function findRtx({ payloadType }: RemoteCodec, codecs: readonly RemoteCodec[]): number | undefined {
  const apt = new RegExp(`(^|;)\\s*apt=${String(payloadType)}\\s*(;|$)`);
  return codecs.find(({ encodingName, fmtp }) => encodingName.toLowerCase() === 'rtx' && apt.test(fmtp ?? ''))
    ?.payloadType;
}

/** The payload type under which a codec comes with copies of what it sent before (RED, RFC 2198), if there is one. */
export function findRed({ payloadType, clockRate }: RemoteCodec, codecs: readonly RemoteCodec[]): number | undefined {
  const blocks = new RegExp(`^\\s*${String(payloadType)}(/${String(payloadType)})*\\s*$`);
  return codecs.find(
    (codec) =>
      codec.encodingName.toLowerCase() === 'red' && codec.clockRate === clockRate && blocks.test(codec.fmtp ?? ''),
  )?.payloadType;
}

/**
 * Which of these header extensions the other side has, and under which ids.
 *
 * @param wants - only those that it takes: not the ones it says it does but send
 */
export function matchExtensions(
  names: Iterable<ExtensionName>,
  { extensions, extmapAllowMixed }: RemoteMedia,
  wants = false,
): Partial<Record<ExtensionName, number>> {
  const matched: Partial<Record<ExtensionName, number>> = {};
  for (const name of names) {
    const found = extensions.find(
      ({ id, uri, direction }) =>
        uri === EXTENSIONS[name].uri &&
        direction !== 'inactive' &&
        !(wants && direction === 'sendonly') &&
        // We write the one-byte form (RFC 8285 section 4.2) wherever it serves.
        id >= 1 &&
        id <= 14,
    );
    // With templates in it, it takes the two-byte form.
    const isTooLong = name === 'dependency-descriptor' && !extmapAllowMixed;
    if (found && !isTooLong) matched[name] = found.id;
  }
  return matched;
}
