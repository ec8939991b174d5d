// janode, unmodified, works over WebSocket and over a Unix socket.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Janode, { type JanodeConnection } from 'janode';
import EchoTest from 'janode/plugins/echotest';
import Streaming from 'janode/plugins/streaming';
import t, { type Test } from 'tap';
import { type Gateway, janusUnix } from '../../lib/index.js';
import { testApp } from '../support/test-app.js';

const OFFER = readFileSync(new URL('../fixtures/sdp/publish-av-data.chromium.offer.sdp', import.meta.url), 'utf8');

Janode.Logger.setLevel('none');

/** A gateway with a mountpoint, and the URL that janode takes. */
type SetUp = (t: Test) => Promise<{ gateway: Gateway; url: string }>;

const TRANSPORTS: Record<string, SetUp> = {
  WebSocket: async (t) => {
    const { gateway, ws } = await testApp(t);
    return { gateway, url: ws };
  },
  'a Unix socket': async (t) => {
    const { gateway } = await testApp(t);
    const folder = mkdtempSync(join(tmpdir(), 'hg-janode-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'janus');
    janusUnix(gateway, { path, type: 'SOCK_DGRAM' });
    return { gateway, url: `file://${path}` };
  },
};

async function connect(t: Test, url: string): Promise<JanodeConnection> {
  const connection = await Janode.connect({ address: { url }, max_retries: 0 });
  let open = true;
  connection.once('connection_closed', () => (open = false));
  t.teardown(async () => {
    if (open) await connection.close();
  });
  return connection;
}

/** What a client that only receives answers to one of our offers. */
function answerTo(offer: string): string {
  return offer
    .replace(/a=setup:actpass/g, 'a=setup:active')
    .replace(/a=sendonly/g, 'a=recvonly')
    .replace(/^a=(ssrc|ssrc-group|msid|candidate|end-of-candidates)\b.*\r\n/gm, '');
}

for (const [name, setUp] of Object.entries(TRANSPORTS)) {
  t.test(`over ${name}: sessions and handles come and go`, async (t) => {
    const { gateway, url } = await setUp(t);
    const connection = await connect(t, url);

    t.match(await connection.getInfo(), { name: 'headgate' });
    const session = await connection.create();
    const handle = await session.attach(EchoTest);
    t.equal(gateway.sessions.size, 1);
    await handle.detach();
    await session.destroy();
    t.equal(gateway.sessions.size, 0);

    await connection.close();
  });

  t.test(`over ${name}: the echo test`, async (t) => {
    const { url } = await setUp(t);
    const session = await (await connect(t, url)).create();
    const handle = await session.attach(EchoTest);

    const started = await handle.start({ audio: true, video: true, jsep: { type: 'offer', sdp: OFFER } });
    t.equal(started.result, 'ok');
    t.equal(started.jsep.type, 'answer');
    await handle.trickle({ candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 });
    await handle.trickleComplete();
    const hungUp = once(handle, 'handle_hangup');
    await handle.hangup();
    await hungUp;

    await handle.detach();
  });

  t.test(`over ${name}: streaming`, async (t) => {
    const { url } = await setUp(t);
    const session = await (await connect(t, url)).create();
    const handle = await session.attach(Streaming);
    const video = { port: 0, pt: 96, rtpmap: 'VP8/90000' };

    const made = await handle.createRtpMountpoint({
      id: 7,
      name: 'gate',
      description: 'the gate',
      secret: 's',
      pin: '1234',
      video,
    });
    t.match(made, { id: 7, name: 'gate' });
    t.ok(Number(made.video_port) > 0);
    const media = [{ type: 'audio', mid: 'a', port: 0, pt: 111, rtpmap: 'opus/48000/2' }];
    await handle.createRtpMountpoint({ id: 8, name: 'door', media: [...media, { ...video, type: 'video', mid: 'v' }] });
    await handle.createRtpMountpoint({ id: 9, name: 'yard', video });
    const { list } = await handle.list();
    t.same(list.map(({ id }) => id).sort(), [7, 8, 9]);
    t.match(await handle.info({ id: 8 }), { id: 8, media: [{ mid: 'a' }, { mid: 'v' }] });
    await t.rejects(handle.info({ id: 10 }), { message: /^455 / });

    await handle.disable({ id: 7, secret: 's' });
    await handle.enable({ id: 7, secret: 's' });
    await t.rejects(handle.enable({ id: 7, secret: 'wrong' }));

    await t.rejects(handle.watch({ id: 7, pin: 'wrong' }));
    const watched = await handle.watch({ id: 7, pin: '1234' });
    t.match(watched, { status: 'preparing', jsep: { type: 'offer' } });
    const jsep = { type: 'answer', sdp: answerTo(watched.jsep.sdp) };
    t.match(await handle.start({ jsep }), { status: 'starting' });
    // No media came, so nothing is there to restart.
    await t.rejects(handle.watch({ id: 7, pin: '1234', restart: true }), { message: /^460 .* has not started/ });
    await handle.configure({ video: true, substream: 0, temporal: 1, fallback: 250_000 });
    t.match(await handle.pause(), { status: 'pausing' });
    t.match(await handle.switch({ id: 9 }), { switched: 'ok', id: 9 });
    t.match(await handle.stop(), { status: 'stopping' });

    await t.rejects(handle.startRecording({ id: 7, secret: 's', video: '/tmp/none' }), {
      message: /not supported yet/,
    });
    await handle.stopRecording({ id: 7, secret: 's' });
    await t.rejects(handle.destroyMountpoint({ id: 7, secret: 'wrong' }));
    t.match(await handle.destroyMountpoint({ id: 7, secret: 's' }), { id: 7 });
    await session.destroy();
  });
}
