import t from 'tap';
import { FullTrickle } from '../../../lib/session/full-trickle.js';

const HOST = 'candidate:1 1 udp 2015363327 192.0.2.2 41341 typ host';
const OTHER = 'candidate:2 1 udp 2015363583 2001:db8::2 41342 typ host';

/** A description with these m-lines, each with all candidates. */
function jsep(ufrag: string, mids: string[], ports: number[] = []): { type: 'answer'; sdp: string } {
  const media = mids.flatMap((mid, index) => {
    const transport = [`a=ice-ufrag:${ufrag}`, `a=${HOST}`, `a=${OTHER}`, 'a=end-of-candidates'];
    const port = ports[index] ?? 9;
    return [`m=audio ${String(port)} UDP/TLS/RTP/SAVPF 111`, `a=mid:${mid}`, ...(port === 0 ? [] : transport)];
  });
  return { type: 'answer', sdp: ['v=0', 's=-', ...media, ''].join('\r\n') };
}

t.test('candidates follow the description once, for all m-lines', async (t) => {
  const trickle = new FullTrickle();

  const { jsep: sent, candidates } = trickle.split(jsep('abcd', ['a', 'v']));

  t.equal(sent.type, 'answer');
  t.equal(
    sent.sdp,
    [
      'v=0',
      's=-',
      ...['a', 'v'].flatMap((mid) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111', `a=mid:${mid}`, 'a=ice-ufrag:abcd']),
    ]
      .concat('')
      .join('\r\n'),
  );
  t.same(candidates, [
    { sdpMid: 'a', sdpMLineIndex: 0, candidate: HOST },
    { sdpMid: 'a', sdpMLineIndex: 0, candidate: OTHER },
    { completed: true },
  ]);
});

t.test('a renegotiation has none, an ICE restart has its own', async (t) => {
  const trickle = new FullTrickle();
  trickle.split(jsep('abcd', ['a']));

  const again = trickle.split(jsep('abcd', ['a', 'v']));
  t.same(again.candidates, []);
  t.notMatch(again.jsep.sdp, /candidate/);
  t.equal(trickle.split(jsep('efgh', ['a'])).candidates.length, 3);
});

t.test('they belong to the first m-line that is not refused', async (t) => {
  const { candidates } = new FullTrickle().split(jsep('abcd', ['a', 'v'], [0]));

  t.match(candidates[0], { sdpMid: 'v', sdpMLineIndex: 1 });
});
