import t from 'tap';
import { parse } from 'sdp-transform';

import { readEncodings } from '../../../../lib/peer/sdp/encodings.js';

function encodings(...lines: string[]) {
  const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=video 9 UDP/TLS/RTP/SAVPF 96 97', ...lines];
  const [media] = parse(sdp.join('\r\n') + '\r\n').media;
  if (media === undefined) throw new Error('no m-line');
  return readEncodings(media).map(({ rid, ssrc, rtxSsrc }) => [rid, ssrc, rtxSsrc]);
}

t.test('one stream, with and without a retransmission stream', (t) => {
  t.same(encodings('a=ssrc-group:FID 10 11', 'a=ssrc:10 cname:x', 'a=ssrc:11 cname:x'), [[undefined, 10, 11]]);
  t.same(encodings('a=ssrc:10 cname:x'), [[undefined, 10, undefined]]);
  t.same(encodings(), [[undefined, undefined, undefined]], 'an SSRC need not be said');
  t.end();
});

t.test('simulcast by SSRC group', (t) => {
  const lines = ['a=ssrc-group:SIM 10 20 30', 'a=ssrc-group:FID 10 11', 'a=ssrc-group:FID 20 21', 'a=ssrc:10 cname:x'];

  t.same(encodings(...lines), [
    [undefined, 10, 11],
    [undefined, 20, 21],
    [undefined, 30, undefined],
  ]);
  t.end();
});

t.test('simulcast by rid, as browsers write it now and wrote it once', (t) => {
  const rids = ['a=rid:h send', 'a=rid:m send', 'a=rid:l send'];
  const all = ['h', 'm', 'l'].map((rid) => [rid, undefined, undefined]);

  t.same(encodings(...rids, 'a=simulcast:send h;m;l'), all);
  t.same(encodings(...rids, 'a=simulcast:recv x send h;m;l'), all);
  t.same(encodings(...rids, 'a=simulcast: send rid=h;m;l'), all);
  t.same(encodings(...rids, 'a=simulcast:send h;~m;l'), all, 'one that is paused at first');
  t.same(encodings(...rids, 'a=simulcast:send h,m;l'), [all[0], all[2]], 'of alternatives the first');
  t.end();
});

t.test('the SSRCs beside rids say nothing: the packets do', (t) => {
  const lines = ['a=rid:h send', 'a=rid:l send', 'a=simulcast:send h;l', 'a=ssrc-group:FID 10 11', 'a=ssrc:10 cname:x'];

  t.same(encodings(...lines), [
    ['h', undefined, undefined],
    ['l', undefined, undefined],
  ]);
  t.end();
});

t.test('what is no rid of a sent stream is left out', (t) => {
  const rids = ['a=rid:h send', 'a=rid:r recv', 'a=rid:17 send'];

  t.same(encodings(...rids, 'a=simulcast:send h;r;nobody;17'), [
    ['h', undefined, undefined],
    ['17', undefined, undefined],
  ]);
  t.same(encodings(...rids, 'a=simulcast:send 17'), [['17', undefined, undefined]]);
  t.same(encodings(...rids, 'a=simulcast:recv h', 'a=ssrc:10 cname:x'), [[undefined, 10, undefined]]);
  t.end();
});

t.test('never more than three, whatever is announced', (t) => {
  const names = Array.from({ length: 50 }, (_, index) => `r${String(index)}`);
  const numbers = names.map((_, index) => String(index + 1));

  t.equal(encodings(...names.map((rid) => `a=rid:${rid} send`), `a=simulcast:send ${names.join(';')}`).length, 3);
  t.equal(encodings(`a=ssrc-group:SIM ${numbers.join(' ')}`).length, 3);
  t.same(encodings('a=ssrc-group:SIM 1 2', 'a=ssrc-group:SIM 3 4', 'a=ssrc:9 cname:x'), [[undefined, 9, undefined]]);
  t.same(encodings('a=ssrc-group:SIM x 0 4294967296', 'a=ssrc:0 cname:x'), [[undefined, undefined, undefined]]);
  t.end();
});
