import t from 'tap';
import type { MountpointOptions } from '../../../lib/routing/mountpoint.js';
import { codec } from '../../support/fixtures.js';
import { answerTo, MediaBench, turn } from '../../support/media-bench.js';

const CAMERA: MountpointOptions = {
  id: 1,
  description: 'camera',
  media: [
    { type: 'video', mid: 'v', codec: 'vp8', port: 5004 },
    { type: 'audio', mid: 'a', codec: 'opus', port: 5002 },
  ],
};

t.test('a mountpoint has its tracks in order, with defaults', async (t) => {
  const { mountpoints } = new MediaBench();

  const mountpoint = mountpoints.create(CAMERA);

  t.match(mountpoint, { id: 1, name: 'mp-1', description: 'camera', enabled: true, isPrivate: false, live: false });
  t.match(mountpoint.media, [
    { index: 0, ordinal: 0, mid: 'v', label: 'video', codec: codec('vp8'), payloadType: 96 },
    { index: 1, ordinal: 0, mid: 'a', label: 'audio', codec: codec('opus'), payloadType: 111 },
  ]);
  t.equal(mountpoints.get(1), mountpoint);
  t.equal(mountpoints.get('1'), mountpoint);
  t.same(
    mountpoints.create({ media: [{ type: 'audio', mid: 'a', codec: 'PCMU', port: 0 }], name: 'radio' }).description,
    'radio',
  );
  t.equal(mountpoints.size, 2);
});

t.test('an id is made when none is given, and none is used twice', async (t) => {
  const { mountpoints } = new MediaBench();
  const media = [{ type: 'audio', mid: 'a', codec: 'opus', port: 0 }] as const;

  const [first, second] = [mountpoints.create({ media }), mountpoints.create({ id: 0, media })];
  t.ok(Number.isSafeInteger(first.id) && Number.isSafeInteger(second.id) && first.id !== second.id);
  t.equal(mountpoints.create({ id: 'door', media }).name, 'mp-door');
  for (const id of ['door', first.id, String(first.id)]) {
    t.throws(() => mountpoints.create({ id, media }), { code: 'HG_ERR_EXISTS' });
  }
});

t.test('when a port cannot be had, nothing is left behind', async (t) => {
  const bench = new MediaBench();
  bench.sources.createSource({ codec: codec('opus'), port: 5002 });

  t.throws(() => bench.mountpoints.create(CAMERA), {
    code: 'HG_ERR_PORT',
    message: /port 5002 cannot be used: in use/,
  });

  t.equal(bench.mountpoints.size, 0);
  t.same(
    bench.engine.liveSources.map(({ port }) => port),
    [5002],
  );
  t.throws(() =>
    bench.mountpoints.create({ media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 5004, interface: 'nope0' }] }),
  );
  t.equal(bench.sources.size, 1);
});

t.test('options that are wrong are named', async (t) => {
  const { mountpoints, sources } = new MediaBench();
  const video = { type: 'video', mid: 'v', codec: 'vp8', port: 0 };
  const refused = (options: object, option: string): void => {
    t.throws(() => mountpoints.create(options as MountpointOptions), { code: 'HG_ERR_OPTION', details: { option } });
  };

  refused({}, 'createMountpoint.media');
  refused({ media: [] }, 'createMountpoint.media');
  refused({ media: [video], nonsense: 1 }, 'createMountpoint.nonsense');
  refused({ media: [video], id: -1 }, 'createMountpoint.id');
  refused({ media: [video], id: '' }, 'createMountpoint.id');
  refused({ media: [video], keyframeBuffer: { ms: 70000 } }, 'createMountpoint.keyframeBuffer.ms');
  refused({ media: [video, video] }, 'createMountpoint.media[1].mid');
  const track: [object, string][] = [
    [{ type: 'data' }, 'type'],
    [{ mid: 'a b' }, 'mid'],
    [{ mid: 'x'.repeat(17) }, 'mid'],
    [{ codec: 'opus' }, 'codec'],
    [{ codec: 'theora' }, 'codec'],
    [{ port: 65536 }, 'port'],
    [{ port: -1 }, 'port'],
    [{ payloadType: 128 }, 'payloadType'],
    [{ fmtp: 'x\r\na=y' }, 'fmtp'],
    [{ msid: 'a\nb' }, 'msid'],
    [{ multicast: '10.0.0.1' }, 'multicast'],
    [{ multicast: 'nope' }, 'multicast'],
    [{ rtcpPort: -1 }, 'rtcpPort'],
  ];
  for (const [change, field] of track)
    refused({ media: [{ ...video, ...change }] }, `createMountpoint.media[0].${field}`);
  t.equal(sources.size, 0);
});

t.test('what viewers would stumble over is said when it is made', async (t) => {
  const bench = new MediaBench();
  const h264 = (id: number, fmtp?: string) =>
    bench.mountpoints.create({
      id,
      description: 'hall',
      media: [{ type: 'video', mid: 'v', codec: 'h264', port: 0, fmtp }],
    });

  h264(1, 'profile-level-id=42e01f;packetization-mode=1');
  h264(2, 'profile-level-id=4de033;packetization-mode=1');
  t.same(bench.warnings, []);
  t.equal(h264(3).media[0]?.fmtp, 'profile-level-id=42e01f;packetization-mode=1');
  h264(4, 'profile-level-id=4d0033');
  bench.mountpoints.create({ id: 5, media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0, payloadType: 72 }] });

  t.match(bench.warnings, [
    /^mountpoint 3 "hall", video "v": no fmtp was given: "profile-level-id=42e01f;packetization-mode=1" is offered/,
    /^mountpoint 4 "hall", video "v": profile-level-id=4d0033 is not baseline: Firefox will not play it/,
    /^mountpoint 5 "mp-5", video "v": payload type 72 is refused by browsers/,
  ]);
  t.equal(bench.mountpoints.get(5)?.media[0]?.payloadType, 96);
});

t.test('packets that are too big are one warning that names the mountpoint and the fix', async (t) => {
  const bench = new MediaBench();
  const mountpoint = bench.mountpoints.create(CAMERA);
  const heard: unknown[] = [];
  mountpoint.on('oversize', (event) => heard.push(event));

  bench.engine.sources[0]?.oversize(1428, 1200);
  await turn();

  t.same(heard, [{ mid: 'v', size: 1428, limit: 1200 }]);
  t.match(bench.warnings, [/^mountpoint 1 "camera", "v": packets of 1428 bytes .*pkt_size=1200.*mtu=1200/]);
});

t.test('live and stalled tell of each track', async (t) => {
  const bench = new MediaBench();
  const mountpoint = bench.mountpoints.create(CAMERA);
  const heard: unknown[] = [];
  mountpoint.on('live', ({ mid }) => heard.push(`live ${mid}`));
  mountpoint.on('stalled', ({ mid }) => heard.push(`stalled ${mid}`));

  bench.engine.sources[0]?.receive(true);
  bench.engine.sources[1]?.receive(true);
  await turn();
  t.equal(mountpoint.live, true);
  bench.engine.sources[0]?.receive(false);
  await turn();

  t.same(heard, ['live v', 'live a', 'stalled v']);
  t.equal(mountpoint.live, true);
});

t.test('a disabled mountpoint lets nothing in', async (t) => {
  const bench = new MediaBench();
  const mountpoint = bench.mountpoints.create(CAMERA);

  mountpoint.disable();
  t.same(
    bench.engine.sources.map(({ enabled }) => enabled),
    [false, false],
  );
  t.equal(mountpoint.enabled, false);
  mountpoint.enable();

  t.same(
    bench.engine.sources.map(({ enabled }) => enabled),
    [true, true],
  );
});

t.test('what is named is changed, and the rest stays', async (t) => {
  const mountpoint = new MediaBench().mountpoints.create({ ...CAMERA, pin: 'p', metadata: 'm' });

  mountpoint.update({ description: 'door', pin: undefined, isPrivate: true });

  t.match(mountpoint, { description: 'door', pin: undefined, metadata: 'm', isPrivate: true, id: 1 });
  t.throws(() => mountpoint.update({ nonsense: 1 } as object), { code: 'HG_ERR_OPTION' });
});

t.test('keyframes are asked of video only; statistics name the tracks', async (t) => {
  const bench = new MediaBench();
  const mountpoint = bench.mountpoints.create(CAMERA);

  mountpoint.requestKeyframe();

  t.same(
    bench.engine.sources.map(({ keyframeRequests }) => keyframeRequests),
    [1, 0],
  );
  t.match(mountpoint.stats(), { viewers: 0, media: [{ mid: 'v', packets: 10 }, { mid: 'a' }] });
});

t.test('a mountpoint that closed is gone, and says so', async (t) => {
  const bench = new MediaBench();
  const { mountpoints } = bench;
  const mountpoint = mountpoints.create(CAMERA);
  const heard: string[] = [];
  mountpoint.on('close', () => heard.push('close'));
  mountpoints.on('closed', ({ id }) => heard.push(`closed ${String(id)}`));

  mountpoint.close();
  mountpoint.close();

  t.same(heard, ['closed 1', 'close']);
  t.equal(mountpoints.get(1), undefined);
  t.equal(bench.sources.size, 0);
  const peer = bench.peers.createPeer();
  for (const call of [
    () => mountpoint.addViewer(peer),
    () => mountpoint.enable(),
    () => mountpoint.update({}),
    () => mountpoint.kickAll(),
    () => mountpoint.stats(),
    () => mountpoint.requestKeyframe(),
  ]) {
    t.throws(call, { code: 'HG_ERR_CLOSED', message: 'mountpoint 1 "camera" is closed' });
  }
  await mountpoints.create(CAMERA)[Symbol.asyncDispose]();
  t.equal(mountpoints.size, 0);
});

async function playing(bench: MediaBench, mids?: string[]) {
  const mountpoint = bench.mountpoints.get(1) ?? bench.mountpoints.create(CAMERA);
  const peer = bench.peers.createPeer();
  const viewer = mountpoint.addViewer(peer, mids);
  peer.setAnswer(answerTo(await viewer.createOffer()));
  const native = bench.engine.peers.at(-1);
  const sent = () => native?.tracks.map(({ mid, source, paused }) => [mid, source?.port ?? 0, paused]);
  return { mountpoint, peer, viewer, sent };
}

t.test('a viewer gets the tracks it chose, in the order of the mountpoint', async (t) => {
  const bench = new MediaBench();
  const all = await playing(bench, ['a', 'v', 'zz']);
  const some = await playing(bench, ['a']);

  t.same(all.sent(), [
    ['v', 5004, false],
    ['a', 5002, false],
  ]);
  t.same(some.sent(), [['a', 5002, false]]);
  t.equal(all.mountpoint.viewers.size, 2);
  t.throws(() => all.mountpoint.addViewer(all.peer, ['zz']), { code: 'HG_ERR_UNKNOWN' });
});

t.test('the offer names the mountpoint, whatever its id', async (t) => {
  const bench = new MediaBench();
  const media = [{ type: 'audio', mid: 'a', codec: 'opus', port: 0, msid: 's t' }] as const;
  const mountpoint = bench.mountpoints.create({ id: 'x\r\na=evil', media, playoutDelay: true });

  const sdp = await mountpoint.addViewer(bench.peers.createPeer()).createOffer();

  t.match(sdp, /^s=Mountpoint x {2}a=evil\r$/m);
  t.match(sdp, /^a=msid:s t\r$/m);
});

t.test('a viewer pauses as a whole and by track', async (t) => {
  const { viewer, sent } = await playing(new MediaBench());
  const paused = () => sent()?.map((track) => track[2]);

  viewer.setSending('a', false);
  t.same(paused(), [false, true]);
  viewer.pause();
  t.same(paused(), [true, true]);
  viewer.resume();
  t.same(paused(), [false, true]);
  viewer.setSending('a', true);
  viewer.setSending('zz', false);

  t.same(paused(), [false, false]);
});

t.test('a viewer switches by kind and position, and back', async (t) => {
  const bench = new MediaBench();
  const { mountpoint, viewer, sent } = await playing(bench);
  const other = bench.mountpoints.create({
    id: 2,
    media: [
      { type: 'audio', mid: 'sound', codec: 'opus', port: 6002 },
      { type: 'video', mid: 'picture', codec: 'vp8', port: 6004 },
    ],
  });
  const mute = bench.mountpoints.create({ id: 3, media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 7004 }] });

  viewer.switch(other);
  t.same(sent(), [
    ['v', 6004, false],
    ['a', 6002, false],
  ]);
  t.same([mountpoint.viewers.size, other.viewers.size], [0, 1]);
  viewer.switch(mute);
  t.same(sent(), [
    ['v', 7004, false],
    ['a', 0, false],
  ]);
  viewer.switch(mountpoint);

  t.same(sent(), [
    ['v', 5004, false],
    ['a', 5002, false],
  ]);
  const foreign = bench.mountpoints.create({ id: 4, media: [{ type: 'video', mid: 'v', codec: 'vp9', port: 0 }] });
  t.throws(() => viewer.switch(foreign), {
    code: 'HG_ERR_STATE',
    message: /"v" of mountpoint 4 .* is vp9, it was offered vp8/,
  });
  t.equal(viewer.mountpoint, mountpoint);
});

t.test('a viewer ends by itself, by a kick, with the mountpoint or with its peer', async (t) => {
  const bench = new MediaBench();
  const ends = async (act: (parts: Awaited<ReturnType<typeof playing>>) => void): Promise<unknown> => {
    const parts = await playing(bench);
    let heard: unknown;
    parts.viewer.once('close', ({ reason }) => (heard = reason));
    act(parts);
    await turn();
    t.equal(parts.viewer.closed, true);
    t.equal(parts.mountpoint.viewers.size, 0);
    t.ok(parts.mountpoint.closed || parts.mountpoint.media.every(({ source }) => source.links.size === 0));
    return heard;
  };

  t.equal(await ends(({ viewer }) => viewer.close()), 'left');
  t.equal(await ends(({ mountpoint }) => mountpoint.kickAll()), 'kicked');
  t.equal(await ends(({ peer }) => peer.close('Janus API')), 'peer');
  t.equal(await ends(({ mountpoint }) => mountpoint.close()), 'mountpoint');
});

t.test('joining and leaving are told', async (t) => {
  const bench = new MediaBench();
  const mountpoint = bench.mountpoints.create(CAMERA);
  const heard: unknown[] = [];
  mountpoint.on('viewer', ({ joined }) => heard.push(joined));

  const { viewer } = await playing(bench);
  viewer.close();

  t.same(heard, [true, false]);
});

t.test('a mountpoint that closes while its offer is written ends the offer', async (t) => {
  const bench = new MediaBench();
  bench.engine.gathers = false;
  const mountpoint = bench.mountpoints.create(CAMERA);
  const offer = mountpoint.addViewer(bench.peers.createPeer()).createOffer();

  mountpoint.close();
  bench.engine.peers[0]?.gather();

  await t.rejects(offer, { code: 'HG_ERR_CLOSED' });
});

t.test('a codec that somebody refused is not sent, and the rest is', async (t) => {
  const bench = new MediaBench();
  const mountpoint = bench.mountpoints.create(CAMERA);
  const peer = bench.peers.createPeer();
  const viewer = mountpoint.addViewer(peer);
  const sdp = answerTo(await viewer.createOffer()).replace('m=video 9', 'm=video 0');

  peer.setAnswer(sdp);

  t.same(
    bench.engine.peers[0]?.tracks.map(({ mid, source }) => [mid, source?.port]),
    [['a', 5002]],
  );
  t.doesNotThrow(() => viewer.pause());
});
