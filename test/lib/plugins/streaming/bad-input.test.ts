/**
 * What clients get wrong, and the error codes they know for it. The rows of
 * Janus 1.1.2's observed answers, plus what headgate refuses on its own.
 */
import t from 'tap';
import { StreamingBench } from '../../../support/media-bench.js';

const AUDIO = { type: 'audio', mid: 'a', port: 0, codec: 'opus' };
const VIDEO = { type: 'video', mid: 'v', port: 0, codec: 'vp8' };

t.test('requests that are none', async (t) => {
  const client = await (await StreamingBench.open(t)).client();

  t.equal(await client.code({}), 453);
  t.equal(await client.code({ request: 5 }), 454);
  t.equal(await client.code({ request: 'nope' }), 452);
  t.equal(await client.code({ request: 'toString' }), 452);
});

t.test('which requests are answered at once, and which by an event', async (t) => {
  const { plugin } = await StreamingBench.open(t);
  const of = (kind: string) => Object.keys(plugin.requests).filter((verb) => plugin.requests[verb]?.kind === kind);

  t.same(of('sync'), ['list', 'info', 'create', 'edit', 'destroy', 'recording', 'enable', 'disable', 'kick_all']);
  t.same(of('async'), ['watch', 'start', 'pause', 'configure', 'switch', 'stop']);
});

t.test('create', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  await client.ask({ request: 'create', type: 'rtp', id: 7, media: [{ ...VIDEO, port: 5004 }] });
  const media = [AUDIO];
  const rows: [object, number][] = [
    [{}, 453],
    [{ type: 5 }, 454],
    [{ type: 'smoke' }, 454],
    [{ type: 'toString' }, 454],
    [{ type: 'rtp' }, 456],
    [{ type: 'rtp', media: [] }, 456],
    [{ type: 'rtp', media: {} }, 454],
    [{ type: 'rtp', media: [5] }, 453],
    [{ type: 'rtp', media: [{ ...AUDIO, type: 'smoke' }] }, 456],
    [{ type: 'rtp', media: [{ mid: 'a', port: 0 }] }, 453],
    [{ type: 'rtp', media: [{ type: 'audio', port: 0, codec: 'opus' }] }, 453],
    [{ type: 'rtp', media: [{ type: 'audio', mid: 'a', codec: 'opus' }] }, 453],
    [{ type: 'rtp', media: [{ ...AUDIO, port: 'x' }] }, 454],
    [{ type: 'rtp', media: [{ ...AUDIO, port: -1 }] }, 454],
    [{ type: 'rtp', media: [{ ...AUDIO, port: 70000 }] }, 456],
    [{ type: 'rtp', media: [{ ...VIDEO, port: 5004 }] }, 456],
    [{ type: 'rtp', media: [AUDIO, AUDIO] }, 456],
    [{ type: 'rtp', media: [{ ...AUDIO, mid: 'a b' }] }, 456],
    [{ type: 'rtp', media: [{ ...AUDIO, codec: 'vp8' }] }, 456],
    [{ type: 'rtp', media: [{ ...VIDEO, codec: 'theora' }] }, 456],
    [{ type: 'rtp', media: [{ type: 'audio', mid: 'a', port: 0 }] }, 456],
    [{ type: 'rtp', media: [{ type: 'audio', mid: 'a', port: 0, rtpmap: 'bogus' }] }, 456],
    [{ type: 'rtp', media: [{ ...AUDIO, iface: 'nope0' }] }, 456],
    [{ type: 'rtp', media: [{ ...AUDIO, mcast: 'nope' }] }, 456],
    [{ type: 'rtp', media: [{ ...AUDIO, pt: 300 }] }, 456],
    [{ type: 'rtp', media: [{ ...AUDIO, pt: 1.5 }] }, 454],
    [{ type: 'rtp', media: [{ ...AUDIO, fmtp: 'x\r\na=y' }] }, 456],
    [{ type: 'rtp', media, id: 7 }, 456],
    [{ type: 'rtp', media, id: 'abc' }, 454],
    [{ type: 'rtp', media, id: -1 }, 454],
    [{ type: 'rtp', media, srtpsuite: 48 }, 456],
    [{ type: 'rtp', media, srtpsuite: 'x' }, 454],
    [{ type: 'rtp', media, bufferkf_ms: 70000 }, 456],
    [{ type: 'rtp', media, abscapturetime_src_ext_id: 15 }, 454],
    [{ type: 'rtp', media, description: null }, 454],
    [{ type: 'rtp', media, is_private: 1 }, 454],
    [{ type: 'rtp', media, secret: 1 }, 454],
    [{ type: 'rtp', media, pin: 1 }, 454],
    [{ type: 'rtp', media, permanent: 1 }, 454],
    [{ type: 'rtp', media, permanent: true }, 470],
    [{ type: 'rtp', audio: false }, 456],
    [{ type: 'rtp', audio: 1, audioport: 0 }, 454],
    [{ type: 'rtp', audio: true }, 453],
    [{ type: 'rtp', video: true, videoport: 'x' }, 454],
    [{ type: 'rtp', audio: true, audioport: 0 }, 456],
    [{ type: 'rtp', data: true }, 453],
    [{ type: 'live' }, 453],
    [{ type: 'live', filename: 5 }, 454],
    [{ type: 'live', filename: '/nope.opus' }, 456],
    [{ type: 'live', audio: true, filename: '/etc/passwd' }, 456],
    [{ type: 'live', audio: true, filename: '/srv/../etc/x.opus' }, 456],
    [{ type: 'ondemand', audio: true, video: true, filename: '/x.opus' }, 456],
    [{ type: 'rtsp' }, 456],
    [{ type: 'rtsp', video: true }, 453],
  ];

  for (const [body, code] of rows) {
    t.equal(await client.code({ request: 'create', ...body }), code, JSON.stringify(body));
  }

  t.equal(bench.mountpoints.size, 1, 'nothing was made');
  t.equal(bench.sources.size, 1, 'and no port was kept');
});

t.test('the text names the field in the words of the wire, and what would do', async (t) => {
  const client = await (await StreamingBench.open(t)).client();
  const text = (stream: object) => client.refusal({ request: 'create', type: 'rtp', media: [{ ...VIDEO, ...stream }] });

  t.match(
    await text({ codec: 'theora' }),
    /^media\[0\]\.codec: "theora" is no video codec known here; there are vp8, vp9/,
  );
  t.match(await text({ pt: 300 }), /^media\[0\]\.pt: expected a whole number from 0 to 127, got 300/);
  t.match(await text({ mcast: 'x' }), /^media\[0\]\.mcast: expected a multicast address/);
  t.match(await text({ port: 'x' }), /^media\[0\]: "port" must be an integer/);
  t.match(await text({ iface: 'nope0' }), /no network interface nope0; there are .*lo/);
  await client.ask({ request: 'create', type: 'rtp', media: [{ ...VIDEO, port: 5004 }] });
  t.match(await text({ port: 5004 }), /UDP port 5004 cannot be used: in use/);
  t.match(
    await client.refusal({ request: 'create', type: 'rtp', video: true, videoport: 0, videocodec: 'theora' }),
    /^videocodec: "theora"/,
  );
});

t.test('what is not there yet says so', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  const rows: [object, RegExp][] = [
    [
      { type: 'rtp', media: [{ ...VIDEO, simulcast: true, port2: 0 }] },
      /^not supported yet: simulcast \(media\[0\].simulcast/,
    ],
    [{ type: 'rtp', video: true, videoport: 0, videocodec: 'vp8', videoport2: 5006 }, /simulcast \(videosimulcast/],
    [{ type: 'rtp', media: [{ type: 'data', mid: 'd', port: 0 }] }, /^not supported yet: data streams \(media\[0\]\)/],
    [{ type: 'rtp', data: true, dataport: 0 }, /^not supported yet: data streams/],
    [{ type: 'rtp', media: [AUDIO], srtpsuite: 80, srtpcrypto: 'x' }, /^not supported yet: SRTP sources/],
    [{ type: 'live', audio: true, filename: '/x.opus' }, /^not supported yet: type live/],
    [{ type: 'ondemand', audio: true, filename: '/x.alaw' }, /^not supported yet: type ondemand/],
    [{ type: 'rtsp', video: true, url: 'rtsp://127.0.0.1/x' }, /^not supported yet: type rtsp/],
  ];

  for (const [body, expected] of rows) {
    t.equal(await client.code({ request: 'create', ...body }), 456);
    t.match(await client.refusal({ request: 'create', ...body }), expected);
  }
  t.equal(bench.sources.size, 0);
  await client.ask({ request: 'create', type: 'rtp', id: 1, media: [VIDEO] });
  const record = { request: 'recording', action: 'start', id: 1, media: [{ mid: 'v', filename: '/tmp/x' }] };
  t.equal(await client.code(record), 459);
  t.match(await client.refusal(record), /^not supported yet: recording/);
});

t.test('requests about one mountpoint', async (t) => {
  const client = await (await StreamingBench.open(t)).client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, secret: 's', media: [AUDIO] });

  for (const request of ['info', 'edit', 'destroy', 'enable', 'disable', 'kick_all']) {
    t.equal(await client.code({ request }), 453, `${request} without id`);
    t.equal(await client.code({ request, id: 'x' }), 454, `${request} of a text`);
    t.equal(await client.code({ request, id: -1 }), 454);
    t.equal(await client.code({ request, id: 1.5 }), 454);
    t.equal(await client.code({ request, id: 77 }), 455, `${request} of none`);
    if (request === 'info') continue;
    t.equal(await client.code({ request, id: 1 }), 453, `${request} without secret`);
    t.equal(await client.code({ request, id: 1, secret: 3 }), 454);
    t.equal(await client.code({ request, id: 1, secret: 'S' }), 457);
  }
  for (const change of [{ new_description: 5 }, { new_is_private: 1 }, { edited_event: 1 }, { new_pin: null }]) {
    t.equal(await client.code({ request: 'edit', id: 1, secret: 's', ...change }), 454, JSON.stringify(change));
  }
  t.equal(await client.code({ request: 'edit', id: 1, secret: 's', permanent: true }), 470);
});

t.test('recording', async (t) => {
  const client = await (await StreamingBench.open(t)).client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, secret: 's', media: [AUDIO, VIDEO] });
  const rows: [object, number][] = [
    [{}, 453],
    [{ action: 5 }, 454],
    [{ action: 'start' }, 453],
    [{ id: 1 }, 453],
    [{ id: 1, action: 'bounce' }, 454],
    [{ id: 77, action: 'start' }, 455],
    [{ id: 1, action: 'start' }, 453],
    [{ id: 1, action: 'start', secret: 's' }, 452],
    [{ id: 1, action: 'stop', secret: 's' }, 452],
    [{ id: 1, action: 'start', secret: 's', media: 5 }, 454],
    [{ id: 1, action: 'start', secret: 's', media: [] }, 0],
    [{ id: 1, action: 'start', secret: 's', media: [{}] }, 0],
    [{ id: 1, action: 'start', secret: 's', video: '/tmp/x' }, 459],
    [{ id: 1, action: 'stop', secret: 's', media: [{ mid: 'v' }] }, 0],
    [{ id: 1, action: 'stop', secret: 's', video: true }, 0],
  ];

  for (const [body, code] of rows) {
    t.equal(await client.code({ request: 'recording', ...body }), code, JSON.stringify(body));
  }
});

t.test('watch', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, pin: 'p', media: [AUDIO, VIDEO] });
  await client.ask({ request: 'create', type: 'rtp', id: 2, media: [AUDIO, VIDEO] });
  const rows: [object, number][] = [
    [{}, 453],
    [{ id: 'x' }, 454],
    [{ id: 77 }, 455],
    [{ id: 1 }, 453],
    [{ id: 1, pin: 3 }, 454],
    [{ id: 1, pin: 'P' }, 457],
    [{ id: 2, media: [1] }, 454],
    [{ id: 2, media: 'v' }, 454],
    [{ id: 2, media: ['zz'] }, 452],
    [{ id: 2, offer_audio: 1 }, 454],
    [{ id: 2, offer_audio: false, offer_video: false }, 452],
    [{ id: 2, restart: 1 }, 454],
    [{ id: 2, restart: true }, 460],
    [{ id: 2, substream: 'x' }, 454],
  ];
  for (const [body, code] of rows) {
    t.equal(await client.code({ request: 'watch', ...body }), code, JSON.stringify(body));
  }
  t.equal(bench.peers.size, 0, 'none of them made a peer');

  await client.watch({ id: 2 });

  t.equal(await client.code({ request: 'watch', id: 2 }), 460);
  t.equal(await client.code({ request: 'watch', id: 1, pin: 'p' }), 460);
});

t.test('what only those who watch may ask', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  await client.ask({ request: 'create', type: 'rtp', id: 1, media: [AUDIO, VIDEO] });
  for (const request of ['start', 'pause', 'configure', 'switch'])
    t.equal(await client.code({ request }), 455, request);
  t.equal(await client.code({ request: 'switch', id: 1 }), 455);
  t.same(await client.ask({ request: 'stop' }), { streaming: 'event', result: { status: 'idle' } });

  await client.watch({ id: 1 });

  const rows: [object, number][] = [
    [{ request: 'switch' }, 453],
    [{ request: 'switch', id: 'x' }, 454],
    [{ request: 'switch', id: 77 }, 455],
    [{ request: 'configure' }, 0],
    [{ request: 'configure', streams: 'x' }, 454],
    [{ request: 'configure', streams: [5] }, 454],
    [{ request: 'configure', send: true }, 454],
    [{ request: 'configure', mid: 5 }, 454],
    [{ request: 'configure', mid: 'v', substream: 3 }, 454],
    [{ request: 'configure', mid: 'v', temporal_layer: -1 }, 454],
    [{ request: 'configure', streams: [{ mid: 'v', send: 5 }] }, 454],
    [{ request: 'configure', streams: [{ send: true }] }, 454],
    [{ request: 'configure', streams: [{ mid: 'zz', send: true }] }, 0],
    [{ request: 'configure', mid: 'v', substream: 1, fallback: 250000, min_delay: 5, max_delay: 2 }, 0],
    [{ request: 'configure', audio: 5 }, 454],
  ];
  for (const [body, code] of rows) t.equal(await client.code(body), code, JSON.stringify(body));
});
