import t from 'tap';
import { CODECS, findCodec, findCodecByRtpmap, parseFmtp, rtpmapOf } from '../../../../lib/peer/codecs/index.js';
import { codec } from '../../../support/fixtures.js';

t.test('a codec is found by name whatever its case, and by rtpmap', async (t) => {
  t.equal(findCodec('VP8')?.name, 'vp8');
  t.equal(findCodec('theora'), undefined);
  t.equal(findCodec('constructor'), undefined);
  t.equal(findCodecByRtpmap('opus/48000/2')?.name, 'opus');
  t.equal(findCodecByRtpmap('vp8/90000')?.name, 'vp8');
  t.equal(findCodecByRtpmap('PCMA/8000/1')?.name, 'pcma');
  t.equal(findCodecByRtpmap('opus/16000/2'), undefined);
  t.equal(findCodecByRtpmap('bogus'), undefined);
  t.equal(findCodecByRtpmap('L16/48000')?.name, 'l16-48');
});

t.test('names and default payload types are what the wire protocol has', async (t) => {
  t.same(
    CODECS.map(({ name, payloadType }) => `${name} ${String(payloadType)}`),
    [
      'opus 111',
      'multiopus 111',
      'pcmu 0',
      'pcma 8',
      'g722 9',
      'l16 105',
      'l16-48 106',
      'isac16 103',
      'isac32 104',
      'vp8 96',
      'vp9 101',
      'h264 107',
      'h265 100',
      'av1 98',
    ],
  );
  t.same(CODECS.map(rtpmapOf).slice(0, 6), [
    'opus/48000/2',
    'multiopus/48000/6',
    'PCMU/8000',
    'PCMA/8000',
    'G722/8000',
    'L16/16000',
  ]);
});

t.test('fmtp is taken apart', async (t) => {
  t.same(
    [...parseFmtp(' Profile-Level-Id=42e01f ; packetization-mode=1;;flag')],
    [
      ['profile-level-id', '42e01f'],
      ['packetization-mode', '1'],
      ['flag', ''],
    ],
  );
});

t.test('H.264: what browsers take goes by without a word, the rest with one', async (t) => {
  const check = (fmtp?: string) => codec('h264').checkFmtp?.(fmtp) ?? { warnings: [] };
  const warned = (profile: string): number => check(`profile-level-id=${profile};packetization-mode=1`).warnings.length;

  for (const profile of ['42e01f', '42E01F', '42001f', '42c033', '4de033', '4d801f', '58c01f']) {
    t.equal(warned(profile), 0, profile);
  }
  for (const profile of ['4d0033', '4d001f', '64001f', '640c1f', '58801f', '42', 'zzzzzz']) {
    t.equal(warned(profile), 1, profile);
  }
  t.match(check('profile-level-id=4d0033'), {
    fmtp: 'profile-level-id=4d0033',
    warnings: [/Firefox will not play it/],
  });
  t.match(check('profile-level-id=64001f'), { warnings: [/Firefox and some builds of Chromium/] });
  t.match(check(), {
    fmtp: 'profile-level-id=42e01f;packetization-mode=1',
    warnings: [/no fmtp was given/],
  });
  t.match(check('packetization-mode=1; '), {
    fmtp: 'packetization-mode=1;profile-level-id=42e01f',
    warnings: [/no profile-level-id/],
  });
});
