import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { Test } from 'tap';

import { janusUnix } from '../../../lib/signalling/unix.js';
import type { JanusUnixOptions, JanusUnixServer, UnixSocketType } from '../../../lib/signalling/unix.js';
import { janusWebSocket } from '../../../lib/signalling/websocket.js';
import type { TestGateway } from '../support/signalling.js';
import { listen, LobbyPlugin, OddPlugin, testGateway, WsClient } from '../support/signalling.js';
import { UnixClient } from '../support/unix-client.js';

const TYPES: UnixSocketType[] = ['SOCK_SEQPACKET', 'SOCK_DGRAM'];

interface Setup {
  gateway: TestGateway;
  janus: JanusUnixServer;
  folder: string;
  path: string;
  /** A new client; of datagrams, bound to `name` in the folder. */
  client(name: string): Promise<UnixClient>;
}

function makeFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'hg-unix-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

function setUp(
  t: Test,
  type: UnixSocketType,
  options: Partial<JanusUnixOptions> = {},
  gatewayOptions: Parameters<typeof testGateway>[1] = {},
): Setup {
  const folder = makeFolder(t);
  const path = join(folder, 'janus');
  const gateway = testGateway(t, gatewayOptions);
  const janus = janusUnix(gateway, { path, type, ...options });
  const client = (name: string): Promise<UnixClient> =>
    UnixClient.connect(t, type, path, type === 'SOCK_DGRAM' ? join(folder, name) : undefined);
  return { gateway, janus, folder, path, client };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const type of TYPES) {
  t.test(`${type}: requests are answered, and events of a session come to its client`, async (t) => {
    const { client } = setUp(t, type);
    const [one, two] = [await client('one'), await client('two')];
    const ada = await one.attach(await one.create());
    const bob = await two.attach(await two.create());

    t.match(await one.request('message', { ...ada, body: { request: 'wait', name: 'Ada' } }), { janus: 'success' });
    t.match(await two.request('message', { ...bob, body: { request: 'call', text: 'dinner ☕' } }), { janus: 'ack' });

    t.match(await one.next(), { janus: 'event', sender: ada.handle_id, plugindata: { data: { called: 'dinner ☕' } } });
    t.match(await two.next(), { janus: 'event', sender: bob.handle_id, plugindata: { data: { told: 1 } } });
    t.equal(one.raw.split('\n')[0], '{');
    const info = await one.request('info');
    t.match(info.transports, { 'janus.transport.pfunix': { name: String, version_string: '1.2.3' } });
  });

  t.test(`${type}: what is no JSON object is told so`, async (t) => {
    const { client, janus } = setUp(t, type, { maxMessage: 1024 });
    const unix = await client('one');
    await unix.create();

    for (const [text, code] of [
      ['{"a"', 454],
      ['"x"', 454],
      ['[1]', 456],
      [Buffer.from([0xff, 0, 1, 2]), 454],
      ['x'.repeat(1025), 454],
      [`{"a":"${'x'.repeat(100_000)}"}`, 454],
    ] as const) {
      unix.send(text);
      t.match(await unix.next(), { janus: 'error', error: { code } });
    }
    t.match(await unix.request('ping'), { janus: 'pong' });
    t.equal(janus.connections, 1);
  });

  t.test(`${type}: JSON is written as asked`, async (t) => {
    const { client } = setUp(t, type, { json: 'compact' });
    const unix = await client('one');

    await unix.request('ping');

    t.equal(unix.raw, '{"janus":"pong","transaction":"t1"}');
  });

  t.test(`${type}: a session can be claimed from another transport`, async (t) => {
    const { gateway, client } = setUp(t, type);
    const server = createServer();
    janusWebSocket(gateway, server);
    const ws = await WsClient.connect(t, `${await listen(t, server)}/janus`);
    const unix = await client('one');
    const ids = await unix.attach(await unix.create());
    await unix.request('message', { ...ids, body: { request: 'wait', name: 'Ada' } });

    t.match(await ws.request('claim', { session_id: ids.session_id }), { janus: 'success' });
    await unix.request('message', { ...ids, body: { request: 'call', text: 'there' } });

    t.match(await ws.next(), { sender: ids.handle_id, plugindata: { data: { called: 'there' } } });
  });

  t.test(`${type}: a client that does not read is cut off, others are not`, async (t) => {
    const { gateway, client } = setUp(t, type, { maxBuffered: 64 * 1024 });
    const [slow, quick] = [await client('slow'), await client('quick')];
    const session = gateway.sessions.get(await slow.create());
    const handle = session?.attach(gateway.odd);
    await quick.create();
    slow.pause();

    const text = 'x'.repeat(50 * 1024);
    while (session?.closed === false) {
      handle?.push({ text });
      await turn();
    }

    t.equal(gateway.sessions.size, 1);
    t.ok(gateway.log.some(({ level, message }) => level === 'warn' && /too slow/.test(message)));
    // Those of a datagram socket share what the system lets wait.
    slow.resume();
    t.match(await quick.request('ping'), { janus: 'pong' });
  });

  t.test(`${type}: an answer that fits into no packet is an error, not silence`, async (t) => {
    const { gateway, client } = setUp(t, type, { maxBuffered: 2 ** 26 });
    const unix = await client('one');
    const session_id = await unix.create();
    const handle = gateway.sessions.get(session_id)?.attach(gateway.odd);

    handle?.push({ text: 'x'.repeat(2 ** 24) });

    t.match(await unix.next(), { janus: 'error', session_id, error: { code: 490, reason: /fits into no packet/ } });
    t.match(await unix.request('keepalive', { session_id }), { janus: 'ack' });
  });

  t.test(`${type}: close() cuts clients off, ends their sessions and removes the file`, async (t) => {
    const { gateway, janus, client, path } = setUp(t, type);
    const unix = await client('one');
    await unix.create();
    let closes = 0;
    janus.on('close', () => void (closes += 1));
    t.ok(statSync(path).isSocket());

    await Promise.all([janus.close(), janus.close()]);

    t.ok(janus.closed);
    t.equal(closes, 1);
    t.equal(janus.connections, 0);
    t.equal(gateway.sessions.size, 0);
    t.throws(() => statSync(path), { code: 'ENOENT' });
    if (type === 'SOCK_SEQPACKET') await unix.ended;
    janusUnix(gateway, { path, type });
    t.match(await (await client('two')).request('ping'), { janus: 'pong' }, 'the path is free');
  });

  t.test(`${type}: the socket closes with the gateway`, (t) => {
    const { gateway, janus, path } = setUp(t, type);

    gateway.sessions.close();

    t.ok(janus.closed);
    t.throws(() => statSync(path), { code: 'ENOENT' });
    t.end();
  });

  t.test(`${type}: the umask says who may connect`, (t) => {
    const before = process.umask(0o027);
    const { path } = setUp(t, type);
    process.umask(before);

    t.equal(statSync(path).mode & 0o777, 0o750);
    t.end();
  });

  t.test(`${type}: what cannot be listened at is told`, (t) => {
    const { gateway, path, folder } = setUp(t, type);
    const failing = (options: Partial<JanusUnixOptions>) => () => janusUnix(gateway, { path, ...options });
    const file = join(folder, 'file');
    writeFileSync(file, '');

    t.throws(failing({}), { code: 'HG_ERR_SYSTEM', message: /another socket is open there/ });
    t.throws(failing({ type: 'SOCK_DGRAM' }), { code: 'HG_ERR_SYSTEM', message: /another socket/ });
    t.throws(failing({ path: file }), { code: 'HG_ERR_SYSTEM', message: /no socket/ });
    t.throws(failing({ path: join(folder, 'no/such') }), { code: 'HG_ERR_SYSTEM', message: /No such file/ });
    t.throws(failing({ path: `/${'x'.repeat(107)}` }), { code: 'HG_ERR_OPTION', message: /too long/ });
    t.throws(failing({ path: '' }), { code: 'HG_ERR_OPTION' });
    t.throws(failing({ type: 'SOCK_STREAM' as UnixSocketType }), { code: 'HG_ERR_OPTION' });
    t.end();
  });
}

t.test('a connection that ends takes its sessions with it', async (t) => {
  const { gateway, janus, client } = setUp(t, 'SOCK_SEQPACKET');
  const [one, two] = [await client('one'), await client('two')];
  await one.attach(await one.create(), OddPlugin.package);
  await one.create();
  const kept = await two.create();
  let left = 2;
  const ended = new Promise<void>((resolve) => gateway.sessions.on('ended', () => void (--left === 0 && resolve())));

  await one.kill();
  await ended;

  t.same(
    [...gateway.sessions.values()].map(({ id }) => id),
    [kept],
  );
  t.same(gateway.odd.calls, ['attached', 'detached']);
  t.equal(janus.connections, 1);
});

t.test('an empty packet ends a connection', async (t) => {
  const { gateway, client } = setUp(t, 'SOCK_SEQPACKET');
  const unix = await client('one');
  await unix.create();

  unix.send('');
  await unix.ended;

  t.equal(gateway.sessions.size, 0);
});

t.test('with a reclaim timeout a session outlives its connection', async (t) => {
  const { gateway, client } = setUp(t, 'SOCK_SEQPACKET', {}, { reclaimSessionTimeout: 10_000 });
  const [one, two] = [await client('one'), await client('two')];
  const ids = await one.attach(await one.create());
  const session = gateway.sessions.get(ids.session_id);

  await one.kill();
  while (session?.owner !== null) await turn();

  t.match(await two.request('claim', { session_id: ids.session_id }), { janus: 'success' });
});

t.test('a datagram client is its address: sessions outlive it until they time out', async (t) => {
  const { gateway, janus, client, folder } = setUp(t, 'SOCK_DGRAM');
  const [one, two] = [await client('one'), await client('two')];
  const ids = await one.attach(await one.create());
  await one.request('message', { ...ids, body: { request: 'wait', name: 'Ada' } });
  await one.kill();
  rmSync(join(folder, 'one'));

  t.match(await two.request('message', { ...ids, body: { request: 'call', text: 'lost' } }), { janus: 'ack' });
  t.match(await two.request('keepalive', { session_id: ids.session_id }), { janus: 'ack' });
  const again = await client('one');
  await two.request('message', { ...ids, body: { request: 'call', text: 'found' } });
  t.match(await again.next(), { sender: ids.handle_id, plugindata: { data: { called: 'found' } } });
  t.match(await again.next(), { sender: ids.handle_id, plugindata: { data: { told: 1 } } });
  gateway.sessions.sweep(performance.now() + 120_000);

  t.match(await again.next(), { janus: 'timeout', session_id: ids.session_id });
  await turn();
  t.equal(janus.connections, 0, 'an address without sessions is forgotten');
});

t.test('a datagram client without sessions is forgotten, whatever it asked for', async (t) => {
  const { gateway, janus, client } = setUp(t, 'SOCK_DGRAM', { maxMessage: 1024 });
  const unix = await client('one');

  unix.send('');
  t.match(await unix.next(), { error: { code: 454 } });
  unix.send('x'.repeat(2000));
  t.match(await unix.next(), { error: { code: 454 } });
  // Both at once: the first must not be the last.
  unix.send({ janus: 'ping', transaction: 'a' });
  unix.send({ janus: 'ping', transaction: 'b' });
  t.same([(await unix.next()).transaction, (await unix.next()).transaction], ['a', 'b']);
  await turn();
  t.equal(janus.connections, 0);
  const ids = await unix.attach(await unix.create(), OddPlugin.package);
  const other = await client('two');
  const before = gateway.odd.release;
  const late = other.request('message', { ...ids, body: { request: 'late' } });
  while (gateway.odd.release === before) await turn();
  await turn();
  t.equal(janus.connections, 2, 'one waits for its answer');
  gateway.odd.release();
  t.match(await late, { janus: 'success' });
  t.equal(janus.connections, 1);
  t.match(await unix.request('destroy', { session_id: ids.session_id }), { janus: 'success' });
  await turn();

  t.equal(janus.connections, 0);
});

t.test('a storm of connections and garbage leaves nothing behind', async (t) => {
  const { gateway, janus, client } = setUp(t, 'SOCK_SEQPACKET');
  const unix = await client('one');
  await unix.attach(await unix.create(), LobbyPlugin.package);
  const files = readdirSync('/proc/self/fd').length;

  await unix.storm(3000);
  t.match(await unix.request('ping'), { janus: 'pong' });
  while (janus.connections > 1) await turn();

  t.equal(readdirSync('/proc/self/fd').length, files);
  t.equal(gateway.sessions.size, 1);
});

t.test('the file of a process that was killed is replaced, that of one that exits is gone', async (t) => {
  const folder = makeFolder(t);
  const path = join(folder, 'janus');
  const script = (end: string): string => `
    import { Gateway, janusUnix } from ${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)};
    const gateway = await Gateway.open({ media: { threads: 1 } });
    janusUnix(gateway, { path: ${JSON.stringify(path)} });
    ${end}`;
  const run = (end: string): Promise<unknown> =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(end)]).catch((error: unknown) => error);

  t.match(await run("process.kill(process.pid, 'SIGKILL')"), { signal: 'SIGKILL' });
  t.ok(statSync(path).isSocket());
  t.match(await run('process.exit(0)'), { stderr: '' });
  t.throws(() => statSync(path), { code: 'ENOENT' });
  t.match(await run('await gateway.close()'), { stderr: '' });
  t.throws(() => statSync(path), { code: 'ENOENT' });
});
