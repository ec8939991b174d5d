import t from 'tap';
import { EchoBench } from '../../../support/echo-bench.js';
import { fixture } from '../../../support/fixtures.js';
import { turn } from '../../../support/media-bench.js';

const SDP = fixture('sdp/publish-av-data.chromium.offer.sdp');
const OFFER = { type: 'offer', sdp: SDP } as const;
const VIDEO = 1;

async function connected(bench: EchoBench, body: object, offer: object = OFFER) {
  const handle = await bench.attach();
  const told: unknown[] = [];
  handle.on('event', ({ data }) => told.push(data));
  await handle.request(body, offer as typeof OFFER);
  const [native] = bench.engine.peers;
  if (native === undefined) throw new Error('there is no peer');
  return { handle, native, told, layers: () => native.tracks[VIDEO]?.layers };
}

t.test('layers are asked for by the names of simulcast and of scalable coding', async (t) => {
  const bench = new EchoBench(t);
  const { handle, layers } = await connected(bench, { video: true });
  t.equal(layers(), undefined, 'nobody chose');

  await handle.send({ substream: 1, fallback: 500_000 });
  t.same(layers(), { substream: 1, spatial: 2, temporal: 2, fallback: 500 });
  await handle.send({ spatial_layer: 0, temporal_layer: 1 });
  t.same(layers(), { substream: 1, spatial: 0, temporal: 1, fallback: 500 });
});

t.test('what comes with the offer counts', async (t) => {
  const bench = new EchoBench(t);
  const { layers } = await connected(bench, { video: true, videocodec: 'vp9', spatial_layer: 1 });

  t.match(layers(), { spatial: 1, temporal: 2 });
});

t.test('a client that says it codes in layers is told of them', async (t) => {
  const bench = new EchoBench(t);
  const svc = [{ mindex: VIDEO, mid: String(VIDEO), svc: 'L3T3' }];
  const { native, told, layers } = await connected(bench, { videocodec: 'vp9' }, { ...OFFER, svc });

  t.match(layers(), { spatial: 2, temporal: 2 });
  const say = async (spatial: number, temporal: number): Promise<unknown[]> => {
    bench.engine.post({ type: 'layers', peer: native.id, track: VIDEO, substream: 0, spatial, temporal });
    await turn();
    return told.splice(0);
  };
  told.length = 0;
  const about = { echotest: 'event', mid: '1', videocodec: 'vp9' };
  t.same(await say(0, 2), [
    { ...about, spatial_layer: 0 },
    { ...about, temporal_layer: 2 },
  ]);
  t.same(await say(2, 2), [{ ...about, spatial_layer: 2 }]);
  t.same(await say(2, 1), [{ ...about, temporal_layer: 1 }]);
});

t.test('of simulcast the substream is told', async (t) => {
  const bench = new EchoBench(t);
  const { native, told } = await connected(
    bench,
    { video: true },
    { type: 'offer', sdp: fixture('sdp/publish-simulcast.chromium.offer.sdp').replaceAll('a=sendonly', 'a=sendrecv') },
  );
  told.length = 0;

  bench.engine.post({ type: 'layers', peer: native.id, track: VIDEO, substream: 1, spatial: 0, temporal: 0 });
  await turn();

  t.same(
    told.map((one) => Object.keys(one as object).at(-1)),
    ['substream', 'temporal'],
  );
});

t.test('RED is agreed to for those who ask', async (t) => {
  for (const opusred of [true, false]) {
    const bench = new EchoBench(t);
    const { native } = await connected(bench, { audio: true, opusred });
    t.same(native.incoming?.tracks[0]?.payloadTypes, opusred ? [111, 63] : [111]);
    t.equal(native.tracks[0]?.redPayloadType, opusred ? 63 : undefined);
  }
});

t.test('who talks is told by the track, if levels were negotiated', async (t) => {
  const bench = new EchoBench(t);
  await connected(bench, { audio: true, video: true });
  const [peer] = [...bench.peers];
  const [audio, video] = peer?.incoming ?? [];
  const source = bench.engine.sources.find(({ options }) => options.kind === 'audio');
  if (audio === undefined || video === undefined || source === undefined) throw new Error('there are no tracks');
  const told: unknown[] = [];
  audio.on('talking', (talking) => told.push(talking));

  audio.detectTalking({ packets: 50 });
  t.same(source.talkingLimits, { packets: 50, level: 25 });
  source.talk(true, 20.5);
  await turn();
  t.same(told, [{ talking: true, level: 20.5 }]);
  audio.detectTalking(null);
  t.equal(source.talkingLimits, null);

  t.throws(() => audio.detectTalking({ packets: 0 }), { code: 'HG_ERR_OPTION' });
  t.throws(() => video.detectTalking(), { code: 'HG_ERR_STATE' });
  peer?.close('Janus API');
  t.throws(() => audio.detectTalking(), { code: 'HG_ERR_CLOSED' });
});
