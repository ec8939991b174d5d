import t from 'tap';
import {
  assignPayloadTypes,
  isUsablePayloadType,
  negotiateAnswer,
  offerMedia,
  type Negotiated,
  type OfferMedia,
} from '../../../../lib/peer/sdp/negotiate.js';
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
  return description(offerMedia(media, () => ({ ssrc: ++ssrc, rtxSsrc: ++ssrc })));
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
      result.media,
      [
        {
          mid: 'v',
          kind: 'video',
          accepted: true,
          sending: true,
          payloadType: 100,
          rtxPayloadType: 101,
          nack: true,
          extensions: { 'abs-send-time': 2, mid: 4 },
        },
        {
          mid: 'a',
          kind: 'audio',
          accepted: true,
          sending: true,
          payloadType: 111,
          rtxPayloadType: 0,
          nack: false,
          extensions: { mid: 4 },
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
      { mid: 'v', accepted: true, sending: false },
      { mid: 'a', accepted: true, sending: true },
    ]);
  }
});

t.test('a rejected m-line disturbs no other', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const { media } = negotiate(ALL_VIDEO, fixture(`sdp/all-video.${browser}.answer.sdp`));

    t.same(
      media.map(({ accepted, payloadType, rtxPayloadType }) => [accepted, payloadType, rtxPayloadType]),
      [
        [true, 101, 102],
        [true, 98, 99],
        [false, 0, 0],
        [true, 96, 97],
      ],
      browser,
    );
  }
  const { media } = negotiate(
    [{ mid: 'a', codec: codec('opus') }, H264],
    fixture('sdp/h264-and-opus.firefox.answer.sdp'),
  );
  t.match(media, [{ sending: true }, { accepted: false }]);
});

t.test('static payload types, H.264 by another profile text, and answers without rtx and extensions', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    t.same(
      negotiate(G711, fixture(`sdp/g711.${browser}.answer.sdp`)).media.map(({ payloadType }) => payloadType),
      [0, 8, 9],
    );
    const plain: OfferMedia = { mid: 'v', codec: codec('vp8'), rtx: false, extensions: [] };
    t.match(negotiate([plain], fixture(`sdp/no-rtx.${browser}.answer.sdp`)).media, [
      { rtxPayloadType: 0, nack: true, extensions: {} },
    ]);
  }
  t.match(negotiate([H264], fixture('sdp/h264-4de033.chromium.answer.sdp')).media, [
    { payloadType: 126, rtxPayloadType: 127, nack: true },
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
  t.match(of(CHROMIUM.replace('a=rtpmap:101 rtx/90000\r\n', '')).media, [{ rtxPayloadType: 0 }]);
  t.match(of(CHROMIUM.replace('a=fmtp:101 apt=100', 'a=fmtp:101 apt=99')).media, [{ rtxPayloadType: 0 }]);
  t.match(of(CHROMIUM.replace('a=rtcp-fb:100 nack\r\n', '')).media, [{ nack: false }]);
  t.strictSame(of(CHROMIUM.replace(/a=extmap:.*\r\n/g, '')).media[0]?.extensions, {});
  // RFC 3264 section 6.1: an answer may number the same codec otherwise.
  const renumbered = CHROMIUM.replace('SAVPF 100 101', 'SAVPF 120 121')
    .replaceAll(/^a=(rtpmap|rtcp-fb|fmtp):100/gm, 'a=$1:120')
    .replaceAll(/^a=(rtpmap|rtcp-fb|fmtp):101 (rtx|apt=)/gm, 'a=$1:121 $2')
    .replace('apt=100', 'apt=120');
  t.match(of(renumbered).media, [{ payloadType: 120, rtxPayloadType: 121 }]);
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

t.test('payload types: what was asked for, rtx above it, nothing twice', async (t) => {
  const line = (mid: string, name: string, payloadType?: number, fmtp?: string): OfferMedia => ({
    mid,
    codec: codec(name),
    payloadType,
    fmtp,
  });
  const numbers = (...media: OfferMedia[]) =>
    assignPayloadTypes(media).map(({ payloadType, rtxPayloadType }) => [payloadType, rtxPayloadType]);

  t.same(numbers(line('a', 'opus'), line('v', 'vp8')), [
    [111, undefined],
    [96, 97],
  ]);
  t.same(numbers(line('v', 'vp8', 110), line('a', 'opus', 111)), [
    [110, 112],
    [111, undefined],
  ]);
  // Two of a kind share their numbers; another codec gets others.
  t.same(numbers(line('v', 'vp8', 96), line('w', 'vp8', 96), line('x', 'h264', 96)), [
    [96, 97],
    [96, 97],
    [98, 99],
  ]);
  t.same(
    numbers(line('v', 'h264', 107, 'profile-level-id=42e01f'), line('w', 'h264', 107, 'profile-level-id=4d001f')),
    [
      [107, 108],
      [96, 97],
    ],
  );
  t.same(numbers(line('v', 'vp8', 127)), [[127, 96]]);
  t.same(
    assignPayloadTypes([line('v', 'vp8', 96), line('a', 'opus', 97)], [{ payloadType: 96, rtxPayloadType: 97 }]),
    [
      { payloadType: 96, rtxPayloadType: 97 },
      { payloadType: 98, rtxPayloadType: undefined },
    ],
    'an offer that follows another leaves its numbers alone',
  );
});

t.test('a thousand different m-lines are refused, not looped over', async (t) => {
  const media = Array.from({ length: 1000 }, (_, index): OfferMedia => ({
    mid: `v${String(index)}`,
    codec: codec('vp8'),
    fmtp: `x=${String(index)}`,
  }));

  t.throws(() => assignPayloadTypes(media), { code: 'HG_ERR_LIMIT' });
});

t.test('which payload types browsers take', async (t) => {
  const usable = (payloadType: number, name: string): boolean => isUsablePayloadType(payloadType, codec(name));

  t.same(
    [96, 127, 35, 63].map((number) => usable(number, 'vp8')),
    [true, true, true, true],
  );
  t.same(
    [0, 26, 34, 64, 72, 95, 128, -1].map((number) => usable(number, 'vp8')),
    Array(8).fill(false),
  );
  t.same([usable(0, 'pcmu'), usable(8, 'pcma'), usable(8, 'pcmu')], [true, true, false]);
});
