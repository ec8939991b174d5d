import t from 'tap';
import type { DataChannel } from '../../../lib/peer/peer.js';
import { fixture } from '../../support/fixtures.js';
import { MediaBench, turn } from '../../support/media-bench.js';

const OFFER = fixture('sdp/publish-av-data.chromium.offer.sdp');

async function answered(sdp = OFFER) {
  const bench = new MediaBench();
  const peer = bench.peers.createPeer({ offering: false });
  await peer.createAnswer(sdp, { wishFor: () => undefined, data: true });
  const native = bench.engine.peers[0] ?? t.bailout('no native peer');
  return { peer, native: native as Exclude<typeof native, void> };
}

/** A channel that the other side opened. */
async function opened() {
  const { peer, native } = await answered();
  const channels: DataChannel[] = [];
  peer.on('datachannel', (channel) => channels.push(channel));
  const stub = native.openChannel({ label: 'chat', protocol: 'p', ordered: false, maxRetransmits: 3 });
  await turn();
  const channel = channels[0] ?? t.bailout('no channel');
  return { peer, native, stub, channel: channel as Exclude<typeof channel, void> };
}

t.test('data channels alone need no SRTP', async (t) => {
  const { native } = await answered();

  t.equal(native.sctpPort, 5000);
  t.equal(native.remote?.media, false);
});

t.test('a channel of the other side comes with all that it says', async (t) => {
  const { peer, channel } = await opened();

  t.match(channel, { label: 'chat', protocol: 'p', ordered: false, maxRetransmits: 3, readyState: 'open', id: 0 });
  t.same([...peer.dataChannels], [channel]);
});

t.test('messages go both ways', async (t) => {
  const { native, stub, channel } = await opened();
  const got: (string | Uint8Array)[] = [];
  channel.on('message', (data) => got.push(data));

  native.receive(stub, 'hello');
  native.receive(stub, Buffer.from([1, 2]));
  await turn();

  t.same(got, ['hello', Buffer.from([1, 2])]);
  t.equal(channel.send('answer'), true);
  t.same(stub.sent, ['answer']);
});

t.test('who has no room says so, and when there is some again', async (t) => {
  const { native, stub, channel } = await opened();
  let low = 0;
  channel.on('low', () => ++low);
  stub.full = true;

  t.equal(channel.send('x'), false);
  native.becameLow(stub);
  await turn();

  t.equal(low, 1);
  t.equal(channel.send('x'), true);
});

t.test('nothing larger is sent than the other side takes', async (t) => {
  const { channel } = await opened();

  t.equal(channel.send('x'.repeat(262_144)), true);
  t.throws(() => channel.send('ü'.repeat(131_073)), { code: 'HG_ERR_OPTION' });
  t.throws(() => channel.send(new Uint8Array(262_145)), { code: 'HG_ERR_OPTION' });
});

t.test('a channel of ours opens when the other side agrees', async (t) => {
  const { peer, native } = await answered();
  const channel = peer.createDataChannel('ours', { maxPacketLifeTime: 100 });
  const [stub] = native.channels;
  let opens = 0;
  channel.on('open', () => ++opens);
  t.equal(channel.readyState, 'connecting');
  t.throws(() => channel.send('too early'), { code: 'HG_ERR_STATE' });

  if (stub) native.opened(stub);
  await turn();

  t.match(stub, { label: 'ours', ordered: true, maxPacketLifeTime: 100, maxRetransmits: undefined });
  t.equal(opens, 1);
  t.equal(channel.send('now'), true);
});

t.test('options that cannot be are refused', async (t) => {
  const { peer } = await answered();
  for (const options of [{ maxRetransmits: -1 }, { maxRetransmits: 1.5 }, { maxPacketLifeTime: 65_536 }]) {
    t.throws(() => peer.createDataChannel('x', options), { code: 'HG_ERR_OPTION' });
  }
  t.throws(() => peer.createDataChannel('x', { maxRetransmits: 1, maxPacketLifeTime: 1 }), { code: 'HG_ERR_OPTION' });
  t.throws(() => peer.createDataChannel('x'.repeat(2049)), { code: 'HG_ERR_OPTION' });
});

t.test('a closed channel is of no use any more', async (t) => {
  const { native, stub, channel } = await opened();
  let closes = 0;
  channel.on('close', () => ++closes);

  channel.close();
  channel.close();

  t.equal(stub.closed, true);
  t.throws(() => channel.send('x'), { code: 'HG_ERR_CLOSED' });
  native.closeChannel(stub);
  await turn();
  t.equal(closes, 1);
  t.equal(channel.closed, true);
});

t.test('channels end with their peer', async (t) => {
  const { peer, native, stub, channel } = await opened();
  let closes = 0;
  channel.on('close', () => ++closes);

  peer.close('Close PC');
  native.receive(stub, 'late');
  await turn();

  t.equal(closes, 1);
  t.same([...peer.dataChannels], []);
  t.throws(() => peer.createDataChannel('x'), { code: 'HG_ERR_CLOSED' });
});

t.test('channels are piped natively; those that may lose messages may drop them', async (t) => {
  const one = await opened();
  const other = await opened();
  const reliable = one.peer.createDataChannel('reliable');

  one.channel.pipe(other.channel);
  reliable.pipe(other.channel);

  t.match(one.stub.pipes, [{ target: other.stub, mayDrop: true }]);
  t.match(one.native.channels[1]?.pipes, [{ target: other.stub, mayDrop: false }]);
  one.channel.unpipe();
  t.same(one.stub.pipes, []);
});

t.test('a peer can be made to wait', async (t) => {
  const { peer, native } = await answered();

  peer.pauseData();
  t.equal(native.dataPaused, true);
  peer.resumeData();
  t.equal(native.dataPaused, false);
});
