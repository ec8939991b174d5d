// A viewer that falls silent, and what its client hears of it: real ICE, DTLS and SRTP over real sockets.
import t, { type Test } from 'tap';
import type { MediaOptions } from '../../lib/index.js';
import { addCommand, readDescription, writeAnswer } from '../../bench/janus-api.mjs';
import { until } from '../support/browser.js';
import { portOf, testApp } from '../support/test-app.js';
import { Feeder, LoadClient } from '../support/viewers.js';
import { WireClient, type HandleIds } from '../support/wire-client.js';

// They wait for ten seconds without an answer each.
t.jobs = 3;

interface Viewer {
  client: WireClient;
  ids: HandleIds;
  load: LoadClient;
}

/** In a process of its own, which can be stopped. */
async function viewer(t: Test, media: MediaOptions): Promise<Viewer> {
  const { gateway, ws } = await testApp(t, { media });
  const mountpoint = await gateway.createMountpoint({
    id: 1,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
  });
  new Feeder(t, portOf(mountpoint, 'v'), { packets: 2 });
  const client = await WireClient.connect(t, ws);
  const ids = await client.attach('janus.plugin.streaming');
  const load = new LoadClient(t);
  const { jsep } = await client.message(ids, { request: 'watch', id: 1 });
  const offer = readDescription(jsep.sdp);
  load.send(addCommand(1, offer));
  const answer = { type: 'answer', sdp: writeAnswer(offer, await load.next('local')) };
  await client.message(ids, { request: 'start' }, answer);
  await client.event(ids, 'webrtcup');
  await load.next('media');
  return { client, ids, load };
}

t.test('ICE that fails is told, and may recover', { buffered: true }, async (t) => {
  const { client, ids, load } = await viewer(t, { silentPeerTimeout: 60_000 });
  t.notOk('hangup-on-failed' in (await client.ask('info')));

  load.kill('SIGSTOP');
  const failed = await client.event(ids, 'ice-failed');
  load.kill('SIGCONT');
  load.send('mark');
  await until('media again', async () => (await load.report()).received > 100, 60);

  t.same(failed, { janus: 'ice-failed', session_id: ids.session_id, sender: ids.handle_id });
  t.notOk(client.kinds(ids).includes('hangup'), 'it goes on');
  t.equal(client.kinds(ids).filter((kind) => kind === 'webrtcup').length, 1, 'which is told once');
});

t.test('a peer that does not recover in time ends', { buffered: true }, async (t) => {
  const { client, ids, load } = await viewer(t, { silentPeerTimeout: 500 });

  load.kill('SIGSTOP');
  const hangup = await client.event(ids, 'hangup');
  load.kill('SIGCONT');

  t.match(hangup, { reason: 'ICE failed' });
  t.same(client.kinds(ids).slice(-2), ['ice-failed', 'hangup']);
});

t.test('with hangupOnFailed it ends at once', { buffered: true }, async (t) => {
  const { client, ids, load } = await viewer(t, { hangupOnFailed: true, silentPeerTimeout: 3_600_000 });
  t.match(await client.ask('info'), { 'hangup-on-failed': true });

  load.kill('SIGSTOP');
  const hangup = await client.event(ids, 'hangup');
  load.kill('SIGCONT');

  t.match(hangup, { sender: ids.handle_id, reason: 'ICE failed' });
  t.notOk(client.kinds(ids).includes('ice-failed'), 'there is no time in which it could recover');
});
