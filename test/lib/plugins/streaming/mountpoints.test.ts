import t from 'tap';
import type { PluginData } from '../../../../lib/session/local-client.js';
import { StreamingBench } from '../../../support/media-bench.js';

const MEDIA = [
  { type: 'video', mid: 'v', port: 5004, codec: 'vp8', pt: 96 },
  { type: 'audio', mid: 'a', port: 0, codec: 'opus', rtcpport: 0, label: 'sound', msid: 's t' },
];

t.test("the wiki's reader makes, lists and destroys a mountpoint in the old form", async (t) => {
  const bench = await StreamingBench.open(t, { adminKey: 'supersecret', legacyFields: true });
  const client = await bench.client();
  const create = {
    request: 'create',
    type: 'rtp',
    id: 99,
    description: 'a test',
    secret: 'adminpwd',
    audio: true,
    video: true,
    audioport: 1111,
    audiopt: 111,
    audiortpmap: 'opus/48000/2',
    videoport: 2222,
    videopt: 100,
    videortpmap: 'VP8/90000',
    permanent: false,
  };

  t.equal(await client.code(create), 453);
  t.equal(await client.code({ ...create, admin_key: 'wrong' }), 457);
  t.equal(await client.code({ ...create, admin_key: 5 }), 454);
  t.same(await client.ask({ ...create, admin_key: 'supersecret' }), {
    streaming: 'created',
    created: 'mp-99',
    permanent: false,
    stream: { id: 99, type: 'live', description: 'a test', is_private: false, audio_port: 1111, video_port: 2222 },
    warning: 'deprecated_api',
  });
  t.same(await client.ask({ request: 'list' }), {
    streaming: 'list',
    list: [
      {
        id: 99,
        type: 'live',
        description: 'a test',
        enabled: true,
        audio_age_ms: 25,
        video_age_ms: 25,
        media: [
          { mid: 'a', type: 'audio', label: 'audio', age_ms: 25 },
          { mid: 'v', type: 'video', label: 'video', age_ms: 25 },
        ],
      },
    ],
  });
  t.equal(await client.code({ request: 'destroy', id: 99, secret: 'wrong' }), 457);
  t.same(await client.ask({ request: 'destroy', id: 99, secret: 'adminpwd' }), {
    streaming: 'destroyed',
    destroyed: 99,
  });
  t.same(await client.ask({ request: 'list' }), { streaming: 'list', list: [] });
  t.equal(bench.sources.size, 0);
});

t.test('the form with media[]', async (t) => {
  const client = await (await StreamingBench.open(t, { portRange: [20000, 20010] })).client();

  t.same(
    await client.ask({
      request: 'create',
      type: 'rtp',
      id: 42,
      description: 'rig',
      metadata: 'meta',
      secret: 'sesame',
      pin: '1234',
      bufferkf_ms: 2000,
      collision: 100,
      media: MEDIA,
    }),
    {
      streaming: 'created',
      created: 'mp-42',
      permanent: false,
      stream: {
        id: 42,
        type: 'live',
        description: 'rig',
        is_private: false,
        ports: [
          { type: 'video', mid: 'v', port: 5004 },
          { type: 'audio', mid: 'a', msid: 's t', port: 20000, rtcp_port: 20001 },
        ],
      },
    },
  );
  t.same(await client.ask({ request: 'info', id: 42, secret: 'sesame' }), {
    streaming: 'info',
    info: {
      id: 42,
      name: 'mp-42',
      description: 'rig',
      metadata: 'meta',
      secret: 'sesame',
      pin: '1234',
      enabled: true,
      viewers: 0,
      type: 'live',
      collision: 100,
      bufferkf_ms: 2000,
      media: [
        {
          mindex: 0,
          type: 'video',
          mid: 'v',
          label: 'video',
          pt: 96,
          codec: 'vp8',
          rtpmap: 'VP8/90000',
          port: 5004,
          age_ms: 25,
        },
        {
          mindex: 1,
          type: 'audio',
          mid: 'a',
          label: 'sound',
          msid: 's t',
          pt: 111,
          codec: 'opus',
          rtpmap: 'opus/48000/2',
          port: 20000,
          rtcpport: 20001,
          age_ms: 25,
        },
      ],
    },
  });
});

t.test('info hides what is the owner’s from whoever has no secret, without an error', async (t) => {
  const client = await (await StreamingBench.open(t)).client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, secret: 's', is_private: true, media: MEDIA });

  for (const secret of [undefined, 'wrong', 5]) {
    const { info } = (await client.ask({ request: 'info', id: 1, secret })) as { info: PluginData };

    t.same(Object.keys(info), ['id', 'description', 'enabled', 'type', 'media']);
    t.notOk('port' in ((info['media'] as object[])[0] ?? {}));
  }
  t.match(await client.ask({ request: 'info', id: 1, secret: 's' }), { info: { is_private: true, viewers: 0 } });
});

t.test('private mountpoints are listed for the administrator only', async (t) => {
  const client = await (await StreamingBench.open(t, { adminKey: 'k' })).client();
  const create = (id: number, is_private: boolean) =>
    client.ask({ request: 'create', type: 'rtp', admin_key: 'k', id, is_private, media: [{ ...MEDIA[1], mid: 'a' }] });
  await create(1, false);
  await create(2, true);
  const ids = async (admin_key?: unknown) => {
    const { list } = (await client.ask({ request: 'list', admin_key })) as { list: { id: number }[] };
    return list.map(({ id }) => id);
  };

  t.same(await ids(), [1]);
  t.same(await ids(''), [1]);
  t.same(await ids(5), [1]);
  t.same(await ids('k'), [1, 2]);
  t.equal(await client.code({ request: 'list', admin_key: 'K' }), 457);
});

t.test('without a key everybody creates, and an empty one counts as none', async (t) => {
  for (const options of [{}, { adminKey: '' }]) {
    const client = await (await StreamingBench.open(t, options)).client();

    t.equal(await client.code({ request: 'create', type: 'rtp', admin_key: 'whatever', media: MEDIA }), 0);
    t.equal(await client.code({ request: 'list', admin_key: 'whatever' }), 0);
  }
});

t.test('ids are texts if the plugin is told so', async (t) => {
  const bench = await StreamingBench.open(t, { stringIds: true });
  const client = await bench.client();

  t.equal(await client.code({ request: 'create', type: 'rtp', id: 5, media: MEDIA }), 454);
  t.match(await client.ask({ request: 'create', type: 'rtp', id: 'door', media: MEDIA }), {
    created: 'mp-door',
    stream: { id: 'door' },
  });
  const { stream } = (await client.ask({ request: 'create', type: 'rtp', media: [{ ...MEDIA[0], port: 0 }] })) as {
    stream: PluginData;
  };
  t.match(stream['id'], /^[0-9a-f]{8}-/);
  t.same(await client.ask({ request: 'destroy', id: 'door' }), { streaming: 'destroyed', destroyed: 'door' });
  t.equal(await client.code({ request: 'info', id: 'door' }), 455);
});

t.test('edit changes what it names', async (t) => {
  const client = await (await StreamingBench.open(t)).client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, secret: 's', description: 'd', media: MEDIA });
  const edit = (changes: object, secret = 's') => client.ask({ request: 'edit', id: 1, secret, ...changes });
  const info = async (secret = 's') =>
    ((await client.ask({ request: 'info', id: 1, secret })) as { info: PluginData }).info;

  t.same(await edit({ new_description: 'n', new_pin: 'p', new_metadata: 'm', new_is_private: true }), {
    streaming: 'edited',
    id: 1,
    permanent: false,
  });
  t.match(await info(), { description: 'n', pin: 'p', metadata: 'm', is_private: true });
  await edit({ new_description: '', new_secret: '', new_pin: '' });
  t.match(await info(), { description: 'n', secret: 's' });
  t.notOk('pin' in (await info()));
  await edit({ new_secret: 't' });

  t.equal(await client.code({ request: 'edit', id: 1, secret: 's' }), 457);
  t.match(await info('t'), { secret: 't' });
});

t.test('enable and disable', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, media: MEDIA });

  t.same(await client.ask({ request: 'disable', id: 1, stop_recording: false }), { streaming: 'ok' });
  t.match(await client.ask({ request: 'list' }), { list: [{ enabled: false }] });
  t.equal(bench.engine.sources[0]?.enabled, false);
  t.equal(await client.code({ request: 'watch', id: 1 }), 0, 'watching is still accepted');
  t.same(await client.ask({ request: 'enable', id: 1 }), { streaming: 'ok' });

  t.equal(bench.engine.sources[0]?.enabled, true);
});

t.test('multicast, interface and every field of a stream', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();

  const created = await client.ask({
    request: 'create',
    type: 'rtp',
    id: 10,
    name: 'h264-sample',
    video: true,
    videoport: 8004,
    videopt: 126,
    videocodec: 'h264',
    videofmtp: 'profile-level-id=42e01f;packetization-mode=1',
    videomcast: '232.6.7.8',
    videoiface: 'lo',
    videortcpport: 8005,
    videobufferkf: true,
    threads: 2,
  });

  t.match(created, {
    created: 'h264-sample',
    stream: { description: 'h264-sample', video_host: '232.6.7.8', video_port: 8004, video_rtcp_port: 8005 },
  });
  t.match(bench.engine.sources[0]?.options, {
    codec: 'h264',
    group: '232.6.7.8',
    interface: 'lo',
    port: 8004,
    rtcpPort: 8005,
  });
  t.match(await client.ask({ request: 'info', id: 10 }), {
    info: { host: '232.6.7.8', media: [{ mid: 'v', pt: 126, fmtp: 'profile-level-id=42e01f;packetization-mode=1' }] },
  });
  t.same(bench.warnings, []);
});

t.test('payload types 0 and -1 mean the usual one', async (t) => {
  const client = await (await StreamingBench.open(t)).client();
  for (const [id, pt] of [
    [1, 0],
    [2, -1],
  ]) {
    await client.ask({
      request: 'create',
      type: 'rtp',
      id,
      media: [{ type: 'video', mid: 'v', port: 0, codec: 'h264', pt }],
    });

    t.match(await client.ask({ request: 'info', id }), { info: { media: [{ pt: 107 }] } });
  }
});

t.test('mountpoints of the application and of clients are the same', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  bench.mountpoints.create({
    id: 1,
    description: 'ours',
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 5004 }],
  });
  await client.ask({ request: 'create', type: 'rtp', id: 2, media: [{ ...MEDIA[1] }] });

  t.match(await client.ask({ request: 'list' }), { list: [{ id: 1, description: 'ours' }, { id: 2 }] });
  t.same(
    [...bench.mountpoints].map(({ id }) => id),
    [1, 2],
  );
  await client.ask({ request: 'destroy', id: 1 });

  t.equal(bench.mountpoints.get(1), undefined);
});

t.test('options of the plugin are checked', async (t) => {
  for (const options of [{ adminKey: 5 }, { stringIds: 'yes' }, { portRange: [9, 1] }, { nonsense: 1 }]) {
    await t.rejects(StreamingBench.open(t, options as never), { code: 'HG_ERR_OPTION' });
  }
});
