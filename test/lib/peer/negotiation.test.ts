import t from 'tap';
import type { AnswerOptions, OfferMedia } from '../../../lib/peer/peer.js';
import { link } from '../../../lib/routing/link.js';
import { codec, fixture } from '../../support/fixtures.js';
import { answerTo, MediaBench, turn } from '../../support/media-bench.js';

const PUBLISHED = fixture('sdp/publish-av-data.chromium.offer.sdp');
const ECHO: AnswerOptions = { wishFor: () => ({}), data: true };
const VIDEO: OfferMedia = { mid: 'v', codec: codec('vp8') };

function called() {
  const bench = new MediaBench();
  const peer = bench.peers.createPeer({ offering: false });
  const native = bench.engine.peers[0];
  if (native === undefined) throw new Error('no native peer');
  return { bench, peer, native };
}

/** The same description with another m-line in the place of one. */
function recycled(sdp: string, mid: string, now: string): string {
  return sdp
    .replace(new RegExp(`^a=mid:${mid}\\r`, 'm'), `a=mid:${now}\r`)
    .replace(/^(a=group:BUNDLE.*)$/m, (group) => group.replace(new RegExp(` ${mid}\\b`), ` ${now}`));
}

/** The same description without an m-line. */
function stopped(sdp: string, mid: string): string {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => (section.includes(`a=mid:${mid}\r`) ? section.replace(/^(m=\w+) \d+/, '$1 0') : section))
    .join('')
    .replace(/^(a=group:BUNDLE.*)$/m, (group) => group.replace(new RegExp(` ${mid}\\b`), ''));
}

t.test('an m-line that a client recycles is another track, and takes no more room', async (t) => {
  const { bench, peer, native } = called();
  await peer.createAnswer(PUBLISHED, ECHO);
  const source = bench.sources.createSource({ codec: codec('vp8'), port: 5004 });
  let sdp = PUBLISHED;
  let mid = '1';
  for (let round = 0; round < 20; ++round) {
    const before = { out: peer.track(mid), in: peer.incomingTrack(mid) };
    const made = before.out && link(source, before.out);
    await peer.createAnswer(stopped(sdp, mid), ECHO);
    t.equal(before.in?.closed, true);
    const next = `n${String(round)}`;
    sdp = recycled(sdp, mid, next);
    await peer.createAnswer(sdp, ECHO);

    t.equal(before.out?.closed, true);
    t.equal(made?.closed, true);
    t.not(peer.track(next)?.ssrc, before.out?.ssrc);
    t.equal(peer.track(mid), undefined);
    t.equal(peer.incomingTrack(next)?.closed, false);
    mid = next;
  }

  t.equal(native.tracks.length, 2);
  t.match(native.tracks[1], { mid, ssrc: peer.track(mid)?.ssrc, source: null });
  t.equal([...peer.incoming].length, 2);
});

t.test('m-lines that move, change their kind or go missing are refused, and nothing changes', async (t) => {
  const { peer, native } = called();
  await peer.createAnswer(PUBLISHED, ECHO);
  const incoming = native.incoming;
  const refused = async (sdp: string, message: RegExp): Promise<void> => {
    await t.rejects(peer.createAnswer(sdp, ECHO), { code: 'HG_ERR_REMOTE_SDP', message });
  };

  await refused(PUBLISHED.replace(/m=application[^]*/, ''), /it has 2 m-lines, and there are 3 already/);
  await refused(recycled(PUBLISHED, '1', 'x'), /m-line 1 \(x\) has another mid than before, 1/);
  await refused(PUBLISHED.replace('m=video', 'm=audio'), /m-line 1 \(1\) is of type audio, and was video before/);

  t.equal(native.incoming, incoming);
  t.equal(peer.incomingTrack('1')?.closed, false);
});

t.test('another codec on the same m-line is another track with another SSRC', async (t) => {
  const { peer, native } = called();
  await peer.createAnswer(PUBLISHED, ECHO);
  const before = peer.track('1');

  const answer = await peer.createAnswer(PUBLISHED, { ...ECHO, wishFor: () => ({ codecs: ['opus', 'vp9'] }) });

  const now = peer.track('1');
  t.equal(now?.codec.name, 'vp9');
  t.equal(before?.closed, true);
  t.match(answer, new RegExp(`a=ssrc:${String(now?.ssrc)} `));
  t.match(native.tracks[1], { ssrc: now?.ssrc, payloadType: 98 });
  t.equal(native.tracks.length, 2);
});

t.test('other numbers for the same codec leave the track and its link', async (t) => {
  const { bench, peer, native } = called();
  await peer.createAnswer(PUBLISHED, ECHO);
  const track = peer.track('1');
  const { payloadType } = native.tracks[1] ?? {};
  const source = bench.sources.createSource({ codec: codec('vp8'), port: 5004 });
  const made = track && link(source, track);
  const other = PUBLISHED.replaceAll(new RegExp(`^(a=\\w+(?:-fb)?:)${String(payloadType)} `, 'gm'), '$160 ')
    .replace(new RegExp(`^(m=video .*) ${String(payloadType)} `, 'm'), '$1 60 ')
    .replace(`apt=${String(payloadType)}\r`, 'apt=60\r');

  await peer.createAnswer(other, ECHO);

  t.equal(peer.track('1'), track);
  t.equal(made?.closed, false);
  t.match(native.tracks[1], { payloadType: 60, ssrc: track?.ssrc, source: bench.engine.sources.at(-1) });
  t.match(native.incoming?.tracks[1], { payloadTypes: [60] });
});

t.test('an offer of ours may follow an answer of ours', async (t) => {
  const { peer, native } = called();
  await peer.createAnswer(PUBLISHED, { wishFor: ({ type }) => (type === 'video' ? {} : undefined) });
  const received = peer.incomingTrack('1');

  await t.rejects(peer.createOffer({ sessionName: 'x', media: [VIDEO] }), { code: 'HG_ERR_OPTION' });
  const offer = await peer.createOffer({
    sessionName: 'x',
    media: [
      { mid: 'n', codec: codec('opus') },
      { mid: '1', codec: codec('vp8'), direction: 'sendrecv' },
      { mid: '2', stopped: true },
      VIDEO,
    ],
  });
  t.equal(peer.state, 'have-local-offer');
  t.match(offer, /^m=application 0 /m);
  peer.setAnswer(
    answerTo(offer)
      .replaceAll('ufrag:client', `ufrag:${native.remote?.ufrag ?? ''}`)
      .replaceAll(/ice-pwd:.*/g, `ice-pwd:${native.remote?.pwd ?? ''}`)
      .replaceAll(/fingerprint:.*/g, `fingerprint:sha-256 ${native.remote?.fingerprints[0]?.value ?? ''}`)
      .replaceAll('setup:active', 'setup:passive'),
  );

  t.equal(peer.state, 'stable');
  t.same(
    native.tracks.map(({ mid }) => mid),
    ['1', 'n', 'v'],
  );
  t.equal(peer.incomingTrack('1'), received, 'what was received goes on');
  t.equal(received?.closed, false);
});

t.test('what an answer says it sends is received', async (t) => {
  const bench = new MediaBench();
  const peer = bench.peers.createPeer();
  const native = bench.engine.peers[0];
  const offer = await peer.createOffer({ sessionName: 'x', media: [{ ...VIDEO, direction: 'recvonly' }] });
  t.match(offer, /^a=recvonly\r$/m);
  const heard: string[] = [];
  peer.on('track', ({ mid }) => heard.push(mid));

  peer.setAnswer(`${answerTo(offer)}a=ssrc:4711 cname:x\r\n`);
  await turn();

  t.same(heard, ['v']);
  t.match(native?.incoming, { tracks: [{ mid: 'v', payloadTypes: [96], nack: true, encodings: [{ ssrc: 4711 }] }] });
  t.same(native?.tracks, [], 'nothing is sent');
});
