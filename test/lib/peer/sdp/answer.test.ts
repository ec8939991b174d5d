import t from 'tap';
import { answerLines, answerOffer, type AnswerWish } from '../../../../lib/peer/sdp/answer.js';
import { parseDescription } from '../../../../lib/peer/sdp/parse.js';
import { writeDescription } from '../../../../lib/peer/sdp/write.js';
import { description, fixture } from '../../../support/fixtures.js';

function answer(sdp: string, wish: AnswerWish | undefined = {}) {
  return answerOffer(parseDescription(sdp), () => wish);
}

function published(name: string, wish?: AnswerWish) {
  return answer(fixture(`sdp/publish-${name}.offer.sdp`), wish);
}

t.test('what browsers publish is taken: one codec for each m-line', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const { media, dtlsRole, fingerprints } = published(`av-data.${browser}`);
    const [audio, video, data] = media;

    t.equal(dtlsRole, 'client', browser);
    t.equal(fingerprints.length, 1);
    t.match(audio?.agreed, { codec: { name: 'opus' }, direction: 'sendrecv', sent: { rtxPayloadType: undefined } });
    t.match(video?.agreed, {
      codec: { name: 'vp8' },
      direction: 'sendrecv',
      sent: { rtxPayloadType: Number },
      feedback: ['ccm fir', 'nack', 'nack pli', 'goog-remb', 'transport-cc'],
      extensions: { mid: Number },
    });
    t.type(video?.agreed?.encodings[0]?.ssrc, 'number');
    t.type(video?.agreed?.encodings[0]?.rtxSsrc, 'number');
    t.match(data, { type: 'application', protocol: 'UDP/DTLS/SCTP', agreed: undefined });
  }
});

t.test('simulcast comes as three encodings, unless nobody wants it', async (t) => {
  for (const browser of ['chromium', 'firefox']) {
    const video = published(`simulcast.${browser}`).media[1]?.agreed;
    const one = published(`simulcast.${browser}`, { simulcast: false }).media[1]?.agreed;

    t.same(
      video?.encodings.map(({ rid }) => rid),
      ['h', 'm', 'l'],
      browser,
    );
    t.match(video, { direction: 'recvonly', extensions: { mid: Number, rid: Number, 'repaired-rid': Number } });
    t.equal(one?.encodings.length, 1);
  }
});

t.test('the codec we like best is taken, with the other side’s numbers', async (t) => {
  const pick = (...codecs: string[]) => published('av-data.chromium', { codecs }).media[1]?.agreed;

  t.equal(pick('vp9', 'vp8')?.codec.name, 'vp9');
  t.equal(pick('h265x', 'av1')?.codec.name, 'av1');
  t.equal(pick('opus', 'pcmu'), undefined, 'no codec of that kind: rejected');
  const profile = { codecs: ['vp9'], accepts: ({ fmtp }: { fmtp: string | undefined }) => fmtp === 'profile-id=2' };
  t.equal(published('av-data.chromium', profile).media[1]?.agreed?.fmtp, 'profile-id=2');
});

t.test('the direction is what both sides do', async (t) => {
  const direction = (wish: AnswerWish) => published('av-data.firefox', wish).media[0]?.agreed?.direction;

  t.equal(direction({ direction: 'recvonly' }), 'recvonly');
  t.equal(direction({ direction: 'sendonly' }), 'sendonly');
  t.equal(direction({ direction: 'inactive' }), 'inactive');
  const audio = published('audio.firefox', { direction: 'sendonly' }).media[0]?.agreed;
  t.equal(audio?.direction, 'inactive', 'they only send, and so would we');
  t.same(audio?.encodings, []);
});

t.test('only extensions that both have are agreed to, under the other side’s ids', async (t) => {
  const wish: AnswerWish = { extensions: ['mid', 'transport-wide-cc', 'audio-level', 'abs-capture-time'] };

  t.same(published('audio.firefox', wish).media[0]?.agreed?.extensions, {
    mid: 3,
    'transport-wide-cc': 7,
    'audio-level': 1,
  });
});

t.test('an m-line that nobody wants is rejected, the others stay', async (t) => {
  const offer = parseDescription(fixture('sdp/publish-av-data.chromium.offer.sdp'));

  const { media } = answerOffer(offer, ({ type }) => (type === 'audio' ? {} : undefined));

  t.same(
    media.map(({ agreed }) => agreed !== undefined),
    [true, false, false],
  );
});

t.test('what cannot be used is refused with its reason', async (t) => {
  const sdp = fixture('sdp/publish-av-data.chromium.offer.sdp');
  const reason = (text: string) => ({ code: 'HG_ERR_REMOTE_SDP', message: new RegExp(text) });

  t.throws(() => answer(sdp.replace(/^a=group:.*\r\n/m, '')), reason('no BUNDLE group'));
  t.throws(() => answer(sdp.replace('a=group:BUNDLE 0 1 2', 'a=group:BUNDLE 0 2')), reason('is not in a BUNDLE group'));
  t.throws(() => answer(sdp.replaceAll('a=rtcp-mux\r\n', '')), reason('no rtcp-mux'));
  t.throws(() => answer(sdp.replace(/^a=fingerprint.*\r\n/gm, '')), reason('no fingerprint'));
  t.throws(() => answer(sdp.replace(/^a=ice-pwd.*\r\n/gm, '')), reason('no ice-ufrag and ice-pwd'));
  t.throws(() => answer(sdp.replaceAll('a=setup:actpass', 'a=setup:holdconn')), reason('holdconn, which is no offer'));
  t.throws(() => answer(sdp.replaceAll('a=mid:1', 'a=mid:0')), reason('two m-lines have the mid 0'));
  t.throws(() => answer(sdp, { codecs: ['l16'] }), reason('no m-line that we can use'));
});

t.test('a bundle-only m-line has port 0, and is taken', async (t) => {
  const sdp = fixture('sdp/publish-av-data.firefox.offer.sdp').replace(
    /^m=video \d+ (.*)$/m,
    'm=video 0 $1\na=bundle-only',
  );

  t.equal(answer(sdp).media[1]?.agreed?.codec.name, 'vp8');
  t.equal(answer(sdp.replace('a=bundle-only\r\n', '')).media[1]?.agreed, undefined);
});

t.test('the DTLS role follows what is offered', async (t) => {
  const sdp = fixture('sdp/publish-audio.chromium.offer.sdp');
  const role = (setup: string) => answer(sdp.replace('a=setup:actpass', `a=setup:${setup}`)).dtlsRole;

  t.equal(role('active'), 'server');
  t.equal(role('passive'), 'client');
});

t.test('the answer that is written can be read as one, line by line as offered', async (t) => {
  for (const name of ['av-data.chromium', 'av-data.firefox', 'simulcast.chromium', 'simulcast.firefox']) {
    const { media } = published(name);
    const lines = answerLines(media, ({ index }) => ({ ssrc: 10 + index, rtxSsrc: 20 + index, msid: 'echo track' }));
    const sdp = writeDescription(description(lines, { setup: 'active' }));

    const read = parseDescription(sdp);
    t.same(
      read.media.map(({ type, mid, protocol }) => [type, mid, protocol]),
      media.map(({ type, mid, protocol }) => [type, mid, protocol]),
      name,
    );
    t.same(read.bundle, ['0', '1']);
    const [audio, video, data] = read.media;
    t.match(audio, { setup: 'active', rtcpMux: true, codecs: [{ encodingName: 'opus' }] });
    t.equal(video?.codecs.length, 2, 'one codec and its rtx');
    if (name.startsWith('simulcast')) {
      t.equal(video?.direction, 'recvonly');
      t.match(sdp, /a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;m;l\r\n/);
    } else {
      t.match(video?.encodings, [{ ssrc: 11, rtxSsrc: 21 }]);
      t.match(sdp, /a=msid:echo track\r\n/);
      t.match(data, { type: 'application', port: 0, direction: 'inactive' });
    }
  }
});

t.test('RED is taken where it is wanted, and named before its codec', async (t) => {
  const { media } = published('audio.chromium', { red: true });
  const lines = answerLines(media, () => ({ ssrc: 1, rtxSsrc: 2 }));
  const [line] = writeDescription(description(lines)).match(/m=audio[^]*/) ?? [''];

  t.equal(media[0]?.agreed?.redPayloadType, 63);
  t.match(line, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF 63 111\r\n/);
  t.match(line, 'a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n');
  t.equal(published('audio.chromium').media[0]?.agreed?.redPayloadType, undefined);
  t.equal(published('audio.firefox', { red: true }).media[0]?.agreed?.redPayloadType, undefined);
  const other = fixture('sdp/publish-audio.chromium.offer.sdp').replace('a=fmtp:63 111/111', 'a=fmtp:63 9/111');
  t.equal(answer(other, { red: true }).media[0]?.agreed?.redPayloadType, undefined, 'RED of another codec');
});

t.test('parameters of Opus go back as they came: DTX, FEC, stereo', async (t) => {
  const fmtp = 'minptime=10;stereo=1;useinbandfec=1;usedtx=1';
  const offer = fixture('sdp/publish-audio.chromium.offer.sdp').replace('minptime=10;useinbandfec=1', fmtp);

  t.equal(answer(offer).media[0]?.agreed?.fmtp, fmtp);
});

t.test('a dependency descriptor needs packets of both forms', async (t) => {
  const extensions = ['mid', 'dependency-descriptor'] as const;
  const offer = fixture('sdp/publish-simulcast.chromium.offer.sdp');
  const video = (sdp: string) => answer(sdp, { extensions }).media[1]?.agreed?.extensions;

  t.match(video(offer), { mid: Number, 'dependency-descriptor': Number });
  const strict = offer.replace('a=extmap-allow-mixed\r\n', '').replace('a=extmap-allow-mixed\n', '');
  t.same(Object.keys(video(strict) ?? {}), ['mid']);

  // Firefox sends it, and does not want it back.
  const firefox = fixture('sdp/publish-simulcast.firefox.offer.sdp');
  const accepted = answer(firefox, { extensions }).media.find(({ type }) => type === 'video')?.agreed;
  t.equal(accepted?.extensions['dependency-descriptor'], 8);
  t.same(Object.keys(accepted?.sentExtensions ?? {}), ['mid']);
});
