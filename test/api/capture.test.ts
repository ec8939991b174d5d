// Captures of a real peer's packets, read with Wireshark's own tools.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { janusAdminHttp, type Gateway } from '../../lib/index.js';
import { until } from '../support/browser.js';
import { Publisher, VIDEO_PAYLOAD_TYPE } from '../support/publisher.js';
import { listen, peersOf, testApp } from '../support/test-app.js';

const missing = ['tshark', 'text2pcap'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
const skip = missing.length === 0 ? false : `${missing.join(' and ')} not installed (Debian: tshark)`;

const SECRET = 'adm';
const HEADERS = 14 + 20 + 8;
const THEIR_PORT = 1000;

interface Packet {
  in: boolean;
  rtcp: boolean;
  payloadType: number;
  ssrc: number;
  seq: number;
  rtcpTypes: number[];
  size: number;
  kept: number;
  time: number;
}

function run(tool: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: status ${String(status)}\n${stderr}`);
  return stdout;
}

/** What tshark makes of the file. */
function dissect(path: string): Packet[] {
  const fields = ['udp.srcport', 'rtp.p_type', 'rtp.ssrc', 'rtp.seq', 'rtcp.pt', 'frame.len', 'frame.cap_len'];
  const more = ['frame.time_epoch', 'ip.checksum.status'];
  const columns = [...fields, ...more].flatMap((field) => ['-e', field]);
  const decode = ['-d', `udp.port==${String(THEIR_PORT)},rtp`, '-o', 'ip.check_checksum:TRUE'];
  return run('tshark', '-r', path, ...decode, '-T', 'fields', ...columns)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [port = '', type = '', ssrc = '', seq = '', rtcp = '', size = '', kept = '', time = '', sum] =
        line.split('\t');
      if (sum !== '1') throw new Error(`tshark finds the IP checksum wrong: ${line}`);
      return {
        in: Number(port) === THEIR_PORT,
        rtcp: rtcp !== '',
        payloadType: Number(type),
        ssrc: Number(ssrc),
        seq: Number(seq),
        rtcpTypes: rtcp.split(',').map(Number),
        size: Number(size) - HEADERS,
        kept: Number(kept) - HEADERS,
        time: Number(time),
      };
    });
}

/** Packets of the video, one way: a resend has another payload type. */
const video = (packets: readonly Packet[], way: 'in' | 'out'): Packet[] =>
  packets.filter((packet) => !packet.rtcp && packet.in === (way === 'in') && packet.payloadType === VIDEO_PAYLOAD_TYPE);
const rtcpTypes = (packets: readonly Packet[], way: 'in' | 'out'): Set<number> =>
  new Set(
    packets.filter((packet) => packet.rtcp && packet.in === (way === 'in')).flatMap((packet) => packet.rtcpTypes),
  );
const gaps = (packets: readonly Packet[]): number =>
  packets.slice(1).filter(({ seq }, index) => seq !== (((packets[index]?.seq ?? 0) + 1) & 0xffff)).length;

interface Rig {
  gateway: Gateway;
  publisher: Publisher;
  folder: string;
  admin(janus: string, body?: object): Promise<{ janus: string; error?: { code: number; reason: string } }>;
}

async function rig(t: Test): Promise<Rig> {
  const { gateway, http } = await testApp(t, { adminSecret: SECRET });
  const port = await listen(t, createServer(janusAdminHttp(gateway)));
  const publisher = await Publisher.open(t, http);
  const admin: Rig['admin'] = async (janus, body = {}) => {
    const [session] = gateway.sessions.values();
    const url = `http://127.0.0.1:${String(port)}/admin/${String(session?.id)}/${String(publisher.handle)}`;
    const request = { janus, transaction: 't', admin_secret: SECRET, ...body };
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(request) });
    return (await response.json()) as Awaited<ReturnType<Rig['admin']>>;
  };
  return { gateway, publisher, folder: t.testdir(), admin };
}

/** Until so many packets came back. */
async function exchange(publisher: Publisher, count: number): Promise<void> {
  const before = await publisher.received();
  publisher.sendVideo(200);
  await until('video that comes back', async () => (await publisher.received()) >= before + count);
}

t.test('start_pcap: a peer from its first packet on, both ways, as Wireshark reads it', { skip }, async (t) => {
  const { publisher, folder, admin } = await rig(t);
  const filename = 'a.pcap';
  t.match(await admin('start_pcap', { folder, filename }), { janus: 'success' });
  const start = Date.now() / 1000;

  await publisher.connect();
  // Reports come once a second.
  await exchange(publisher, 500);
  t.match(await admin('stop_pcap'), { janus: 'success' });

  const packets = dissect(join(folder, filename));
  for (const [way, ssrc] of [
    ['in', publisher.ssrc],
    ['out', publisher.echoSsrc],
  ] as const) {
    const found = video(packets, way);
    t.ok(found.length >= 500, `${String(found.length)} packets ${way}`);
    t.ok(
      found.every((packet) => packet.ssrc === ssrc),
      `of SSRC ${String(ssrc)}`,
    );
    t.ok(
      found.every(({ size, kept }) => size === kept && size > 1200),
      'whole',
    );
    t.equal(gaps(found), 0, 'one behind the other');
  }
  // SR, RR, and transport-wide cc feedback.
  t.ok(rtcpTypes(packets, 'in').has(200));
  t.ok(rtcpTypes(packets, 'out').has(200));
  t.ok(rtcpTypes(packets, 'in').has(201));
  t.ok(rtcpTypes(packets, 'out').has(205));
  t.ok(
    packets.every(({ time }) => time >= start - 1 && time <= Date.now() / 1000 + 1),
    'at this time of day',
  );
  t.ok(
    packets.every(({ time }, index) => time >= (packets[index - 1]?.time ?? 0)),
    'in its order',
  );
  const size = statSync(join(folder, filename)).size;
  await exchange(publisher, 100);
  t.equal(statSync(join(folder, filename)).size, size, 'and nothing after the stop');
});

t.test('start_text2pcap: the lines become the same packets', { skip }, async (t) => {
  const { publisher, folder, admin } = await rig(t);
  await publisher.connect();
  const path = join(folder, 'a.txt');
  t.match(await admin('start_text2pcap', { folder, filename: 'a.txt', truncate: 40 }), { janus: 'success' });

  await exchange(publisher, 300);
  t.match(await admin('stop_text2pcap'), { janus: 'success' });

  const text = readFileSync(path, 'utf8');
  t.match(text, new RegExp(`^[IO] .* RTP \\[session=\\d+\\]\\[handle=${String(publisher.handle)}\\]\\n`));
  const converted = join(folder, 'a.pcap');
  run('text2pcap', '-q', '-D', '-F', 'pcap', '-t', '%H:%M:%S.%f', '-u', '1000,2000', path, converted);
  const packets = dissect(converted);
  t.equal(packets.length, text.split('\n').length - 1);
  for (const [way, ssrc] of [
    ['in', publisher.ssrc],
    ['out', publisher.echoSsrc],
  ] as const) {
    const found = video(packets, way);
    t.ok(found.length >= 300, `${String(found.length)} packets ${way}`);
    t.ok(found.every((packet) => packet.ssrc === ssrc && packet.kept === 40));
    t.equal(gaps(found), 0);
  }
  t.ok(packets.every(({ time }) => Math.abs(time - Date.now() / 1000) < 3600 || new Date().getHours() < 2));
});

t.test('a truncated capture knows how long the packets were', { skip }, async (t) => {
  const { publisher, folder, admin } = await rig(t);
  await publisher.connect();

  await admin('start_pcap', { folder, filename: 'a.pcap', truncate: 60 });
  await exchange(publisher, 200);
  await admin('stop_pcap');

  const packets = dissect(join(folder, 'a.pcap'));
  t.ok(video(packets, 'in').length >= 200);
  t.ok(video(packets, 'out').every(({ size, kept }) => size > 1200 && kept === 60));
});

t.test('a capture goes on after a hangup, and is continued by the next', { skip }, async (t) => {
  const { publisher, folder, admin } = await rig(t);
  const file = { folder, filename: 'a.pcap' };
  const ssrcs = [];
  for (let part = 0; part < 2; ++part) {
    t.match(await admin('start_pcap', file), { janus: 'success' });
    for (let peer = 0; peer < 2; ++peer) {
      await publisher.connect();
      await exchange(publisher, 50);
      ssrcs.push(publisher.ssrc);
      await publisher.hangup();
    }
    t.match(await admin('stop_pcap'), { janus: 'success' });
  }

  const found = video(dissect(join(folder, 'a.pcap')), 'in').map(({ ssrc }) => ssrc);
  t.same([...new Set(found)], ssrcs);
});

t.test('Peer.capture: at gateway.close() the file is complete', { skip }, async (t) => {
  const { gateway, publisher, folder } = await rig(t);
  await publisher.connect();
  const path = join(folder, 'new/folder/a.pcap');
  const capture = peersOf(gateway)[0]?.capture({ path });

  await exchange(publisher, 200);
  await gateway.close();

  t.equal(capture?.closed, true);
  t.equal(capture?.stats().dropped, 0);
  const packets = dissect(path);
  t.equal(packets.length, capture?.stats().packets);
  t.ok(video(packets, 'out').length >= 200);
});

t.test('a full disk ends the capture, and the peer goes on', { skip }, async (t) => {
  const { gateway, publisher, folder, admin } = await rig(t);
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk]).status !== 0) {
    t.pass('skipped: no file system may be mounted here');
    return;
  }
  t.teardown(() => spawnSync('umount', [disk]));
  await publisher.connect();
  const capture = peersOf(gateway)[0]?.capture({ path: join(disk, 'a.pcap') });
  const errors: string[] = [];
  capture?.on('error', ({ message }) => errors.push(message));

  publisher.sendVideo(200);
  await until('the end of the disk', () => capture?.closed === true);

  t.equal(errors.length, 1);
  t.match(errors[0], /a\.pcap: the disk is full$/);
  await exchange(publisher, 100);
  t.ok(dissect(join(disk, 'a.pcap')).length > 50, 'what was written is whole');
  t.match(await admin('start_pcap', { folder, filename: 'a.pcap' }), { janus: 'success' });
  await exchange(publisher, 100);
  t.match(await admin('stop_pcap'), { janus: 'success' });
  t.ok(dissect(join(folder, 'a.pcap')).length >= 200);
});
