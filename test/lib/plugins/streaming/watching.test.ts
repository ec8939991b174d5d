import t from 'tap';
import { fixture } from '../../../support/fixtures.js';
import { answerTo, StreamingBench, turn } from '../../../support/media-bench.js';

const status = (name: string) => ({ streaming: 'event', result: { status: name } });

async function open(t: Parameters<typeof StreamingBench.open>[0]) {
  const bench = await StreamingBench.open(t);
  for (const [id, port] of [
    [1, 5000],
    [2, 6000],
  ] as const) {
    bench.mountpoints.create({
      id,
      media: [
        { type: 'video', mid: 'v', codec: 'vp8', port: port + 4, payloadType: 100 },
        { type: 'audio', mid: 'a', codec: 'opus', port: port + 2 },
      ],
    });
  }
  const client = await bench.client();
  /** What the last peer sends: ports of the sources, 0 for none or paused. */
  const sent = () => bench.engine.peers.at(-1)?.tracks.map(({ source, paused }) => (paused ? 0 : (source?.port ?? 0)));
  return { bench, client, sent };
}

t.test('preparing, offer, starting, started, webrtcup: in this order', async (t) => {
  const { bench, client, sent } = await open(t);

  const { data, jsep } = await client.handle.request({ request: 'watch', id: 1 });
  t.same(data, status('preparing'));
  t.equal(jsep?.type, 'offer');
  t.match(jsep?.sdp, /^s=Mountpoint 1\r$/m);
  t.equal(jsep?.sdp.match(/^a=sendonly\r$/gm)?.length, 2);
  const started = await client.handle.request(
    { request: 'start' },
    { type: 'answer', sdp: fixture('sdp/av.firefox.answer.sdp') },
  );
  t.same(started.data, status('starting'));
  t.same(client.heard, []);
  bench.engine.peers[0]?.connect();
  await turn();

  t.same(client.heard, [status('started'), 'webrtcup']);
  t.same(sent(), [5004, 5002]);
  t.match(await client.ask({ request: 'info', id: 1 }), { info: { viewers: 1 } });
});

t.test('a client chooses by mid, or in the old way by kind', async (t) => {
  const { bench } = await open(t);
  const mids = async (body: object) => {
    const client = await bench.client();
    return (await client.watch({ id: 1, ...body })).match(/(?<=a=mid:)\w+/g);
  };

  t.same(await mids({ media: ['a', 'v'] }), ['v', 'a'], 'in the order of the mountpoint');
  t.same(await mids({ media: [] }), ['v', 'a']);
  t.same(await mids({ media: ['a', 'zz'] }), ['a']);
  t.same(await mids({ offer_video: false }), ['a']);
  t.same(await mids({ offer_audio: false, offer_data: false }), ['v']);
});

t.test('an offer of the client’s is ignored: we make our own', async (t) => {
  const { client } = await open(t);

  const { jsep } = await client.handle.request(
    { request: 'watch', id: 1 },
    { type: 'offer', sdp: fixture('sdp/av.offer.sdp') },
  );

  t.equal(jsep?.type, 'offer');
});

t.test('an end-to-end encrypted mountpoint says so in its offers', async (t) => {
  const { bench, client } = await open(t);
  await client.ask({
    request: 'create',
    type: 'rtp',
    id: 3,
    e2ee: true,
    media: [{ type: 'video', mid: 'v', port: 0, codec: 'vp8' }],
  });

  const { jsep } = await client.handle.request({ request: 'watch', id: 3 });

  t.equal(jsep?.e2ee, true);
  t.equal((await (await bench.client()).handle.request({ request: 'watch', id: 1 })).jsep?.e2ee, undefined);
});

t.test('pause and start', async (t) => {
  const { client, sent } = await open(t);
  await client.play({ id: 1 });

  t.same(await client.ask({ request: 'pause' }), status('pausing'));
  t.same(sent(), [0, 0]);
  t.same(await client.ask({ request: 'pause' }), status('pausing'));
  t.same(await client.ask({ request: 'start' }), status('started'));

  t.same(sent(), [5004, 5002]);
});

t.test('start before the transport is up is only starting', async (t) => {
  const { client } = await open(t);
  await client.watch({ id: 1 });

  t.same(await client.ask({ request: 'start' }), status('starting'));
});

t.test('configure sends and does not send', async (t) => {
  const { client, sent } = await open(t);
  await client.play({ id: 1 });
  const configured = { streaming: 'event', result: { event: 'configured' } };

  t.same(await client.ask({ request: 'configure', mid: 'v', send: false }), configured);
  t.same(sent(), [0, 5002]);
  await client.ask({
    request: 'configure',
    streams: [
      { mid: 'v', send: true },
      { mid: 'a', send: false },
    ],
  });
  t.same(sent(), [5004, 0]);
  await client.ask({ request: 'configure', audio: true, video: false });
  t.same(sent(), [0, 5002]);
  await client.ask({ request: 'pause' });
  await client.ask({ request: 'configure', mid: 'v', send: true });

  t.same(sent(), [0, 0], 'a pause holds for all');
});

t.test('with one stream, configure needs no mid', async (t) => {
  const { client, sent } = await open(t);
  await client.play({ id: 1, media: ['a'] });

  await client.ask({ request: 'configure', send: false });

  t.same(sent(), [0]);
});

t.test('switch keeps the PeerConnection', async (t) => {
  const { bench, client, sent } = await open(t);
  await client.play({ id: 1 });
  client.heard.length = 0;

  t.same(await client.ask({ request: 'switch', id: 2 }), { streaming: 'event', result: { switched: 'ok', id: 2 } });

  t.same(sent(), [6004, 6002]);
  t.same(client.heard, []);
  t.equal(bench.engine.livePeers.length, 1);
  t.match(await client.ask({ request: 'info', id: 1 }), { info: { viewers: 0 } });
  t.match(await client.ask({ request: 'info', id: 2 }), { info: { viewers: 1 } });
});

t.test('switch needs the same codecs, and the pin that watching would need', async (t) => {
  const { bench, client } = await open(t);
  bench.mountpoints.create({ id: 3, pin: 'p', media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 7004 }] });
  bench.mountpoints.create({ id: 4, media: [{ type: 'video', mid: 'v', codec: 'h264', port: 7006 }] });
  await client.play({ id: 1 });

  t.equal(await client.code({ request: 'switch', id: 3 }), 453);
  t.equal(await client.code({ request: 'switch', id: 3, pin: 'x' }), 457);
  t.equal(await client.code({ request: 'switch', id: 4 }), 458);
  t.match(await client.refusal({ request: 'switch', id: 4 }), /is h264, it was offered vp8/);
  t.equal(await client.code({ request: 'switch', id: 3, pin: 'p' }), 0);
});

t.test('on the wire: each ack, then its event; what ends a viewer comes before its hangup', async (t) => {
  const { bench } = await open(t);
  const wire: string[] = [];
  const session = bench.sessions.createInternal({
    transport: 'test',
    acquired: () => undefined,
    released: () => undefined,
    deliver: (event) => {
      const { janus, reason, transaction, plugindata } = event as Record<string, string | undefined>;
      const { result } = ((plugindata as { data?: unknown } | undefined)?.data ?? {}) as {
        result?: { status: string };
      };
      wire.push([janus, result?.status, reason, transaction].filter((part) => part !== undefined).join(' '));
    },
  });
  const handle = session.attach(bench.plugin, undefined);
  const send = async (body: object, transaction: string, jsep?: object) => {
    const delivery = await handle.message(body as Record<string, unknown>, jsep, transaction);
    wire.push(`${delivery.kind} ${transaction}`);
    if (delivery.kind === 'ack') await delivery.run();
  };
  const play = async () => {
    await send({ request: 'watch', id: 1 }, 't1');
    const viewer = [...(bench.mountpoints.get(1)?.viewers ?? [])][0];
    t.equal(viewer?.peer.state, 'have-local-offer');
    await send({ request: 'start' }, 't2', { type: 'answer', sdp: fixture('sdp/av.chromium.answer.sdp') });
    bench.engine.peers.at(-1)?.connect();
    await turn();
  };
  const begin = ['ack t1', 'event preparing t1', 'ack t2', 'event starting t2', 'event started', 'webrtcup'];

  await play();
  await send({ request: 'stop' }, 't3');
  await turn();
  t.same(wire.splice(0), [...begin, 'ack t3', 'event stopping t3', 'hangup Close PC']);

  await play();
  await send({ request: 'destroy', id: 1 }, 't4');
  await turn();
  t.same(wire, [...begin, 'event stopped', 'hangup Close PC', 'success t4']);
});

t.test('stop: the event and a hangup; the handle can watch again', async (t) => {
  const { bench, client, sent } = await open(t);
  await client.play({ id: 1 });
  client.heard.length = 0;
  t.same(await client.ask({ request: 'stop' }), status('stopping'));
  await turn();

  t.same(client.heard, ['hangup: Close PC']);
  t.equal(bench.engine.livePeers.length, 0);
  t.match(await client.ask({ request: 'info', id: 1 }), { info: { viewers: 0 } });
  await client.play({ id: 2 });
  t.same(sent(), [6004, 6002]);
});

t.test('stop before anything started is idle, and lets go', async (t) => {
  const { bench, client } = await open(t);
  await client.watch({ id: 1 });

  t.same(await client.ask({ request: 'stop' }), status('idle'));
  await turn();

  t.equal(bench.engine.livePeers.length, 0);
  t.equal(bench.mountpoints.get(1)?.viewers.size, 0);
  t.equal(await client.code({ request: 'watch', id: 1 }), 0);
});

t.test('destroy and kick_all tell each viewer and hang up', async (t) => {
  for (const [request, told, answer] of [
    ['destroy', 'stopped', { streaming: 'destroyed', destroyed: 1 }],
    ['kick_all', 'kicked_all', { streaming: 'kicked_all' }],
  ] as const) {
    const { bench, client } = await open(t);
    const [other, waiting] = [await bench.client(), await bench.client()];
    await client.play({ id: 1 });
    await other.play({ id: 1 });
    await waiting.watch({ id: 1 });
    for (const one of [client, other]) one.heard.length = 0;

    t.same(await (await bench.client()).ask({ request, id: 1 }), answer);
    await turn();

    for (const one of [client, other, waiting]) t.same(one.heard, [status(told), 'hangup: Close PC'], request);
    t.equal(bench.peers.size, 0);
    t.equal(await client.code({ request: 'watch', id: 2 }), 0, 'the handle is free');
  }
});

t.test('a mountpoint that the application closes ends its viewers in the same way', async (t) => {
  const { bench, client } = await open(t);
  await client.play({ id: 1 });
  client.heard.length = 0;

  bench.mountpoints.get(1)?.close();
  await turn();

  t.same(client.heard, [status('stopped'), 'hangup: Close PC']);
});

t.test('a mountpoint destroyed while its offer is being made', async (t) => {
  const { bench, client } = await open(t);
  bench.engine.gathers = false;
  const watching = client.code({ request: 'watch', id: 1 });
  await turn();

  bench.mountpoints.get(1)?.close();
  bench.engine.peers[0]?.gather();

  t.equal(await watching, 460);
  await turn();
  t.same(client.heard, [status('stopped'), 'hangup: Close PC']);
  t.equal(bench.peers.size, 0);
});

t.test('a peer that cannot gather is an error and a hangup', async (t) => {
  const { bench, client } = await open(t);
  bench.engine.gathers = false;
  const watching = client.code({ request: 'watch', id: 1 });
  await turn();

  bench.engine.peers[0]?.end('gathering-error');

  t.equal(await watching, 460);
  t.same(client.heard, ['hangup: Gathering error']);
  t.equal(bench.mountpoints.get(1)?.viewers.size, 0);
});

t.test('whoever goes away is counted no more: detach, hangup, browser closed', async (t) => {
  for (const leave of ['detach', 'hangup', 'alert'] as const) {
    const { bench, client } = await open(t);
    await client.play({ id: 1 });
    client.heard.length = 0;

    if (leave === 'detach') await client.handle.detach();
    else if (leave === 'hangup') client.handle.hangup();
    else bench.engine.peers[0]?.end('dtls-alert');
    await turn();

    t.same(client.heard, { detach: ['detached'], hangup: ['hangup: Janus API'], alert: ['hangup: DTLS alert'] }[leave]);
    t.equal(bench.mountpoints.get(1)?.viewers.size, 0);
    t.ok(bench.mountpoints.get(1)?.media.every(({ source }) => source.links.size === 0));
    t.equal(bench.peers.size, 0);
    if (leave !== 'detach') t.equal(await client.code({ request: 'watch', id: 1 }), 0);
  }
});

t.test('watching again before the transport is up is refused', async (t) => {
  const { client, sent } = await open(t);
  const offer = await client.watch({ id: 1 });
  await client.handle.request({ request: 'start' }, { type: 'answer', sdp: answerTo(offer) });

  t.equal(await client.code({ request: 'watch', id: 1 }), 460);
  t.equal(await client.code({ request: 'watch', id: 2 }), 460);
  t.same(sent(), [5004, 5002]);
});

t.test('watching the same again when established is a fresh offer, and its answer is taken', async (t) => {
  const { client, sent } = await open(t);
  await client.play({ id: 1 });

  const again = await client.watch({ id: 1 });
  t.match(again, /^o=- \d+ 2 /m);
  t.equal(await client.code({ request: 'watch', id: 1 }), 460, 'one at a time');
  t.same(
    (await client.handle.request({ request: 'start' }, { type: 'answer', sdp: answerTo(again) })).data,
    status('started'),
  );

  t.same(sent(), [5004, 5002]);
  t.equal(await client.code({ request: 'watch', id: 2 }), 460);
});

t.test('a restart of ICE is an offer with new credentials, and media goes on', async (t) => {
  const { bench, client, sent } = await open(t);
  await client.play({ id: 1 });
  t.equal(await client.code({ request: 'watch', id: 2, restart: true }), 460, 'of what is watched only');

  const { data, jsep } = await client.handle.request({ request: 'watch', id: 1, restart: true });

  t.same(data, status('updating'));
  t.match(jsep?.sdp, /^a=ice-ufrag:uF0a1\r$/m);
  t.same(sent(), [5004, 5002]);
  const answer = answerTo(jsep?.sdp ?? '').replaceAll('ufrag:client', 'ufrag:another');
  t.same((await client.handle.request({ request: 'start' }, { type: 'answer', sdp: answer })).data, status('started'));
  t.match(bench.engine.peers[0]?.remote, { ufrag: 'another' });
  t.same(sent(), [5004, 5002]);
});

t.test('viewers hear of changed metadata if the editor wants it', async (t) => {
  const { bench, client } = await open(t);
  await client.play({ id: 1 });
  client.heard.length = 0;
  const editor = await bench.client();

  await editor.ask({ request: 'edit', id: 1, new_metadata: 'm' });
  await editor.ask({ request: 'edit', id: 1, new_metadata: 'm', edited_event: true });
  t.same(client.heard, []);
  await editor.ask({ request: 'edit', id: 1, new_metadata: 'n', edited_event: true });

  t.same(client.heard, [{ event: 'edited', id: 1, metadata: 'n' }]);
});

t.test('an answer that is of no use is the core’s error 465, and a better one may follow', async (t) => {
  const { client } = await open(t);
  const offer = await client.watch({ id: 1 });
  const bad = answerTo(offer).replace(/a=fingerprint.*\r\n/, '');

  await t.rejects(client.handle.request({ request: 'start' }, { type: 'answer', sdp: bad }), {
    details: { errorCode: 465 },
    message: /has no fingerprint/,
  });
  t.same(
    (await client.handle.request({ request: 'start' }, { type: 'answer', sdp: answerTo(offer) })).data,
    status('starting'),
  );
});

t.test('six at once on one session', async (t) => {
  const { bench } = await open(t);
  const clients = await Promise.all(Array.from({ length: 6 }, () => bench.client()));

  await Promise.all(clients.map((client, index) => client.watch({ id: 1 + (index % 2) })));

  t.equal(bench.engine.livePeers.length, 6);
  t.same([bench.mountpoints.get(1)?.viewers.size, bench.mountpoints.get(2)?.viewers.size], [3, 3]);
});
