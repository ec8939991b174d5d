/**
 * Recorded descriptions, spoiled: whatever comes of them is a result or a
 * {@link RemoteError}, and what we answer can be read again.
 *
 * `HEADGATE_TEST_SDP_MINUTES=3` goes on that long with another seed each time.
 */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { RemoteError } from '../../../../lib/errors.js';
import { parseDescription } from '../../../../lib/peer/sdp/parse.js';
import { fixture } from '../../../support/fixtures.js';
import { randomOf } from '../../../support/random.js';
import { offersOf, playAnswer, playOffer } from './play.js';

const MINUTES = Number(process.env['HEADGATE_TEST_SDP_MINUTES'] ?? 0);
const ROUNDS = 4000;

type Random = ReturnType<typeof randomOf>;

/** What a description has in it, or could have. */
const NUMBERS = ['0', '-1', '1e3', '65536', '4294967296', '9007199254740993', '1'.repeat(400), 'NaN', '007', '0x10'];
const LINES = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'm=video 0 UDP/TLS/RTP/SAVPF 96 97',
  'm=audio 9 RTP/AVP 0 8',
  'm=text 1 x/y',
  'a=group:BUNDLE',
  'a=group:BUNDLE 0 __proto__ constructor',
  'a=mid:',
  'a=mid:__proto__',
  'a=rtpmap:96 __proto__/90000',
  'a=rtpmap:96 VP8/90000/',
  'a=rtpmap:0 VP8/90000',
  'a=fmtp:96',
  'a=fmtp:97 apt=97',
  'a=fmtp:111 111/111',
  'a=rtcp-fb:* nack',
  'a=extmap:1/inactive urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=simulcast:send a;b,c;~d recv e',
  'a=simulcast:recv 1',
  'a=rid:a send pt=96',
  'a=ssrc-group:SIM 1 2 3 4',
  'a=ssrc-group:FID 1',
  'a=ssrc:4294967295 cname:x',
  'a=ssrc:-1',
  'a=setup:holdconn',
  'a=setup:passive',
  'a=fingerprint:sha-256 00',
  'a=fingerprint:toString 00:11',
  'a=ice-ufrag:1234',
  'a=ice-pwd:0000000000000000000000',
  'a=ice-lite',
  'a=candidate:1 1 udp 1 ::1 9 typ host',
  'a=sctp-port:0',
  'a=sctpmap:5000 webrtc-datachannel 1024',
  'a=max-message-size:-5',
  'a=bundle-only',
  'a=rtcp-mux',
  'a=inactive',
  'a=extmap-allow-mixed',
  'c=IN IP4',
  'v=0',
];
const BYTES = ['\0', '\r', '\n', '\r\n', '\u2028', '\u{1f600}', '\ud800', ' ', ';', ':', '/', '%s', '\x7f', '=', '*'];

/** One change of many; each returns the lines as they are then. */
const CHANGES: ((lines: string[], random: Random) => void)[] = [
  (lines, random) => lines.splice(random(lines.length), 1 + random(4)),
  (lines, random) => {
    const at = random(lines.length);
    const some = lines.slice(at, at + 1 + random(8));
    for (let times = 1 + (random(20) === 0 ? random(300) : random(2)); times > 0; --times) lines.splice(at, 0, ...some);
  },
  (lines, random) => {
    const [a, b] = [random(lines.length), random(lines.length)];
    [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
  },
  (lines, random) => lines.splice(random(lines.length + 1), 0, LINES[random(LINES.length)] ?? ''),
  (lines, random) => edit(lines, random, (line) => line.replace(/-?\d+/, NUMBERS[random(NUMBERS.length)] ?? '')),
  (lines, random) => {
    const which = random(6);
    edit(lines, random, (line) => {
      let at = 0;
      return line.replace(/\d+/g, (number) => (at++ === which ? String(random(70_000)) : number));
    });
  },
  (lines, random) =>
    edit(lines, random, (line) => {
      const at = random(line.length + 1);
      return line.slice(0, at) + (BYTES[random(BYTES.length)] ?? '') + line.slice(at + random(3));
    }),
  (lines, random) =>
    edit(lines, random, (line) => {
      const at = random(line.length + 1);
      return line.slice(0, at) + String.fromCharCode(random(random(4) === 0 ? 0x10000 : 256)) + line.slice(at + 1);
    }),
  (lines, random) => edit(lines, random, (line) => line + 'x ;=1'.charAt(random(5)).repeat(random(5000))),
  (lines, random) => edit(lines, random, (line) => line.slice(0, random(line.length + 1))),
  (lines, random) => edit(lines, random, (line) => line.replace(/:.*/, ':' + String(random(100)))),
  (lines, random) => lines.splice(random(lines.length), lines.length),
];

function edit(lines: string[], random: Random, change: (line: string) => string): void {
  const at = random(lines.length);
  lines[at] = change(lines[at] ?? '');
}

function spoil(sdp: string, other: string, random: Random): string {
  const lines = sdp.split('\r\n');
  for (let count = 1 + random(6); count > 0 && lines.length > 0; --count)
    CHANGES[random(CHANGES.length)]?.(lines, random);
  // Half of one and half of another.
  if (random(12) === 0) lines.splice(random(lines.length + 1), lines.length, ...other.split('\r\n').slice(random(60)));
  return lines.join(random(30) === 0 ? '\n' : '\r\n');
}

const offers = offersOf();
const fixtures = readdirSync(new URL('../../../fixtures/sdp', import.meta.url))
  .filter((name) => name.endsWith('.sdp'))
  .map((name) => ({ name, sdp: fixture(`sdp/${name}`), offer: offers.get(name.split('.')[0] ?? '') }));

interface Outcome {
  taken: number;
  refused: number;
  slowest: number;
}

/** @throws with the seed, if something else came of it than may */
function play(seed: number, outcome: Outcome): void {
  const random = randomOf(seed);
  const { name, sdp, offer } = fixtures[random(fixtures.length)] ?? { name: '', sdp: '', offer: undefined };
  const spoiled = spoil(sdp, fixtures[random(fixtures.length)]?.sdp ?? '', random);
  const started = performance.now();
  try {
    if (name.includes('.answer.') && offer !== undefined) playAnswer(spoiled, offer);
    else playOffer(spoiled, random);
    outcome.taken++;
  } catch (error) {
    if (!(error instanceof RemoteError) || error.code !== 'HG_ERR_REMOTE_SDP') {
      throw new Error(`seed ${String(seed)} of ${name}: ${String(error)}\n${spoiled.slice(0, 4000)}`, { cause: error });
    }
    outcome.refused++;
  }
  outcome.slowest = Math.max(outcome.slowest, performance.now() - started);
}

t.test('each recorded answer is to an offer that is known here', async (t) => {
  for (const { name, sdp, offer } of fixtures) {
    if (name.includes('.answer.')) t.equal(offer?.media.length, parseDescription(sdp).media.length, name);
  }
});

t.test('whatever a stranger writes is taken or refused, at once', async (t) => {
  const outcome: Outcome = { taken: 0, refused: 0, slowest: 0 };

  for (let seed = 0; seed < ROUNDS; ++seed) play(seed, outcome);

  // Neither is the whole.
  t.ok(outcome.taken > ROUNDS / 10);
  t.ok(outcome.refused > ROUNDS / 10);
  // It takes a millisecond; machines may stand still for a while.
  t.ok(outcome.slowest < 5000);
  t.comment(JSON.stringify(outcome));
});

t.test('and so for longer', { skip: MINUTES > 0 ? false : 'HEADGATE_TEST_SDP_MINUTES is not set' }, async (t) => {
  t.setTimeout((MINUTES + 1) * 60_000);
  const outcome: Outcome = { taken: 0, refused: 0, slowest: 0 };
  const end = performance.now() + MINUTES * 60_000;
  const first = Date.now() % 2 ** 31;

  for (let seed = first; performance.now() < end; ++seed) play(seed, outcome);

  t.ok(outcome.slowest < 5000);
  t.comment(`from seed ${String(first)}: ${JSON.stringify(outcome)}`);
});
