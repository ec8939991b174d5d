import t from 'tap';
import type { OutgoingTrack } from '../../../lib/peer/peer.js';
import { link } from '../../../lib/routing/link.js';
import { codec } from '../../support/fixtures.js';
import { answerTo, MediaBench, turn } from '../../support/media-bench.js';

async function bench() {
  const bench = new MediaBench();
  const peer = bench.peers.createPeer();
  const sdp = await peer.createOffer({
    sessionName: 'x',
    media: [
      { mid: 'v', codec: codec('vp8') },
      { mid: 'a', codec: codec('opus') },
    ],
  });
  peer.setAnswer(answerTo(sdp));
  const video = peer.track('v') as OutgoingTrack;
  const [one, two] = [5004, 5006].map((port) => bench.sources.createSource({ codec: codec('vp8'), port }));
  const native = bench.engine.peers[0];
  return { bench, peer, video, one: one as NonNullable<typeof one>, two: two as NonNullable<typeof two>, native };
}

t.test('a link sends a source, is switched, paused and closed', async (t) => {
  const {
    bench: { engine },
    video,
    one,
    two,
    native,
  } = await bench();
  const sent = () => native?.tracks[0]?.source;

  const joined = link(one, video);
  t.equal(sent(), engine.sources[0]);
  t.same([one.links.size, two.links.size], [1, 0]);

  joined.switch(two);
  t.equal(sent(), engine.sources[1]);
  t.same([one.links.size, two.links.size], [0, 1]);

  joined.pause();
  t.equal(native?.tracks[0]?.paused, true);
  joined.resume();
  t.equal(native?.tracks[0]?.paused, false);

  let closed = 0;
  joined.on('close', () => closed++);
  joined.close();
  joined.close();
  t.equal(sent(), null);
  t.equal(closed, 1);
  t.equal(two.links.size, 0);
  t.throws(() => joined.pause(), { code: 'HG_ERR_CLOSED' });
  t.throws(() => joined.switch(one), { code: 'HG_ERR_CLOSED' });
});

t.test('a sink has one source at a time, of its kind', async (t) => {
  const {
    bench: { sources },
    video,
    one,
    two,
  } = await bench();
  const audio = sources.createSource({ codec: codec('opus'), port: 5008 });

  t.throws(() => link(audio, video), { code: 'HG_ERR_STATE', message: /source is audio/ });
  const joined = link(one, video);
  t.throws(() => link(two, video), { code: 'HG_ERR_STATE', message: /switch its link/ });
  t.throws(() => joined.switch(audio), { code: 'HG_ERR_STATE' });
  t.equal(joined.source, one, 'what failed changed nothing');
  joined.close();

  t.doesNotThrow(() => link(two, video));
});

t.test('a link ends with its source or its sink', async (t) => {
  const {
    bench: { peers },
    peer,
    video,
    one,
    two,
  } = await bench();
  const first = link(one, video);
  one.close();
  t.equal(first.closed, true);
  const second = link(two, video);

  peer.close('Close PC');

  t.equal(second.closed, true);
  t.equal(two.links.size, 0);
  t.throws(() => link(two, video), { code: 'HG_ERR_CLOSED' });
  await turn();
  t.equal(peers.size, 0);
});

t.test('many links over the life of a source leave nothing behind', async (t) => {
  const { video, one, two } = await bench();

  for (let count = 0; count < 100; count++) {
    const joined = link(one, video);
    joined.switch(two);
    joined.close();
  }

  t.same([one.listenerCount('close'), two.listenerCount('close'), video.listenerCount('close')], [1, 1, 0]);
});
