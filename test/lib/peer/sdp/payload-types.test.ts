import t from 'tap';
import type { OfferMedia } from '../../../../lib/peer/sdp/offer.js';
import { assignPayloadTypes, isUsablePayloadType } from '../../../../lib/peer/sdp/payload-types.js';
import { codec } from '../../../support/fixtures.js';

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
