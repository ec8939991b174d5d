// A layer that is asked for with the offer is the one that comes back.
import t from 'tap';
import { fixture } from '../../../support/fixtures.js';
import { EchoBench } from './bench.js';

const sdp = fixture('sdp/publish-simulcast.chromium.offer.sdp').replaceAll('a=sendonly', 'a=sendrecv');
const OFFER = { type: 'offer', sdp } as const;

t.test('layers asked for with the offer', async (t) => {
  const bench = new EchoBench(t);
  const handle = await bench.attach();
  const layers = () => bench.engine.peers[0]?.tracks.find(({ kind }) => kind === 'video')?.layers;

  await handle.request({ video: true, substream: 0, fallback: 100_000 }, OFFER);
  t.same(layers(), { substream: 0, temporal: 2, fallback: 100 });

  await handle.send({ temporal: 1 });
  t.same(layers(), { substream: 0, temporal: 1, fallback: 100 });
});
