/** What strangers' descriptions go through: taken, answered, and what we write read again. */
import { answerLines, answerOffer, checkSequence } from '../../../../lib/peer/sdp/answer.js';
import { EXTENSIONS, type ExtensionName } from '../../../../lib/peer/sdp/extensions.js';
import { negotiateAnswer } from '../../../../lib/peer/sdp/negotiate.js';
import { offerLines, type OfferLine } from '../../../../lib/peer/sdp/offer.js';
import { parseDescription, type RemoteDescription } from '../../../../lib/peer/sdp/parse.js';
import { writeDescription, type LocalDescription, type LocalLine } from '../../../../lib/peer/sdp/write.js';
import { codec, description } from '../../../support/fixtures.js';

const EXTENSION_NAMES = Object.keys(EXTENSIONS) as ExtensionName[];

/** The offers that the recorded answers are to; their m-lines are found by name. */
export function offersOf(): ReadonlyMap<string, LocalDescription> {
  const av: OfferLine[] = [
    { mid: 'v', codec: codec('vp8'), payloadType: 100 },
    { mid: 'a', codec: codec('opus'), payloadType: 111 },
  ];
  const video = (...names: string[]): OfferLine[] =>
    names.map((name, index) => ({ mid: `v${String(index + 1)}`, codec: codec(name) }));
  const audio = (...names: string[]): OfferLine[] =>
    names.map((name, index) => ({ mid: 'abc'.charAt(index), codec: codec(name) }));
  const h264 = (fmtp: string): OfferLine => ({ mid: 'v', codec: codec('h264'), payloadType: 126, fmtp });
  const lines: Record<string, OfferLine[]> = {
    av,
    'av-inactive': av,
    'all-video': video('vp9', 'av1', 'h265', 'vp8'),
    'audio-trickle': audio('opus'),
    g711: audio('pcmu', 'pcma', 'g722'),
    'no-rtx': [{ mid: 'v', codec: codec('vp8'), rtx: false, extensions: [] }],
    'h264-42e01f': [h264('profile-level-id=42e01f;packetization-mode=1')],
    'h264-4de033': [h264('profile-level-id=42e01f;packetization-mode=1')],
    'h264-and-opus': [{ mid: 'a', codec: codec('opus') }, h264('profile-level-id=42e01f;packetization-mode=1')],
  };
  return new Map(Object.entries(lines).map(([name, wanted]) => [name, description(offerLines(wanted, ssrcs()))]));
}

function ssrcs(): () => { ssrc: number; rtxSsrc: number } {
  let ssrc = 0;
  return () => ({ ssrc: ++ssrc, rtxSsrc: ++ssrc });
}

/** What is written by us is read by us, and says the same. */
function readAgain(local: LocalDescription): RemoteDescription {
  const again = parseDescription(writeDescription(local));
  const kindOf = (line: LocalLine): string =>
    'kind' in line ? (line.kind === 'data' ? 'application' : line.kind) : line.type;
  const expected = local.media.map((line) => [kindOf(line), line.mid, 'kind' in line]);
  const got = again.media.map(({ type, mid, port }) => [type, mid, port !== 0]);
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw new Error(`written were ${JSON.stringify(expected)}, read ${JSON.stringify(got)}`);
  }
  return again;
}

/**
 * An offer of a stranger's, answered, and ours after it.
 *
 * @throws `RemoteError` if it is refused; any other error is a mistake of ours
 */
export function playOffer(sdp: string, random: (below: number) => number): void {
  const offer = parseDescription(sdp);
  const wish = {
    extensions: EXTENSION_NAMES,
    red: random(2) === 0,
    simulcast: random(2) === 0,
    codecs: random(2) === 0 ? undefined : ['vp9', 'opus', 'h264', 'pcmu'],
  };
  const { media, dtlsRole } = answerOffer(offer, () => wish, random(2) === 0);
  const lines = answerLines(media, ssrcs());
  const answer = readAgain(description(lines, { setup: dtlsRole === 'client' ? 'active' : 'passive' }));
  // The same offer again changes nothing, and the lines of the answer are those of the offer.
  checkSequence(offer, lines, new Set());
  checkSequence(answer, lines, new Set());
  for (const [index, line] of lines.entries()) {
    if (!('extensions' in line) || line.kind === undefined) continue;
    const written = answer.media[index]?.codecs.some(({ payloadType }) => payloadType === line.payloadType);
    if (written !== true) throw new Error(`payload type ${String(line.payloadType)} is not in the answer`);
  }
}

/** The same with an answer to an offer of ours. */
export function playAnswer(sdp: string, offer: LocalDescription): void {
  const { media } = negotiateAnswer(offer, parseDescription(sdp));
  // An offer that follows can be written.
  const wanted = media.flatMap(({ mid, agreed }): OfferLine[] =>
    agreed ? [{ mid, codec: agreed.codec, fmtp: agreed.fmtp }] : [{ mid, stopped: true }],
  );
  readAgain(description(offerLines(wanted, ssrcs(), offer.media)));
}
