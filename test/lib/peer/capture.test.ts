import { join } from 'node:path';
import t from 'tap';
import { ResourceError, UsageError } from '../../../lib/errors.js';
import { MediaBench, turn } from '../../support/media-bench.js';

const folder = t.testdir({ file: '' });
const path = join(folder, 'a.pcap');

t.test('a peer is captured until it ends', async (t) => {
  const { engine, peers, captures } = new MediaBench();
  const peer = peers.createPeer();
  const events: string[] = [];

  const capture = peer.capture({ path, truncate: 64 });
  capture.on('close', () => events.push('close'));

  const [native] = engine.captures;
  t.same(native?.options, { path, format: 'pcap', truncate: 64, label: '' });
  t.same(native?.peers, engine.peers);
  t.equal(peer.captured, capture);
  t.same(capture.stats(), { packets: 3, bytes: 400, dropped: 0 });
  t.equal(captures.size, 1);
  peer.close('Janus API');
  await turn();
  t.equal(capture.closed, true);
  t.equal(native?.closed, true);
  t.same(events, ['close']);
  t.equal(captures.size, 0);
  await capture.close();
});

t.test('a capture ends, and the peer goes on and can be captured again', async (t) => {
  const { engine, peers } = new MediaBench();
  const peer = peers.createPeer();
  await using first = peer.capture({ path });

  t.throws(() => peer.capture({ path: 'b' }), { code: 'HG_ERR_STATE', message: new RegExp(`captured to ${path}`) });
  const closing = first.close();
  t.equal(peer.captured, null);
  const second = peer.capture({ path: join(folder, 'b.txt'), format: 'text2pcap', label: 'x' });
  await closing;

  t.equal(peer.captured, second);
  t.match(engine.captures[1]?.options, { format: 'text2pcap', label: 'x' });
  t.equal(engine.captures.length, 2, 'none was made in vain');
  peer.close('Janus API');
  t.throws(() => peer.capture({ path }), { code: 'HG_ERR_CLOSED' });
});

t.test('a path is absolute, and its folders are made', async (t) => {
  const { captures } = new MediaBench();

  t.equal(captures.createCapture({ path: 'x.pcap' }).path, join(process.cwd(), 'x.pcap'));
  captures.createCapture({ path: join(folder, 'deep/er/a.pcap') });

  const inFile = { path: join(folder, 'file/a.pcap') };
  t.throws(() => captures.createCapture(inFile), {
    constructor: UsageError,
    code: 'HG_ERR_CAPTURE',
    message: /file\/a\.pcap: a part of the path is a file$/,
  });
});

t.test('options are checked', async (t) => {
  const { captures } = new MediaBench();
  const wrong = [
    { path: '' },
    { path: 'a\0b' },
    { path, format: 'pcapng' },
    { path, truncate: -1 },
    { path, truncate: 1.5 },
    { path, label: 'two\nlines' },
    { path, snaplen: 5 },
  ];

  for (const options of wrong) {
    t.throws(() => captures.createCapture(options as never), { code: 'HG_ERR_OPTION' }, JSON.stringify(options));
  }
});

t.test('what cannot be opened says why, and whose fault it is', async (t) => {
  const { engine, captures } = new MediaBench();
  const rows: [string, typeof UsageError | typeof ResourceError, RegExp][] = [
    ['EBUSY', UsageError, /another capture writes to it/],
    ['EEXIST', UsageError, /a file of that name that is no such capture/],
    ['ELOOP', UsageError, /a symbolic link/],
    ['EACCES', UsageError, /not allowed/],
    ['ENOSPC', ResourceError, /the disk is full/],
  ];

  for (const [code, constructor, message] of rows) {
    engine.captureFailure = code;
    t.throws(() => captures.createCapture({ path }), { constructor, code: 'HG_ERR_CAPTURE', message }, code);
  }
  t.equal(captures.size, 0);
});

t.test('a disk that is too slow or full is told, and logged', async (t) => {
  const bench = new MediaBench();
  const peer = bench.peers.createPeer();
  const capture = peer.capture({ path });
  const told: unknown[] = [];
  capture.on('full', (event) => told.push(event));
  capture.on('error', ({ code, details }) => told.push([code, details['errno']]));
  const [native] = bench.engine.captures;

  native?.fill(7);
  native?.finish('ENOSPC', 'write: no space left');
  await turn();

  t.same(told, [{ dropped: 7 }, ['HG_ERR_CAPTURE', 'ENOSPC']]);
  t.same(bench.warnings, ['a capture does not keep up']);
  t.equal(capture.closed, true);
  t.equal(peer.captured, null);
  t.equal(peer.closed, false);
});

t.test('only so many peers are captured at once', async (t) => {
  const { engine, peers, captures } = new MediaBench();
  const capture = captures.createCapture({ path });
  const [native] = engine.captures;
  if (native !== undefined) native.room = 0;
  const peer = peers.createPeer();

  t.throws(() => peer.captureTo(capture), { constructor: ResourceError, code: 'HG_ERR_CAPTURE', message: /too many/ });
  t.equal(peer.captured, null);
});

t.test('when the engine closed every capture is complete', async (t) => {
  const { captures } = new MediaBench();
  const capture = captures.createCapture({ path });

  captures.engineClosed();

  t.equal(capture.closed, true);
  await capture.close();
});
