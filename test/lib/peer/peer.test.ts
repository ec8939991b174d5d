import t from 'tap';
import type { HangupReason, IncomingTrack, Peer } from '../../../lib/peer/peer.js';
import { Peers } from '../../../lib/peer/peers.js';
import { link } from '../../../lib/routing/link.js';
import { codec, fixture } from '../../support/fixtures.js';
import { answerTo, MediaBench, turn } from '../../support/media-bench.js';
import { STUB_FINGERPRINT } from '../../support/native-stub.js';

const MEDIA = [
  { mid: 'v', codec: codec('vp8'), payloadType: 100 },
  { mid: 'a', codec: codec('opus') },
];

async function offered(bench = new MediaBench()) {
  const peer = bench.peers.createPeer();
  const sdp = await peer.createOffer({ sessionName: 'x', media: MEDIA });
  const native = bench.engine.peers[0] ?? t.bailout('no native peer');
  return { bench, peer, sdp, native: native as Exclude<typeof native, void> };
}

t.test('an offer has the credentials and candidates that were gathered', async (t) => {
  const { peer, sdp } = await offered();

  t.match(sdp, /^a=ice-ufrag:uF0a\r$/m);
  t.match(sdp, new RegExp(`^a=fingerprint:sha-256 ${STUB_FINGERPRINT}\\r$`, 'm'));
  t.match(sdp, /^o=- \d{16} 1 IN IP4 192\.0\.2\.7\r$/m);
  t.equal(sdp.match(/^a=candidate:/gm)?.length, 4, 'both on both m-lines');
  t.equal(peer.state, 'have-local-offer');
});

t.test('SSRCs are 32 bits, not zero, and each another', async (t) => {
  const bench = new MediaBench();
  const peers = Array.from({ length: 50 }, () => bench.peers.createPeer());
  const offers = await Promise.all(peers.map((peer) => peer.createOffer({ sessionName: 'x', media: MEDIA })));

  const ssrcs = offers.flatMap((sdp) => [...sdp.matchAll(/^a=ssrc:(\d+) /gm)].map((match) => Number(match[1])));
  t.equal(new Set(ssrcs).size, 150);
  t.ok(ssrcs.every((ssrc) => Number.isInteger(ssrc) && ssrc > 0 && ssrc < 2 ** 32));
  t.match(offers[0], /a=ssrc-group:FID (\d+) (\d+)\r\na=msid:janus janusv\r\na=ssrc:\1 cname:janus\r\na=ssrc:\2 /);
});

t.test('what was negotiated goes to the native side', async (t) => {
  const { bench, peer, native } = await offered();
  const source = bench.sources.createSource({ codec: codec('vp8'), port: 5004 });
  const track = peer.track('v') ?? t.bailout('no track');
  link(source, track as Exclude<typeof track, void>);

  peer.setAnswer(fixture('sdp/av.firefox.answer.sdp'));

  t.equal(peer.state, 'stable');
  t.match(native.remote, { ufrag: '73c4adbc', dtlsRole: 'server', fingerprints: [{ algorithm: 'sha-256' }] });
  t.strictSame(Object.keys(native.remote ?? {}), ['ufrag', 'pwd', 'dtlsRole', 'fingerprints', 'media']);
  t.equal(native.candidates.length, 4);
  t.equal(native.ended, true);
  const [video, audio] = native.tracks;
  t.match(video, {
    mid: 'v',
    kind: 'video',
    ssrc: peer.track('v')?.ssrc,
    payloadType: 100,
    clockRate: 90000,
    rtxSsrc: peer.track('v')?.rtxSsrc,
    rtxPayloadType: 101,
    nack: true,
    extensions: { mid: 4, absSendTime: 2, transportWideCc: 0, playoutDelay: 0 },
  });
  t.equal(video?.source, bench.engine.sources[0], 'a link made before the answer takes effect with it');
  t.match(audio, { mid: 'a', rtxSsrc: 0, rtxPayloadType: 0, clockRate: 48000, nack: false, source: null });
});

t.test('an m-line that is not wanted gets no native track', async (t) => {
  const { bench, peer, native } = await offered();

  peer.setAnswer(fixture('sdp/av-inactive.chromium.answer.sdp'));

  t.same(
    native.tracks.map(({ mid }) => mid),
    ['a'],
  );
  t.equal(peer.track('v')?.accepted, false);
  t.equal(peer.track('a')?.index, 0);
  const source = bench.sources.createSource({ codec: codec('vp8'), port: 5004 });
  link(source, peer.track('v') as never);
  t.same(native.tracks[0]?.source, null);
});

t.test('a bad answer changes nothing, and a good one may follow', async (t) => {
  const { peer, sdp, native } = await offered();

  t.throws(() => peer.setAnswer('garbage'), { code: 'HG_ERR_REMOTE_SDP' });
  t.throws(() => peer.setAnswer(answerTo(sdp).replace(/a=fingerprint.*\r\n/, '')), { code: 'HG_ERR_REMOTE_SDP' });
  t.equal(peer.state, 'have-local-offer');
  t.equal(native.remote, null);
  peer.setAnswer(answerTo(sdp));

  t.equal(peer.state, 'stable');
});

t.test('answers and offers that nobody waits for are refused', async (t) => {
  const { peer, sdp, bench } = await offered();

  await t.rejects(peer.createOffer({ sessionName: 'x', media: MEDIA }), { code: 'HG_ERR_STATE' });
  peer.setAnswer(answerTo(sdp));
  t.throws(() => peer.setAnswer(answerTo(sdp)), { code: 'HG_ERR_STATE' });
  t.throws(() => bench.peers.createPeer().setAnswer(answerTo(sdp)), { code: 'HG_ERR_STATE' });
});

t.test('an offer needs m-lines with mids that can be sent', async (t) => {
  const peer = new MediaBench().peers.createPeer();
  const line = (mid: string) => ({ mid, codec: codec('opus') });

  for (const media of [[], [line('')], [line('a b')], [line('x'.repeat(17))], [line('ä')], [line('a'), line('a')]]) {
    await t.rejects(peer.createOffer({ sessionName: 'x', media }), { code: 'HG_ERR_OPTION' });
  }
  t.equal(peer.state, 'new');
  await t.resolves(peer.createOffer({ sessionName: 'x', media: [line('x'.repeat(16))] }));
});

t.test('candidates may come before the answer, one after the other, in the ways of browsers', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const bench = new MediaBench();
    const peer = bench.peers.createPeer();
    await peer.createOffer({ sessionName: 'x', media: [{ mid: 'a', codec: codec('opus') }] });
    const native = bench.engine.peers[0];
    const candidates = JSON.parse(fixture(`sdp/audio-trickle.${browser}.candidates.json`)) as ({
      candidate: string;
      sdpMid: string;
    } | null)[];

    for (const candidate of candidates) {
      if (candidate) peer.addCandidate(candidate);
      else peer.endOfCandidates();
    }
    t.same(native?.candidates, [], 'nothing goes down before the answer');
    peer.setAnswer(fixture(`sdp/audio-trickle.${browser}.answer.sdp`));

    t.same(
      native?.candidates,
      candidates.flatMap((one) => one?.candidate || []),
    );
    t.equal(native?.ended, !candidates.at(-1)?.candidate);
  }
});

t.test('candidates after the answer go on at once; what is none is ignored', async (t) => {
  const { peer, sdp, native } = await offered();
  peer.setAnswer(answerTo(sdp));

  peer.addCandidate({ candidate: 'a=candidate:1 1 udp 1 192.0.2.9 1 typ host' });
  peer.addCandidate({ candidate: 'candidate:1 2 udp 1 192.0.2.9 2 typ host' });
  peer.addCandidate({ candidate: 'garbage' });
  peer.addCandidate({ candidate: `candidate:1 1 udp 1 ${'x'.repeat(2000)}` });
  t.same(native.candidates, ['candidate:1 1 udp 1 192.0.2.9 1 typ host']);
  t.equal(native.ended, false);
  peer.addCandidate({ candidate: '' });

  t.equal(native.ended, true);
});

t.test('candidates that wait are bounded', async (t) => {
  const { peer, sdp, native } = await offered();

  for (let count = 0; count < 5000; count++)
    peer.addCandidate({ candidate: `candidate:${String(count)} 1 udp 1 192.0.2.9 9 typ host` });
  peer.setAnswer(answerTo(sdp));

  t.equal(native.candidates.length, 256);
});

t.test('up, ice and slowlink are told, and closing is the end', async (t) => {
  const { peer, sdp, native, bench } = await offered();
  const heard: unknown[] = [];
  peer.on('negotiated', () => heard.push('negotiated'));
  peer.on('ice', (event) => heard.push(event));
  peer.on('up', () => heard.push('up'));
  peer.on('slowlink', (event) => heard.push(event));
  peer.on('close', (event) => heard.push(event));
  peer.setAnswer(answerTo(sdp));

  native.connect();
  bench.engine.post({ type: 'slowlink', peer: peer.id, mid: 'a', uplink: true, lost: 7 });
  bench.engine.post({ type: 'slowlink', peer: peer.id, mid: 'a', uplink: false, lost: 7 });
  await turn();
  t.equal(peer.state, 'connected');
  peer.close('Close PC');
  peer.close('Janus API');
  t.equal(peer.state, 'closed');
  t.equal(peer.track('v')?.closed, true);
  await turn();

  t.same(heard, [
    'negotiated',
    { state: 'connected' },
    'up',
    { mid: 'a', media: 'audio', uplink: true, lost: 7 },
    { reason: 'Close PC' },
  ]);
  t.equal(bench.peers.size, 0);
});

t.test('ICE that fails is told each time, or ends the peer at once if that is asked for', async (t) => {
  for (const [wish, ofPeer] of [
    [{}, {}],
    [{ hangupOnFailed: true }, {}],
    [{}, { hangupOnFailed: true }],
    [{ hangupOnFailed: true }, { hangupOnFailed: false }],
  ]) {
    const bench = new MediaBench();
    const peers = new Peers(bench.engine, bench.logger, bench.captures, wish);
    const peer = peers.createPeer(ofPeer);
    const heard: unknown[] = [];
    peer.on('icefailed', () => heard.push('failed'));
    peer.on('closing', () => heard.push('closing'));

    for (const state of ['checking', 'connected', 'disconnected', 'connected', 'disconnected', 'failed'] as const) {
      peer.handleNativeEvent({ type: 'ice', peer: peer.id, state });
    }

    const ends = Boolean({ hangupOnFailed: false, ...wish, ...ofPeer }.hangupOnFailed);
    t.same(heard, ends ? ['closing'] : ['failed', 'failed', 'failed']);
    peer.handleNativeEvent({ type: 'closed', peer: peer.id, reason: 'api', detail: '' });
    if (ends) t.equal(peer.state, 'closed');
  }
});

t.test('a peer that ends at once says why', async (t) => {
  const peer = new MediaBench().peers.createPeer({ hangupOnFailed: true });
  const closed = new Promise((resolve) => peer.once('close', resolve));

  peer.handleNativeEvent({ type: 'ice', peer: peer.id, state: 'failed' });

  t.same(await closed, { reason: 'ICE failed' });
});

t.test('of a simulcast each stream is told of, the lowest quality is 0', async (t) => {
  const bench = new MediaBench();
  const peer = bench.peers.createPeer({ offering: false });
  const heard: unknown[] = [];
  peer.on('media', (state) => heard.push(state));
  const offer = fixture('sdp/publish-simulcast.chromium.offer.sdp');
  await peer.createAnswer(offer, { wishFor: () => ({ direction: 'recvonly' }) });
  const track = [...peer.incoming].find(({ encodings }) => encodings.length > 1) ?? t.bailout('no simulcast');
  const { mid, encodings, stats } = track as IncomingTrack;
  const audio = [...peer.incoming].find(({ kind }) => kind === 'audio');
  const lives: string[] = [];
  (track as IncomingTrack).on('live', () => lives.push('live')).on('stalled', () => lives.push('stalled'));
  t.same(
    stats.call(track).map(({ rid }) => rid),
    ['l', 'm', 'h'],
  );
  const say = (source: number | undefined, receiving: boolean): void =>
    void bench.peers.handleNativeEvent({ type: 'source-receiving', source: source ?? 0, receiving });

  say(encodings[2]?.id, true);
  say(encodings[0]?.id, true);
  say(encodings[2]?.id, false);
  say(encodings[0]?.id, false);
  say(audio?.encodings[0]?.id, true);

  t.same(heard, [
    { mid, type: 'video', substream: 2, receiving: true },
    { mid, type: 'video', substream: 0, receiving: true },
    { mid, type: 'video', substream: 2, receiving: false, seconds: 1 },
    { mid, type: 'video', substream: 0, receiving: false, seconds: 1 },
    { mid: audio?.mid, type: 'audio', receiving: true },
  ]);
  t.same(lives, ['live', 'stalled']);
});

t.test('the other side may end it, and the reason says how', async (t) => {
  const reasons: [Parameters<NonNullable<Awaited<ReturnType<typeof offered>>>['native']['end']>[0], HangupReason][] = [
    ['dtls-alert', 'DTLS alert'],
    ['dtls-error', 'DTLS error'],
    ['dtls-timeout', 'DTLS timeout'],
    ['ice-failed', 'ICE failed'],
    ['gathering-error', 'Gathering error'],
  ];
  for (const [native, expected] of reasons) {
    const { peer, native: stub } = await offered();
    let heard: unknown;
    peer.once('close', ({ reason }) => (heard = reason));

    stub.end(native, 'because');
    await turn();

    t.equal(heard, expected);
    t.equal(peer.closed, true);
  }
});

t.test('after the end every call but close says so', async (t) => {
  const { peer, sdp } = await offered();
  peer.close('Detach');

  t.throws(() => peer.setAnswer(answerTo(sdp)), { code: 'HG_ERR_CLOSED' });
  t.throws(() => peer.stats(), { code: 'HG_ERR_CLOSED' });
  await t.rejects(peer.createOffer({ sessionName: 'x', media: MEDIA }), { code: 'HG_ERR_CLOSED' });
  t.doesNotThrow(() => peer.addCandidate({ candidate: 'candidate:1 1 udp 1 192.0.2.9 1 typ host' }));
  t.doesNotThrow(() => peer.endOfCandidates());
});

t.test('an offer that waits for candidates ends with the peer', async (t) => {
  const bench = new MediaBench();
  bench.engine.gathers = false;
  for (const end of [(peer: Peer) => peer.close('Detach'), () => bench.engine.peers.at(-1)?.end('gathering-error')]) {
    const peer = bench.peers.createPeer();
    const offer = peer.createOffer({ sessionName: 'x', media: MEDIA });
    end(peer);

    await t.rejects(offer, { code: 'HG_ERR_CLOSED' });
  }
});

t.test('a peer that the native side closed a moment ago is closed, not broken', async (t) => {
  const { peer, sdp, native } = await offered();
  // The event is on its way still.
  native.closed = true;

  t.throws(() => peer.setAnswer(answerTo(sdp)), { code: 'HG_ERR_CLOSED' });
  t.throws(() => peer.stats(), { code: 'HG_ERR_CLOSED' });
});

t.test('another offer keeps SSRCs and numbers, and its answer must be of the same transport', async (t) => {
  const { peer, sdp, native } = await offered();
  peer.setAnswer(answerTo(sdp));
  native.connect();
  await turn();

  await t.rejects(peer.createOffer({ sessionName: 'x', media: MEDIA.slice(1) }), { code: 'HG_ERR_OPTION' });
  const again = await peer.createOffer({
    sessionName: 'x',
    media: [...MEDIA, { mid: 'w', codec: codec('vp9'), payloadType: 101 }],
  });
  t.match(again, /^o=- \d+ 2 /m);
  t.same(again.match(/^a=ssrc:.*/gm)?.slice(0, 3), sdp.match(/^a=ssrc:.*/gm));
  t.match(again, /m=video 9 UDP\/TLS\/RTP\/SAVPF 100 101\r/, 'the first rtx keeps its number');
  t.throws(() => peer.setAnswer(answerTo(again).replaceAll('ufrag:client', 'ufrag:other')), {
    code: 'HG_ERR_REMOTE_SDP',
  });
  peer.setAnswer(answerTo(again).replace('a=recvonly', 'a=inactive'));

  t.equal(peer.state, 'connected');
  t.same(
    native.tracks.map(({ mid, paused }) => [mid, paused]),
    [
      ['v', true],
      ['a', false],
      ['w', false],
    ],
  );
});

t.test('statistics name tracks by mid', async (t) => {
  const { peer, sdp, native } = await offered();
  t.same(peer.stats().tracks, []);
  peer.setAnswer(answerTo(sdp));
  native.connect();
  await turn();

  const stats = peer.stats();

  t.match(stats, { state: 'connected', srtpProfile: 'AEAD_AES_128_GCM' });
  t.match(stats.tracks, [
    { mid: 'v', kind: 'video', codec: 'vp8', payloadType: 100, paused: false },
    { mid: 'a', kind: 'audio', codec: 'opus', payloadType: 111 },
  ]);
});

t.test('an engine that closed ends all its peers', async (t) => {
  const { peer, bench } = await offered();
  bench.engine.close();

  bench.peers.engineClosed();

  t.equal(peer.closed, true);
  t.equal(bench.peers.size, 0);
});
