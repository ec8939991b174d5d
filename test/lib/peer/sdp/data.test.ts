import t from 'tap';
import { answerLines, answerOffer } from '../../../../lib/peer/sdp/answer.js';
import { negotiateAnswer } from '../../../../lib/peer/sdp/negotiate.js';
import { offerLines, type OfferMedia } from '../../../../lib/peer/sdp/offer.js';
import { parseDescription } from '../../../../lib/peer/sdp/parse.js';
import { writeDescription } from '../../../../lib/peer/sdp/write.js';
import { codec, description, fixture } from '../../../support/fixtures.js';

const VIDEO: OfferMedia = { mid: 'v', codec: codec('vp8') };
const NEW_STYLE = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel';

function answerTo(sdp: string, wantsData = true): string {
  const { media } = answerOffer(parseDescription(sdp), () => ({}), wantsData);
  return writeDescription(
    description(
      answerLines(media, () => ({ ssrc: 1, rtxSsrc: 2 })),
      { setup: 'active' },
    ),
  );
}

/** A browser's offer with this instead of its data m-line and what it says of SCTP. */
function offering(...lines: string[]): string {
  return fixture('sdp/publish-av-data.chromium.offer.sdp')
    .replace(/\r?\n/g, '\r\n')
    .replace(`${NEW_STYLE}\r\n`, `${lines[0] ?? ''}\r\n`)
    .replace(
      /a=sctp-port:5000\r\na=max-message-size:262144\r\n/,
      lines
        .slice(1)
        .map((line) => `${line}\r\n`)
        .join(''),
    );
}

function dataOf(sdp: string) {
  return parseDescription(sdp).media[2]?.data;
}

t.test('what browsers say of data channels is read', async (t) => {
  t.same(dataOf(fixture('sdp/publish-av-data.chromium.offer.sdp')), { sctpPort: 5000, maxMessageSize: 262144 });
  t.same(dataOf(fixture('sdp/publish-av-data.firefox.offer.sdp')), { sctpPort: 5000, maxMessageSize: 1073741823 });
});

t.test('what is not said is what RFC 8841 means by it', async (t) => {
  t.same(dataOf(offering(NEW_STYLE, 'a=sctp-port:5001')), { sctpPort: 5001, maxMessageSize: 65536 });
  t.same(dataOf(offering(NEW_STYLE, 'a=max-message-size:0')), { sctpPort: 5000, maxMessageSize: 0 });
});

t.test('an answer takes them', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const answer = answerTo(fixture(`sdp/publish-av-data.${browser}.offer.sdp`));

    const [, section = ''] = answer.split('m=application');
    t.match(answer, /^a=group:BUNDLE 0 1 2\r$/m, browser);
    t.equal(
      section.replace(/ice-(ufrag|pwd):.*/g, 'ice-$1'),
      [
        ' 9 UDP/DTLS/SCTP webrtc-datachannel',
        'c=IN IP4 192.0.2.2',
        'a=sendrecv',
        'a=mid:2',
        'a=sctp-port:5000',
        'a=max-message-size:262144',
        'a=ice-ufrag',
        'a=ice-pwd',
        'a=ice-options:trickle',
        'a=setup:active',
        'a=candidate:1 1 udp 2015363327 192.0.2.2 41341 typ host',
        'a=end-of-candidates',
        '',
      ].join('\r\n'),
    );
  }
});

t.test('an offer of before RFC 8841 is answered in its own way', async (t) => {
  const sdp = offering('m=application 9 DTLS/SCTP 5000', 'a=sctpmap:5000 webrtc-datachannel 1024');

  const answer = answerTo(sdp);

  t.same(dataOf(sdp), { sctpPort: 5000, maxMessageSize: 65536 });
  t.match(answer, /^m=application 9 DTLS\/SCTP 5000\r$/m);
  t.match(answer, /^a=sctpmap:5000 webrtc-datachannel 1024\r$/m);
  t.notMatch(answer, /sctp-port/);
});

t.test('who wants none rejects them', async (t) => {
  const answer = answerTo(fixture('sdp/publish-av-data.chromium.offer.sdp'), false);

  t.match(answer, /^m=application 0 UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
  t.match(answer, /^a=group:BUNDLE 0 1\r$/m);
});

t.test('what is no data channel is rejected', async (t) => {
  for (const lines of [
    ['m=application 9 UDP/DTLS/SCTP something-else', 'a=sctp-port:5000'],
    ['m=application 9 UDP/BFCP *'],
    ['m=application 9 DTLS/SCTP 5000', 'a=sctpmap:5001 webrtc-datachannel 16'],
    ['m=application 9 DTLS/SCTP 5000', 'a=sctpmap:5000 bfcp 16'],
    ['m=application 9 DTLS/SCTP x'],
    [NEW_STYLE, 'a=sctp-port:70000'],
    [NEW_STYLE, 'a=sctp-port:0'],
  ]) {
    const sdp = offering(...lines);
    t.equal(dataOf(sdp), undefined, lines.join(' '));
    t.match(answerTo(sdp), /^m=application 0 /m);
  }
});

t.test('a second m-line of data channels is rejected', async (t) => {
  const once = fixture('sdp/publish-av-data.chromium.offer.sdp').replace(/\r?\n/g, '\r\n');
  const section = `m=application${once.split('m=application')[1] ?? ''}`;
  const sdp = once.replace('BUNDLE 0 1 2', 'BUNDLE 0 1 2 3') + section.replace('a=mid:2', 'a=mid:3');

  const answer = answerTo(sdp);

  t.equal(answer.match(/^m=application 9 /gm)?.length, 1);
  t.equal(answer.match(/^m=application 0 /gm)?.length, 1);
  t.match(answer, /^a=group:BUNDLE 0 1 2\r$/m);
});

t.test('data channels alone are enough of an offer', async (t) => {
  const [session = ''] = fixture('sdp/publish-av-data.chromium.offer.sdp').split('m=audio');
  const [, section = ''] = fixture('sdp/publish-av-data.chromium.offer.sdp').split('m=application');
  const sdp = `${session.replace('BUNDLE 0 1 2', 'BUNDLE 2')}m=application${section}`;

  t.match(answerTo(sdp), /^m=application 9 /m);
});

t.test('an offer of ours has them beside media, and numbers stay in place', async (t) => {
  let ssrc = 0;
  const numbers = () => ({ ssrc: ++ssrc, rtxSsrc: ++ssrc });
  const first = offerLines([{ kind: 'data', mid: 'd' }, VIDEO], numbers);
  const second = offerLines([{ kind: 'data', mid: 'd' }, VIDEO, { mid: 'a', codec: codec('opus') }], numbers, first);

  t.same(first[0], { kind: 'data', mid: 'd' });
  t.match(first[1], { kind: 'video', payloadType: 96 });
  t.match(second[1], { kind: 'video', payloadType: 96 });
  t.match(second[2], { kind: 'audio', payloadType: 111 });
  t.match(writeDescription(description(first)), /^a=group:BUNDLE d v\r\n[^]*^m=application 9 UDP\/DTLS\/SCTP/m);
});

t.test('an answer to that says what the other side takes', async (t) => {
  const offer = description(offerLines([{ kind: 'data', mid: '2' }], () => ({ ssrc: 1, rtxSsrc: 2 })));
  const [session = ''] = fixture('sdp/publish-av-data.chromium.offer.sdp').split('m=audio');
  const [, section = ''] = fixture('sdp/publish-av-data.chromium.offer.sdp').split('m=application');
  const answer = `${session.replace('BUNDLE 0 1 2', 'BUNDLE 2')}m=application${section}`.replace('actpass', 'active');

  const { data, media, dtlsRole } = negotiateAnswer(offer, parseDescription(answer));

  t.same(data, { sctpPort: 5000, maxMessageSize: 262144 });
  t.same(media, []);
  t.equal(dtlsRole, 'server');
  const rejected = answer.replace('m=application 9', 'm=application 0');
  t.throws(
    () => negotiateAnswer(offer, parseDescription(rejected)),
    /rejects every m-line; offered were data channels/,
  );
  const other = answer.replace('webrtc-datachannel', 'other');
  t.throws(() => negotiateAnswer(offer, parseDescription(other)), /not one of data channels/);
});
