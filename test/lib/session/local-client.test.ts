import t from 'tap';

import { LobbyPlugin, OddPlugin, SDP, testGateway } from '../support/signalling.js';

t.test('a handle that detaches stops waiting', async (t) => {
  const gateway = testGateway(t);
  const ada = await gateway.local.attach('example.plugin.lobby');
  const bob = await gateway.local.attach('example.plugin.lobby');
  await ada.send({ request: 'wait', name: 'Ada' });

  await ada.detach();

  t.same(await bob.send({ request: 'wait', name: 'Bob' }), { waiting: 1 });
});

t.test('an asynchronous request ends with its event, and others hear theirs', async (t) => {
  const gateway = testGateway(t);
  const ada = await gateway.local.attach(LobbyPlugin.package);
  const bob = await gateway.local.attach(LobbyPlugin.package);
  const heard: unknown[] = [];
  ada.on('event', ({ data }) => heard.push(data));
  await ada.send({ request: 'wait', name: 'Ada' });

  t.same(await bob.send({ request: 'call', text: 'dinner' }), { told: 1 });

  t.same(heard, [{ called: 'dinner' }]);
});

t.test('an answer with a session description carries it', async (t) => {
  const gateway = testGateway(t);
  const handle = await gateway.local.attach(OddPlugin.package);

  t.same(await handle.request({ request: 'offer' }), { data: { offering: true }, jsep: { type: 'offer', sdp: SDP } });
  t.same(await handle.send({ request: 'start' }, { type: 'answer', sdp: SDP }), { started: 'answer' });
});

t.test('a request answered with nothing gives empty data', async (t) => {
  const handle = await testGateway(t).local.attach(OddPlugin.package);

  t.same(await handle.send({ request: 'silent' }), {});
});

t.test('what the plugin or the core refuses is an error', async (t) => {
  const handle = await testGateway(t).local.attach(OddPlugin.package);
  const refused = (errorCode: number) => ({ name: 'UsageError', code: 'HG_ERR_REQUEST', details: { errorCode } });

  await t.rejects(handle.send({ request: 'dance' }), refused(411));
  await t.rejects(handle.send({ request: 'plugin-error' }), refused(477));
  await t.rejects(handle.send({ request: 'reject-plugin-error' }), refused(477));
  await t.rejects(handle.send({ request: 'start' }, { type: 'answer', sdp: SDP }), refused(469));
  await t.rejects(handle.send({ request: 'start' }, { type: 'answer', sdp: 'x' }), refused(465));
});

t.test('a peer tells of itself by events', async (t) => {
  const gateway = testGateway(t);
  const handle = await gateway.local.attach(OddPlugin.package);
  const heard: unknown[] = [];
  handle
    .on('webrtcup', () => heard.push('up'))
    .on('media', (details) => heard.push(details))
    .on('slowlink', (details) => heard.push(details))
    .on('icefailed', () => heard.push('failed'))
    .on('hangup', (details) => heard.push(details));
  await handle.send({ request: 'offer' });
  const [peer] = gateway.peers;

  handle.trickle({ candidate: 'early', sdpMid: '0' });
  await handle.send({ request: 'start' }, { type: 'answer', sdp: SDP });
  handle.trickle([{ candidate: 'late', sdpMid: '0' }]);
  handle.trickle(null);
  peer?.emit('up');
  peer?.emit('media', { mid: 'v', type: 'video', substream: 2, receiving: true });
  peer?.emit('slowlink', { mid: 'v', media: 'video', uplink: true, lost: 3 });
  peer?.emit('icefailed');
  handle.hangup();

  t.same(peer?.calls, ['answer', 'early', 'late', 'end of candidates', 'close Janus API']);
  t.same(heard, [
    'up',
    { mid: 'v', type: 'video', substream: 2, receiving: true },
    { mid: 'v', media: 'video', uplink: true, lost: 3 },
    'failed',
    { reason: 'Janus API' },
  ]);
});

t.test('what a plugin pushes when attached to is heard by listeners that are added then', async (t) => {
  const gateway = testGateway(t);
  gateway.odd.onAttached = (handle) => {
    handle.push({ welcome: true });
  };
  const handle = await gateway.local.attach(OddPlugin.package);

  const heard = await new Promise((resolve) => handle.once('event', ({ data }) => resolve(data)));

  t.same(heard, { welcome: true });
});

t.test('plugins that are unknown or refuse cannot be attached to', async (t) => {
  const gateway = testGateway(t);
  await t.rejects(gateway.local.attach('nobody'), { code: 'HG_ERR_UNKNOWN' });

  gateway.odd.refuse = new Error('broken');

  await t.rejects(gateway.local.attach(OddPlugin.package), { code: 'HG_ERR_REQUEST', details: { errorCode: 461 } });
});

t.test('after detach nothing works, and doing it twice does nothing', async (t) => {
  const gateway = testGateway(t);
  const handle = await gateway.local.attach(OddPlugin.package);
  let detached = 0;
  handle.on('detached', () => void (detached += 1));
  const waiting = handle.send({ request: 'wait' });

  await handle.detach();
  await handle.detach();

  await t.rejects(waiting, { code: 'HG_ERR_CLOSED' });
  await t.rejects(handle.send({ request: 'echo' }), { code: 'HG_ERR_CLOSED' });
  t.throws(() => handle.trickle(null), { code: 'HG_ERR_CLOSED' });
  t.throws(() => handle.hangup(), { code: 'HG_ERR_CLOSED' });
  t.ok(handle.closed);
  t.equal(detached, 1);
});

t.test('neither time nor the wire reaches the session of the application', async (t) => {
  const gateway = testGateway(t, { maxSessions: 1, maxHandles: 1 });
  const handles = [await gateway.local.attach(LobbyPlugin.package), await gateway.local.attach(LobbyPlugin.package)];

  gateway.sessions.sweep(1e12);

  t.ok(handles.every(({ closed }) => !closed));
  t.equal(gateway.sessions.size, 0);
});

t.test('closing the gateway detaches the application, too', async (t) => {
  const gateway = testGateway(t);
  const handle = await gateway.local.attach(LobbyPlugin.package);
  const detached = new Promise<void>((resolve) => handle.once('detached', resolve));

  gateway.sessions.close();
  await detached;

  t.ok(handle.closed);
  await t.rejects(gateway.local.attach(LobbyPlugin.package), { code: 'HG_ERR_CLOSED' });
});
