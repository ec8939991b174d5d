import t from 'tap';
import { negotiateAnswer, type Negotiated } from '../../../../lib/peer/sdp/negotiate.js';
import { offerLines, type OfferMedia } from '../../../../lib/peer/sdp/offer.js';
import { parseDescription } from '../../../../lib/peer/sdp/parse.js';
import type { LocalDescription } from '../../../../lib/peer/sdp/write.js';
import { codec, description, fixture } from '../../../support/fixtures.js';

const AV: OfferMedia[] = [
  { mid: 'v', codec: codec('vp8'), payloadType: 100 },
  { mid: 'a', codec: codec('opus'), payloadType: 111 },
];
const ALL_VIDEO: OfferMedia[] = ['vp9', 'av1', 'h265', 'vp8'].map((name, index) => ({
  mid: `v${String(index + 1)}`,
  codec: codec(name),
}));
const G711: OfferMedia[] = [
  { mid: 'a', codec: codec('pcmu') },
  { mid: 'b', codec: codec('pcma') },
  { mid: 'c', codec: codec('g722') },
];
const H264: OfferMedia = {
  mid: 'v',
  codec: codec('h264'),
  payloadType: 126,
  fmtp: 'profile-level-id=42e01f;packetization-mode=1',
};

function offerOf(media: OfferMedia[]): LocalDescription {
  let ssrc = 0;
  return description(offerLines(media, () => ({ ssrc: ++ssrc, rtxSsrc: ++ssrc })));
}

function negotiate(media: OfferMedia[], sdp: string): Negotiated {
  return negotiateAnswer(offerOf(media), parseDescription(sdp));
}

t.test('Chromium and Firefox take VP8 and Opus as offered', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const result = negotiate(AV, fixture(`sdp/av.${browser}.answer.sdp`));

    t.equal(result.dtlsRole, 'server', browser);
    t.equal(result.fingerprints[0]?.value.length, 95);
    t.same(
      result.media.map(({ mid, agreed }) => {
        if (agreed === undefined) return { mid };
        const { codec, direction, sent, received, feedback, extensions, encodings } = agreed;
        const nack = feedback.includes('nack');
        return { mid, codec: codec.name, direction, sent, received, nack, extensions, encodings };
      }),
      [
        {
          mid: 'v',
          codec: 'vp8',
          direction: 'sendonly',
          sent: { payloadType: 100, rtxPayloadType: 101 },
          received: { payloadType: 100, rtxPayloadType: 101 },
          nack: true,
          extensions: { 'abs-send-time': 2, mid: 4 },
          encodings: [],
        },
        {
          mid: 'a',
          codec: 'opus',
          direction: 'sendonly',
          sent: { payloadType: 111, rtxPayloadType: undefined },
          received: { payloadType: 111, rtxPayloadType: undefined },
          nack: false,
          extensions: { mid: 4 },
          encodings: [],
        },
      ],
      browser,
    );
    t.ok(result.candidates.length >= 4);
    t.equal(result.endOfCandidates, browser === 'firefox');
  }
});

t.test('an m-line set inactive is accepted and sent nothing', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const { media } = negotiate(AV, fixture(`sdp/av-inactive.${browser}.answer.sdp`));

    t.match(media, [
      { mid: 'v', agreed: { direction: 'inactive' } },
      { mid: 'a', agreed: { direction: 'sendonly' } },
    ]);
  }
});

t.test('a rejected m-line disturbs no other', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const { media } = negotiate(ALL_VIDEO, fixture(`sdp/all-video.${browser}.answer.sdp`));

    t.same(
      media.map(({ agreed }) => agreed && [agreed.sent.payloadType, agreed.sent.rtxPayloadType]),
      [[101, 102], [98, 99], undefined, [96, 97]],
      browser,
    );
  }
  const { media } = negotiate(
    [{ mid: 'a', codec: codec('opus') }, H264],
    fixture('sdp/h264-and-opus.firefox.answer.sdp'),
  );
  t.match(media, [{ agreed: { direction: 'sendonly' } }, { agreed: undefined }]);
});

t.test('static payload types, H.264 by another profile text, and answers without rtx and extensions', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    t.same(
      negotiate(G711, fixture(`sdp/g711.${browser}.answer.sdp`)).media.map(({ agreed }) => agreed?.sent.payloadType),
      [0, 8, 9],
    );
    const plain: OfferMedia = { mid: 'v', codec: codec('vp8'), rtx: false, extensions: [] };
    t.match(negotiate([plain], fixture(`sdp/no-rtx.${browser}.answer.sdp`)).media, [
      { agreed: { sent: { rtxPayloadType: undefined }, feedback: ['ccm fir', 'nack'], extensions: {} } },
    ]);
  }
  t.match(negotiate([H264], fixture('sdp/h264-4de033.chromium.answer.sdp')).media, [
    { agreed: { sent: { payloadType: 126, rtxPayloadType: 127 } } },
  ]);
});

t.test('an answer before gathering has no candidates and no end of them', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const result = negotiate([{ mid: 'a', codec: codec('opus') }], fixture(`sdp/audio-trickle.${browser}.answer.sdp`));

    t.same(result.candidates, []);
    t.equal(result.endOfCandidates, false);
  }
});

const FIREFOX = fixture('sdp/av.firefox.answer.sdp');
const CHROMIUM = fixture('sdp/av.chromium.answer.sdp');

t.test('what clients may leave out or write elsewhere', async (t) => {
  const of = (sdp: string): Negotiated => negotiate(AV, sdp);

  t.equal(of(CHROMIUM.replaceAll('a=setup:active', 'a=setup:passive')).dtlsRole, 'client');
  t.equal(of(CHROMIUM.replaceAll('a=setup:active\r\n', '')).dtlsRole, 'server');
  t.match(of(CHROMIUM.replace('a=rtpmap:101 rtx/90000\r\n', '')).media, [
    { agreed: { sent: { rtxPayloadType: undefined } } },
  ]);
  t.match(of(CHROMIUM.replace('a=fmtp:101 apt=100', 'a=fmtp:101 apt=99')).media, [
    { agreed: { sent: { rtxPayloadType: undefined } } },
  ]);
  t.notOk(of(CHROMIUM.replace('a=rtcp-fb:100 nack\r\n', '')).media[0]?.agreed?.feedback.includes('nack'));
  t.strictSame(of(CHROMIUM.replace(/a=extmap:.*\r\n/g, '')).media[0]?.agreed?.extensions, {});
  // RFC 3264 section 6.1: an answer may number the same codec otherwise.
  const renumbered = CHROMIUM.replace('SAVPF 100 101', 'SAVPF 120 121')
    .replaceAll(/^a=(rtpmap|rtcp-fb|fmtp):100/gm, 'a=$1:120')
    .replaceAll(/^a=(rtpmap|rtcp-fb|fmtp):101 (rtx|apt=)/gm, 'a=$1:121 $2')
    .replace('apt=100', 'apt=120');
  t.match(of(renumbered).media, [
    {
      agreed: { sent: { payloadType: 120, rtxPayloadType: 121 }, received: { payloadType: 100, rtxPayloadType: 101 } },
    },
  ]);
  // Credentials at the session level, and the transport of the group's first mid.
  const session = FIREFOX.replace(/a=ice-(ufrag|pwd):.*\r\n/g, '').replace(
    'a=ice-options',
    'a=ice-ufrag:sess\r\na=ice-pwd:sessionsessionsession12\r\na=ice-options',
  );
  t.match(of(session), { ufrag: 'sess', pwd: 'sessionsessionsession12' });
  t.match(of(FIREFOX.replace('BUNDLE v a', 'BUNDLE a v').replace(/(m=audio[^]*?ice-ufrag:)\w+/, '$1second')), {
    ufrag: 'second',
  });
});

t.test('an answer that is of no use is refused, and the reason is in the text', async (t) => {
  const refused = (sdp: string, reason: RegExp, media = AV): void => {
    t.throws(() => negotiate(media, sdp), { name: 'RemoteError', code: 'HG_ERR_REMOTE_SDP', message: reason });
  };

  refused(CHROMIUM.replace(/a=fingerprint.*\r\n/g, ''), /m-line 0 \(v\) has no fingerprint/);
  refused(CHROMIUM.replaceAll('fingerprint:sha-256', 'fingerprint:sha-1'), /fingerprint of sha-1/);
  refused(CHROMIUM.replaceAll(/fingerprint:sha-256 ../g, 'fingerprint:sha-256 XX'), /not 32 bytes/);
  refused(CHROMIUM.replaceAll(/(fingerprint:sha-256 ..):../g, '$1'), /not 32 bytes/);
  refused(CHROMIUM.replace(/a=ice-ufrag.*\r\n/g, ''), /no ice-ufrag/);
  refused(CHROMIUM.replace(/a=ice-pwd.*\r\n/g, ''), /no ice-ufrag and ice-pwd/);
  refused(CHROMIUM.replaceAll(/a=ice-ufrag.*/g, 'a=ice-ufrag:a'), /ice-ufrag that is none/);
  refused(CHROMIUM.replaceAll(/a=ice-pwd.*/g, 'a=ice-pwd:short'), /ice-pwd that is none/);
  refused(CHROMIUM.replace(/a=rtcp-mux\r\n(?![^]*m=)/, ''), /m-line 1 \(a\) has no rtcp-mux/);
  refused(CHROMIUM.replace('BUNDLE v a', 'BUNDLE v'), /m-line 1 \(a\) is not in a BUNDLE group/);
  refused(CHROMIUM.replace(/a=group.*\r\n/, ''), /not in a BUNDLE group/);
  refused(CHROMIUM.replaceAll('setup:active', 'setup:actpass'), /setup:actpass/);
  refused(CHROMIUM.replace(/m=audio[^]*/, ''), /has 2 m-lines and the answer 1/);
  refused(CHROMIUM.replace('a=mid:a', 'a=mid:b'), /another mid/);
  refused(CHROMIUM.replace('m=audio', 'm=text'), /is of type text/);
  refused(CHROMIUM.replaceAll('VP8', 'VP9'), /none of the offered codecs/);
  refused(fixture('sdp/h264-42e01f.firefox.answer.sdp'), /rejects every m-line; offered were H264/, [H264]);
});

t.test('one hash that is known is enough', async (t) => {
  const { fingerprints } = negotiate(AV, CHROMIUM.replaceAll('a=fingerprint', 'a=fingerprint:md5 AB\r\na=fingerprint'));

  t.equal(fingerprints.length, 1);
  t.equal(fingerprints[0]?.algorithm, 'sha-256');
});
