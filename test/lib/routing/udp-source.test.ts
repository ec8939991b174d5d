import { networkInterfaces } from 'node:os';
import t from 'tap';
import { ResourceError } from '../../../lib/errors.js';
import { link } from '../../../lib/routing/link.js';
import { addressOf } from '../../../lib/routing/udp-source.js';
import { codec } from '../../support/fixtures.js';
import { MediaBench, turn } from '../../support/media-bench.js';
import { nativeFailure } from '../../support/native-stub.js';

const VP8 = codec('vp8');

t.test('what is asked for goes to the native side', async (t) => {
  const bench = new MediaBench();

  const source = bench.sources.createSource({
    codec: codec('l16-48'),
    port: 0,
    portRange: [20000, 20010],
    rtcpPort: 0,
    collision: 500,
    keyframeBuffer: { ms: 1000, bytes: 9 },
  });

  t.match(bench.engine.sources[0]?.options, {
    kind: 'audio',
    codec: 'l16',
    clockRate: 48000,
    port: 0,
    portMin: 20000,
    portMax: 20010,
    rtcpPort: 0,
    collision: 500,
    keyframeBufferMs: 1000,
    keyframeBufferBytes: 9,
  });
  t.same([source.port, source.rtcpPort], [20000, 20001]);
});

t.test('a port in use is named, whichever of the two it is', async (t) => {
  const { sources } = new MediaBench();
  sources.createSource({ codec: VP8, port: 5004 });

  t.throws(() => sources.createSource({ codec: VP8, port: 5004 }), {
    code: 'HG_ERR_PORT',
    message: 'UDP port 5004 cannot be used: in use',
  });
  t.throws(() => sources.createSource({ codec: VP8, port: 5006, rtcpPort: 5004 }), /5006 or 5004/);
  t.throws(() => sources.createSource({ codec: VP8, port: 5006, rtcpPort: 5006 }), ResourceError);
  t.throws(() => {
    for (let count = 0; count < 3; count++) sources.createSource({ codec: VP8, port: 0, portRange: [7000, 7001] });
  }, /any of 7000-7001 cannot be used/);
  t.equal(sources.size, 3);
});

t.test('other failures of the system are told as they are', async (t) => {
  const bench = new MediaBench();
  const fails = (failure: Error, code: string, message: RegExp): void => {
    bench.engine.createUdpSource = () => {
      throw failure;
    };
    t.throws(() => bench.sources.createSource({ codec: VP8, port: 80, group: '232.1.2.3' }), { code, message });
  };

  fails(nativeFailure('EACCES'), 'HG_ERR_PORT', /port 80 cannot be used: not allowed/);
  fails(
    nativeFailure('EMFILE', 'too many open files'),
    'HG_ERR_SYSTEM',
    /joining 232.1.2.3 on port 80 failed: too many/,
  );
  fails(nativeFailure('HG_ERR_CLOSED'), 'HG_ERR_CLOSED', /the gateway is closed/);
});

t.test('an interface is a name or an address of it, and else an error that lists them', async (t) => {
  const bench = new MediaBench();

  bench.sources.createSource({ codec: VP8, port: 5004, interface: 'lo' });
  bench.sources.createSource({ codec: VP8, port: 5006, interface: '127.0.0.1' });
  bench.sources.createSource({ codec: VP8, port: 5008, interface: 'lo', group: '232.3.4.5' });

  t.match(bench.engine.sources, [
    { options: { address: '127.0.0.1' } },
    { options: { address: '127.0.0.1' } },
    { options: { interface: 'lo', group: '232.3.4.5' } },
  ]);
  t.equal(bench.engine.sources[2]?.options.address, undefined);
  t.throws(() => bench.sources.createSource({ codec: VP8, port: 5010, interface: 'nope0' }), {
    code: 'HG_ERR_INTERFACE',
    message: new RegExp(`no network interface nope0; there are ${Object.keys(networkInterfaces()).join(', ')}`),
  });
  t.throws(() => addressOf('203.0.113.9'), { code: 'HG_ERR_INTERFACE' });
});

t.test('packets that come and stay away are told once each', async (t) => {
  const bench = new MediaBench();
  const source = bench.sources.createSource({ codec: VP8, port: 5004 });
  const native = bench.engine.sources[0];
  const heard: unknown[] = [];
  source.on('live', () => heard.push('live'));
  source.on('stalled', () => heard.push('stalled'));
  source.on('oversize', (sizes) => heard.push(sizes));

  native?.receive(true);
  native?.receive(true);
  native?.oversize(1428, 1200);
  await turn();
  t.equal(source.receiving, true);
  native?.receive(false);
  await turn();

  t.same(heard, ['live', { size: 1428, limit: 1200 }, 'stalled']);
});

t.test('closing ends the links, gives the port back, and is the end', async (t) => {
  const bench = new MediaBench();
  const source = bench.sources.createSource({ codec: VP8, port: 5004 });
  const peer = bench.peers.createPeer();
  await peer.createOffer({ sessionName: 'x', media: [{ mid: 'v', codec: VP8 }] });
  const joined = link(source, peer.track('v') as never);
  let closed = 0;
  source.on('close', () => closed++);

  source.close();
  source.close();

  t.equal(closed, 1);
  t.equal(joined.closed, true);
  t.equal(bench.sources.size, 0);
  t.doesNotThrow(() => bench.sources.createSource({ codec: VP8, port: 5004 }));
  for (const call of [
    () => source.requestKeyframe(),
    () => source.setEnabled(true),
    () => source.stats(),
    () => link(source, peer.track('v') as never),
  ]) {
    t.throws(call, { code: 'HG_ERR_CLOSED', message: /source on port 5004/ });
  }
});
