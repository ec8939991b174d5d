// Clients that mean harm, or are broken: each is answered or cut off, nothing
// grows, and viewers notice nothing.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { until } from '../support/browser.js';
import { fixture } from '../support/fixtures.js';
import { randomOf } from '../support/random.js';
import { portOf, testApp, type TestApp } from '../support/test-app.js';
import { Feeder, Viewers } from '../support/viewers.js';

const MEGABYTE = 2 ** 20;

async function rawSocket(t: Test, app: TestApp): Promise<Socket> {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function webSocket(t: Test, app: TestApp): Promise<WebSocket> {
  const socket = new WebSocket(app.ws, 'janus-protocol');
  socket.on('error', () => undefined);
  t.teardown(() => {
    socket.terminate();
  });
  await once(socket, 'open');
  return socket;
}

/** Sends; resolves with the answer, or `closed`. */
async function ask(socket: WebSocket, data: string | Buffer): Promise<Record<string, unknown> | 'closed'> {
  const answer = new Promise<Record<string, unknown> | 'closed'>((resolve) => {
    socket.once('message', (message: Buffer) => {
      resolve(JSON.parse(message.toString()) as Record<string, unknown>);
    });
    socket.once('close', () => {
      resolve('closed');
    });
  });
  socket.send(data);
  return answer;
}

async function post(app: TestApp, path: string, body: string): Promise<Record<string, unknown>> {
  const response = await fetch(app.http + path, { method: 'POST', body });
  return (await response.json()) as Record<string, unknown>;
}

t.test('viewers notice nothing of hostile clients', async (t) => {
  const app = await testApp(t);
  const mountpoint = await app.gateway.createMountpoint({
    id: 1,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
  });
  new Feeder(t, portOf(mountpoint, 'v'));
  const viewers = new Viewers(t, app.http);
  await viewers.addMany(6);
  const sessions = app.gateway.sessions.size;
  const below = randomOf(1);
  const garbage = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => below(256)));
  viewers.mark();

  await t.test('connections that send half a request, or garbage', async (t) => {
    const halves = await Promise.all(Array.from({ length: 200 }, () => rawSocket(t, app)));
    for (const socket of halves) socket.write('POST /janus HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"jan');
    for (let i = 0; i < 50; ++i) (await rawSocket(t, app)).write(garbage(2000));

    t.match(await post(app, '', '{"janus":"ping","transaction":"x"}'), { janus: 'pong' }, 'others are answered');
  });

  await t.test('WebSocket messages that are no text, no JSON, or too long', async (t) => {
    const socket = await webSocket(t, app);

    t.match(await ask(socket, garbage(1000)), { janus: 'error', error: { code: 454 } });
    t.match(await ask(socket, ' '.repeat(MEGABYTE)), { janus: 'error', error: { code: 454 } });
    t.equal(await ask(socket, 'x'.repeat(2 * MEGABYTE)), 'closed');
  });

  await t.test('frames that are none', async (t) => {
    const socket = await rawSocket(t, app);
    const key = Buffer.from('0123456789abcdef').toString('base64');
    socket.write(
      'GET /janus HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: janus-protocol\r\n\r\n`,
    );
    await once(socket, 'data');
    const closed = once(socket, 'close');
    socket.resume();
    // Of a length of 2^63 bytes.
    socket.write(Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]));

    await closed;
    t.pass('it is cut off');
  });

  await t.test('JSON that is nested deeply', async (t) => {
    const deep = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const socket = await webSocket(t, app);

    t.match(await ask(socket, '['.repeat(500_000)), { error: { code: 454 } });
    t.match(await ask(socket, `{"janus":"ping","transaction":"x","deep":${deep(100_000)}}`), { janus: 'pong' });
    t.match(await post(app, '', `{"janus":"nothing","transaction":"x","deep":${deep(100_000)}}`), {
      error: { code: 457 },
    });
    const created = await ask(socket, '{"janus":"create","transaction":"x"}');
    const { id } = (created as { data: { id: number } }).data;
    const about = `"transaction":"x","session_id":${String(id)}`;
    const attached = await ask(socket, `{"janus":"attach","plugin":"janus.plugin.streaming",${about}}`);
    const handle = (attached as { data: { id: number } }).data.id;
    const body = `{"request":"list","a":${deep(100_000)}}`;
    t.match(await ask(socket, `{"janus":"message","handle_id":${String(handle)},${about},"body":${body}}`), {
      janus: 'success',
    });
  });

  await t.test('a client that asks and never reads', async (t) => {
    const connected = once(app.server, 'connection') as Promise<[Socket]>;
    const socket = await webSocket(t, app);
    const [ours] = await connected;
    socket.pause();
    for (let i = 0; i < 60_000; ++i) socket.send('{"janus":"info","transaction":"x"}');

    await until('it to be cut off', () => ours.destroyed, 20);
    t.ok(ours.bytesWritten < 32 * MEGABYTE, `after ${String(ours.bytesWritten)} bytes`);
  });

  await t.test('hostile session descriptions', async (t) => {
    const client = app.gateway.local;
    const offer = fixture('sdp/publish-av-data.chromium.offer.sdp');
    const candidates = 'a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n'.repeat(10_000);
    const hostile = {
      'a line of 1 MB': `${offer}a=x:${'y'.repeat(MEGABYTE)}\r\n`,
      '10,000 m-lines': offer + 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:x\r\n'.repeat(10_000),
      '10,000 candidates': offer.replace(/(m=audio[^\r]*\r\n)/, `$1${candidates}`),
      NULs: offer.replaceAll('a=', '\0a='),
    };
    for (const [name, sdp] of Object.entries(hostile)) {
      const handle = await client.attach('janus.plugin.echotest');
      const heard = await handle.send({ audio: true }, { type: 'offer', sdp }).catch((error: unknown) => error);
      t.match(heard, { code: 'HG_ERR_REQUEST' }, name);
      await handle.detach();
    }
  });

  t.equal(app.gateway.sessions.size, sessions, 'sessions of those who left are gone');
  const report = await viewers.report();
  t.equal(report.connected, 6);
  t.ok(report.fewest > 100, `each got at least ${String(report.fewest)} packets meanwhile`);
  t.match(report, { lost: 0, wrong: 0, corrupt: 0 });
});
