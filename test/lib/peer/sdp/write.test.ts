import t from 'tap';
import { offerLines, type OfferMedia } from '../../../../lib/peer/sdp/offer.js';
import { writeDescription, type LocalDescription } from '../../../../lib/peer/sdp/write.js';
import { codec, description, fixture } from '../../../support/fixtures.js';

function describe(media: OfferMedia[], changes: Partial<LocalDescription> = {}): LocalDescription {
  let ssrc = 1000;
  const lines = offerLines(media, () => ({ ssrc: (ssrc += 1000), rtxSsrc: ssrc + 1 }));
  return description(lines, changes);
}

const AV: OfferMedia[] = [
  { mid: 'a', codec: codec('opus'), payloadType: 111 },
  { mid: 'v', codec: codec('vp8'), payloadType: 100 },
];

t.test('an offer is what it always was', async (t) => {
  t.equal(writeDescription(describe(AV)), fixture('sdp/av.offer.sdp'));
  t.equal(
    writeDescription(
      describe([
        {
          mid: 'w',
          codec: codec('h264'),
          payloadType: 126,
          fmtp: 'profile-level-id=42e01f;packetization-mode=1',
          msid: 's t',
          extensions: ['playout-delay', 'mid', 'transport-wide-cc'],
        },
        { mid: 'x', codec: codec('pcma') },
      ]),
    ),
    fixture('sdp/h264-and-audio.offer.sdp'),
  );
});

t.test('an offer has the lines of Janus 1.1.2, but for feedback about numbers that no packet carries', async (t) => {
  const lines = (sdp: string): string[] =>
    sdp
      .split('\r\n')
      .map((line) => line.replace(/^(a=ssrc:)\d+/, '$1N').replace(/^(a=ssrc-group:FID) .*/, '$1 N N'))
      .filter((line) => !line.endsWith('transport-cc'));

  t.same(lines(writeDescription(describe(AV))), lines(fixture('sdp/av.janus-1.1.2.offer.sdp')));
});

t.test('a rejected m-line keeps its place, with port 0 and out of the group', async (t) => {
  const offered = { type: 'audio', mid: 'a', protocol: 'UDP/TLS/RTP/SAVPF', formats: '111 9' };
  const sdp = writeDescription(description([offered, ...describe(AV).media.slice(1)]));

  t.match(sdp, /^a=group:BUNDLE v\r$/m);
  t.match(sdp, /^m=audio 0 UDP\/TLS\/RTP\/SAVPF 111 9\r\nc=[^\r]*\r\na=inactive\r$/m);
});

t.test('a line that sends nothing names no stream and no retransmissions', async (t) => {
  const sdp = writeDescription(describe([{ mid: 'v', codec: codec('vp8'), direction: 'inactive' }]));

  t.notMatch(sdp, /a=msid:/);
  t.notMatch(sdp, /ssrc-group/);
  t.equal(sdp.match(/a=ssrc:/g)?.length, 1);
});

t.test('an IPv6 address says so', async (t) => {
  t.match(writeDescription(describe(AV, { address: '2001:db8::7' })), /^c=IN IP6 2001:db8::7\r$/m);
});

t.test('a value with a line break in it cannot add lines', async (t) => {
  for (const evil of ['x\r\na=evil', 'x\na=evil', 'x\ra=evil', 'x\0']) {
    t.throws(() => writeDescription(describe(AV, { sessionName: evil })), { code: 'HG_ERR_OPTION' });
    t.throws(() => writeDescription(describe([{ mid: 'v', codec: codec('vp8'), fmtp: evil }])), {
      code: 'HG_ERR_OPTION',
    });
  }
});
