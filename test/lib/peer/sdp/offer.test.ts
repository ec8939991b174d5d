import t from 'tap';
import { checkOffer, offerLines, type OfferLine, type OfferMedia } from '../../../../lib/peer/sdp/offer.js';
import { answerLines, answerOffer } from '../../../../lib/peer/sdp/answer.js';
import { parseDescription } from '../../../../lib/peer/sdp/parse.js';
import { writeDescription, type LocalLine, type LocalMedia } from '../../../../lib/peer/sdp/write.js';
import { codec, description, fixture } from '../../../support/fixtures.js';

const VIDEO: OfferMedia = { mid: 'v', codec: codec('vp8') };
const AUDIO: OfferMedia = { mid: 'a', codec: codec('opus') };
const NONE = new Set<number>();
let next = 1;
const ssrcs = () => ({ ssrc: next++, rtxSsrc: next++ });

const lines = (wanted: OfferLine[], earlier?: readonly LocalLine[]) => offerLines(wanted, ssrcs, earlier);
const media = (line: LocalLine | undefined): LocalMedia => line as LocalMedia;

t.test('what goes on keeps its numbers, whatever comes behind it', async (t) => {
  const first = lines([{ ...VIDEO, payloadType: 100, fmtp: 'x=1' }, AUDIO]);
  const second = lines([{ ...VIDEO, direction: 'inactive' }, AUDIO, { ...VIDEO, mid: 'w', payloadType: 100 }], first);

  t.match(second[0], { direction: 'inactive', payloadType: 100, fmtp: 'x=1', rtx: { payloadType: 101 } });
  t.equal(media(second[1]).payloadType, media(first[1]).payloadType);
  t.not(media(second[2]).payloadType, 100, 'that number means a codec with other parameters');
});

t.test('a stopped line is written with port 0, outside of the group', async (t) => {
  const first = lines([VIDEO, AUDIO, { kind: 'data', mid: 'd' }]);
  const second = lines([{ mid: 'v', stopped: true }, AUDIO, { mid: 'd', stopped: true }], first);

  const { bundle, media: read } = parseDescription(writeDescription(description(second)));
  t.same(bundle, ['a']);
  t.match(read, [
    { type: 'video', port: 0, mid: 'v', direction: 'inactive' },
    { type: 'audio', port: 9 },
    { type: 'application', port: 0, formats: 'webrtc-datachannel' },
  ]);
  t.match(
    lines([{ mid: 'v', stopped: true }, AUDIO, { mid: 'd', stopped: true }], second)[0],
    { type: 'video', mid: 'v' },
    'and stays so',
  );
});

t.test('a line that takes the place of another has its own numbers', async (t) => {
  const first = lines([{ ...VIDEO, payloadType: 100, fmtp: 'x=1' }, AUDIO]);
  const second = lines([{ mid: 'n', codec: codec('vp9') }, AUDIO], first);

  t.match(second[0], { mid: 'n', rtpmap: 'VP9/90000', fmtp: undefined });
  t.match(lines([{ ...VIDEO, codec: codec('vp9') }, AUDIO], first)[0], {
    mid: 'v',
    rtpmap: 'VP9/90000',
    fmtp: undefined,
  });
});

t.test('after an answer of ours the other side’s numbers stay', async (t) => {
  const { media: answered } = answerOffer(
    parseDescription(fixture('sdp/publish-simulcast.chromium.offer.sdp')),
    ({ type }) => (type === 'audio' ? undefined : { extensions: ['mid', 'rid', 'transport-wide-cc'] }),
  );
  const earlier = answerLines(answered, ssrcs);
  const [rejected, before] = earlier;
  t.notOk(rejected && 'kind' in rejected);

  const offer = lines(
    [
      { mid: '0', stopped: true },
      {
        mid: '1',
        codec: codec('vp8'),
        direction: 'recvonly',
        extensions: ['mid', 'rid', 'abs-send-time', 'audio-level'],
      },
      { mid: 'n', codec: codec('vp8') },
    ],
    earlier,
  );

  t.match(offer[0], { type: 'audio', mid: '0' });
  const now = media(offer[1]);
  const { payloadType, rtx, extensions, receivedRids } = media(before);
  t.match(now, { payloadType, rtx: { payloadType: rtx?.payloadType }, receivedRids });
  t.equal(now.extensions.mid, extensions.mid);
  t.equal(now.extensions.rid, extensions.rid);
  const ids = Object.values(now.extensions);
  t.equal(new Set([...ids, extensions['transport-wide-cc']]).size, 5, 'no id means two things');
  t.equal(media(offer[2]).extensions.mid, extensions.mid);
});

t.test('which m-lines an offer may have', async (t) => {
  const earlier = lines([VIDEO, AUDIO]);
  const refused = (wanted: OfferLine[], problem: RegExp, free = NONE): void => {
    t.throws(() => checkOffer(wanted, earlier, free), { code: 'HG_ERR_OPTION', message: problem });
  };

  refused([], /at least one m-line/);
  refused([VIDEO], /must begin with v, a/);
  refused([AUDIO, VIDEO], /must begin with v, a/);
  refused([{ ...VIDEO, mid: 'n' }, AUDIO], /must begin with v, a/);
  refused([VIDEO], /must begin with v, a/, new Set([1]));
  refused([VIDEO, AUDIO, VIDEO], /each mid may be there once/);
  refused([VIDEO, AUDIO, { mid: 'n', stopped: true }], /no m-line n that could be stopped/);
  refused([VIDEO, AUDIO, { kind: 'data', mid: 'd' }, { kind: 'data', mid: 'e' }], /one m-line serves all/);
  refused([{ ...VIDEO, mid: 'a b' }, AUDIO], /"a b" cannot be a mid/);

  checkOffer([{ ...VIDEO, mid: 'n' }, AUDIO], earlier, new Set([0]));
  checkOffer([{ mid: 'v', stopped: true }, AUDIO, { kind: 'data', mid: 'd' }], earlier, NONE);
});
