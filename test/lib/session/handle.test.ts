import t from 'tap';
import type { Test } from 'tap';

import { EarlyCandidates } from '../../../lib/session/early-candidates.js';
import { RemoteError, UsageError } from '../../../lib/errors.js';
import { reply } from '../../../lib/plugins/plugin.js';
import type { SessionHandle } from '../../../lib/session/handle.js';
import { SessionHandle as HandleClass } from '../../../lib/session/handle.js';
import type { SessionOwner } from '../../../lib/session/owner.js';
import type { Json, TestGateway } from '../support/signalling.js';
import { SDP, testGateway } from '../support/signalling.js';

const ANSWER = { type: 'answer', sdp: SDP };

/** A handle of the odd plugin, the gateway it is in and the events its client got. */
function setUp(
  t: Test,
  options: Parameters<typeof testGateway>[1] = {},
): { handle: SessionHandle; gateway: TestGateway; events: Json[] } {
  const gateway = testGateway(t, options);
  const events: Json[] = [];
  const owner: SessionOwner = {
    transport: 'test',
    acquired: () => undefined,
    deliver: (event) => events.push(event),
    released: () => undefined,
  };
  const handle = gateway.sessions.create(owner).attach(gateway.odd);
  return { handle, gateway, events };
}

/** Sends a request and lets it finish; resolves with the answer of a synchronous one. */
async function send(handle: SessionHandle, request: string, jsep?: unknown, transaction = 't'): Promise<Json> {
  const delivery = await handle.message({ request }, jsep, transaction);
  if (delivery.kind === 'success') return delivery.data;
  await delivery.run();
  return undefined;
}

const kinds = (events: Json[]): string[] =>
  events.map(({ janus, plugindata }) => (janus === 'event' ? Object.keys(plugindata.data).join() : janus));

t.test('an answer goes to the peer before the plugin hears of it', async (t) => {
  const { handle, gateway, events } = setUp(t);
  await send(handle, 'offer');

  await send(handle, 'start', ANSWER);

  t.same(gateway.peers[0]?.calls, ['answer']);
  t.match(events, [
    { janus: 'event', transaction: 't', sender: handle.id, jsep: { type: 'offer', sdp: SDP } },
    { plugindata: { plugin: 'example.plugin.odd', data: { started: 'answer' } } },
  ]);
});

t.test('with full trickle candidates follow the description', async (t) => {
  const { handle, gateway, events } = setUp(t, { fullTrickle: true });
  const sdp = [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=mid:a',
    'a=ice-ufrag:abcd',
    'a=candidate:1 1 udp 1 192.0.2.2 9 typ host',
    '',
  ];
  gateway.odd.requests.offer.run = async () => reply({}, { type: 'offer', sdp: sdp.join('\r\n') });
  const told: string[] = [];
  handle.on('jsep', (owner, jsep) => told.push(owner, jsep.sdp));

  await send(handle, 'offer');

  const without = sdp.filter((line) => !line.includes('candidate')).join('\r\n');
  t.match(events, [
    { janus: 'event', transaction: 't', jsep: { type: 'offer', sdp: without } },
    { janus: 'trickle', sender: handle.id, candidate: { sdpMid: 'a', sdpMLineIndex: 0, candidate: /^candidate:1 / } },
    { janus: 'trickle', sender: handle.id, candidate: { completed: true } },
  ]);
  t.equal(events.length, 3);
  t.same(told, ['local', without]);
});

t.test('an answer without an offer, and a second one, are refused', async (t) => {
  const { handle } = setUp(t);
  await t.rejects(send(handle, 'start', ANSWER), { code: 469 });
  await send(handle, 'offer');
  await send(handle, 'start', ANSWER);

  await t.rejects(send(handle, 'start', ANSWER), { code: 469 });
});

t.test('an answer the peer cannot use is refused with the reason, and another may follow', async (t) => {
  const { handle, gateway } = setUp(t);
  await send(handle, 'offer');
  const [peer] = gateway.peers;
  const errors: [Error, number][] = [
    [new RemoteError('HG_ERR_REMOTE_SDP', { reason: 'no fingerprint' }), 465],
    [new UsageError('HG_ERR_STATE', { what: 'peer 1', reason: 'not now' }), 469],
    [new Error('a mistake'), 490],
  ];

  for (const [error, code] of errors) {
    if (peer) peer.answerError = error;
    await t.rejects(send(handle, 'start', ANSWER), { code });
  }
  if (peer) peer.answerError = null;

  t.same(peer?.calls, []);
  await send(handle, 'start', ANSWER);
  t.same(peer?.calls, ['answer']);
});

t.test('an answer without trickle ends the candidates', async (t) => {
  const { handle, gateway } = setUp(t);
  await send(handle, 'offer');

  await send(handle, 'start', { ...ANSWER, trickle: false });

  t.same(gateway.peers[0]?.calls, ['answer', 'end of candidates']);
});

t.test('an offer without trickle ends the candidates once it is answered', async (t) => {
  for (const trickle of [true, false]) {
    const { handle, gateway } = setUp(t);
    await send(handle, 'start', { type: 'offer', sdp: SDP, trickle });
    handle.createPeer();
    const [peer] = gateway.peers;
    await send(handle, 'start');
    handle.trickle({ candidate: { candidate: 'early', sdpMid: '0' } });
    if (peer !== undefined) peer.state = 'stable';

    peer?.emit('negotiated');

    t.same(peer?.calls, trickle ? ['early'] : ['early', 'end of candidates']);
  }
});

t.test('an answer says in which order its rids are', async (t) => {
  const { handle, gateway } = setUp(t);
  await send(handle, 'offer');
  const [peer] = gateway.peers;
  const heard: unknown[] = [];
  if (peer !== undefined) peer.setAnswer = (...args: unknown[]) => void heard.push(args[1]);

  await send(handle, 'start', { ...ANSWER, rid_order: 'lmh' });

  t.same(heard, [{ ridOrder: 'lmh' }]);
});

const BAD_JSEP: [jsep: unknown, code: number][] = [
  [null, 455],
  ['x', 455],
  [[], 455],
  [{}, 456],
  [{ type: 'offer' }, 456],
  [{ sdp: SDP }, 456],
  [{ type: 5, sdp: SDP }, 467],
  [{ type: 'offer', sdp: 5 }, 467],
  [{ type: 'offer', sdp: SDP, trickle: 'yes' }, 467],
  [{ type: 'offer', sdp: SDP, rid_order: 5 }, 467],
  [{ type: 'offer', sdp: SDP, force_relay: 1 }, 467],
  [{ type: 'offer', sdp: SDP, e2ee: 1 }, 467],
  [{ type: 'pranswer', sdp: SDP }, 464],
  [{ type: 'offer', sdp: 'garbage' }, 465],
  [{ type: 'offer', sdp: `x${SDP}` }, 465],
  [{ type: 'offer', sdp: 'v=0\r\n' }, 465],
];

t.test('a session description is checked in the order clients know', async (t) => {
  const { handle } = setUp(t);

  for (const [jsep, code] of BAD_JSEP) await t.rejects(send(handle, 'start', jsep), { code }, JSON.stringify(jsep));
});

t.test('an offer comes to the plugin with all that was said about it', async (t) => {
  const { handle, gateway } = setUp(t);
  let seen: unknown;
  gateway.odd.requests.start.run = (_handle, _body, { jsep }) => void (seen = jsep);
  const offer = { type: 'OFFER', sdp: SDP, trickle: false, rid_order: 'lmh', force_relay: true, e2ee: true, update: 5 };

  await send(handle, 'start', { ...offer, svc: [{ mid: 'v', svc: 'L3T3' }] });
  t.same(seen, {
    type: 'offer',
    sdp: SDP,
    trickle: false,
    ridOrder: 'lmh',
    forceRelay: true,
    e2ee: true,
    svc: [{ mid: 'v', mindex: undefined, svc: 'L3T3' }],
  });

  await send(handle, 'start', { type: 'offer', sdp: SDP, svc: 'malformed' });
  t.same(seen, {
    type: 'offer',
    sdp: SDP,
    trickle: true,
    ridOrder: 'hml',
    forceRelay: false,
    e2ee: false,
    svc: undefined,
  });
});

t.test('candidates that come too early wait for the answer', async (t) => {
  const { handle, gateway } = setUp(t);
  handle.trickle({ candidate: { candidate: 'a', sdpMid: '0' } });
  await send(handle, 'offer');
  handle.trickle({ candidates: [{ candidate: 'b', sdpMLineIndex: 0 }, { candidate: 5 }, 'junk'] });
  handle.trickle({ candidate: { candidate: 7 } });
  handle.trickle({ candidate: null });
  t.same(gateway.peers[0]?.calls, []);

  await send(handle, 'start', ANSWER);

  t.same(gateway.peers[0]?.calls, ['answer', 'a', 'b', 'end of candidates']);
});

t.test('early candidates are forgotten after 45 seconds, and there is a bound', async (t) => {
  const { handle, gateway } = setUp(t);
  await send(handle, 'offer');
  const long = performance.now() - 45_000;
  handle.trickle({ candidate: { candidate: 'old', sdpMid: '0' } }, long);
  const many = Array.from({ length: 100 }, (_, index) => ({ candidate: `c${String(index)}`, sdpMid: '0' }));
  handle.trickle({ candidates: many });

  await send(handle, 'start', ANSWER);

  t.equal(gateway.peers[0]?.calls.length, 1 + EarlyCandidates.MAX);
  t.equal(gateway.peers[0]?.calls[1], 'c0');
  t.equal(handle.droppedCandidates, 100 - EarlyCandidates.MAX);
});

t.test('how long early candidates wait can be chosen', async (t) => {
  const gateway = testGateway(t, { candidatesTimeout: 5_000 });
  const owner: SessionOwner = {
    transport: 'test',
    acquired: () => undefined,
    deliver: () => undefined,
    released: () => undefined,
  };
  const handle = gateway.sessions.create(owner).attach(gateway.odd);
  await send(handle, 'offer');
  handle.trickle({ candidate: { candidate: 'old', sdpMid: '0' } }, performance.now() - 5_000);
  handle.trickle({ candidate: { candidate: 'new', sdpMid: '0' } });

  await send(handle, 'start', ANSWER);

  t.same(gateway.peers[0]?.calls, ['answer', 'new']);
});

const CANDIDATE = 'candidate:1 1 udp 2122260223 192.0.2.10 50010 typ host';
const CANDIDATES: [raw: unknown, code: number | null][] = [
  [null, null],
  ['text', null],
  [{ completed: true }, null],
  [{ candidate: CANDIDATE, sdpMid: '0' }, null],
  [{ candidate: CANDIDATE, sdpMLineIndex: 0 }, null],
  [{ candidate: 'garbage', sdpMid: '0' }, null],
  [{ candidate: '', sdpMid: '0' }, null],
  [{}, 456],
  [{ candidate: CANDIDATE }, 456],
  [{ sdpMid: '0' }, 456],
  [{ candidate: 5, sdpMid: '0' }, 467],
  [{ candidate: CANDIDATE, sdpMid: 5 }, 467],
  [{ candidate: CANDIDATE, sdpMLineIndex: 'x' }, 467],
  [{ candidate: CANDIDATE, sdpMLineIndex: -1 }, 467],
];

t.test('after negotiation a lone candidate must be right', async (t) => {
  const { handle } = setUp(t);
  await send(handle, 'offer');
  await send(handle, 'start', ANSWER);

  for (const [candidate, code] of CANDIDATES) {
    const trickle = (): void => handle.trickle({ candidate });
    if (code === null) t.doesNotThrow(trickle, JSON.stringify(candidate));
    else t.throws(trickle, { code }, JSON.stringify(candidate));
  }
  t.throws(() => handle.trickle({ candidates: {} }), { code: 467 });
  t.doesNotThrow(() => handle.trickle({ candidates: [5, {}, { candidate: 5 }] }));
});

t.test('a peer that goes up is told to the plugin first, and webrtcup follows', async (t) => {
  const { handle, gateway, events } = setUp(t);
  await send(handle, 'offer');
  await send(handle, 'start', ANSWER);
  events.length = 0;

  gateway.peers[0]?.emit('up');
  gateway.peers[0]?.emit('media', { mid: '0', type: 'audio', receiving: false, seconds: 2 });
  gateway.peers[0]?.emit('slowlink', { mid: '0', media: 'audio', uplink: true, lost: 9 });
  gateway.peers[0]?.emit('icefailed');

  t.same(kinds(events), ['flowing', 'webrtcup', 'media', 'slowlink', 'ice-failed']);
  t.same(events[4], { janus: 'ice-failed', session_id: handle.sessionId, sender: handle.id });
  t.match(events[1], { session_id: Number, sender: handle.id });
  t.match(events[2], { sender: handle.id, mid: '0', type: 'audio', receiving: false, seconds: 2 });
  t.match(events[3], { sender: handle.id, mid: '0', media: 'audio', uplink: true, lost: 9 });
});

t.test('a peer that closes is told to the plugin first, and hangup follows', async (t) => {
  const { handle, gateway, events } = setUp(t);
  await send(handle, 'offer');
  events.length = 0;

  gateway.peers[0]?.emit('close', { reason: 'DTLS alert' });

  t.same(kinds(events), ['over', 'hangup']);
  t.match(events[1], { reason: 'DTLS alert', sender: handle.id });
  t.equal(handle.peer, null);
});

t.test('after a hangup the handle can have a new peer at once', async (t) => {
  const { handle, gateway, events } = setUp(t);
  await send(handle, 'offer');
  t.throws(() => handle.createPeer(), { code: 'HG_ERR_STATE' });

  handle.hangup('Janus API');
  handle.hangup('Janus API');
  await send(handle, 'offer');
  await new Promise(setImmediate);

  t.same(kinds(events), ['offering', 'over', 'hangup', 'offering']);
  t.same(gateway.odd.calls, ['attached', 'peerClosed Janus API']);
  t.ok(handle.peer);
});

t.test('a plugin may close the peer itself and make another', async (t) => {
  const { handle, gateway, events } = setUp(t);
  await send(handle, 'offer');

  handle.peer?.close('Close PC');
  handle.createPeer();
  await new Promise(setImmediate);

  t.equal(handle.peer, gateway.peers[1]);
  t.same(kinds(events), ['offering', 'over', 'hangup']);
});

t.test('a handle that closes closes its peer, tells the plugin, and the client only of the end', async (t) => {
  const { handle, gateway, events } = setUp(t);
  await send(handle, 'offer');
  events.length = 0;

  handle.close(true);
  handle.close(true);
  handle.push({ too: 'late' });
  gateway.peers[0]?.emit('up');
  await new Promise(setImmediate);

  t.same(gateway.peers[0]?.calls, ['close Detach']);
  t.same(gateway.odd.calls, ['attached', 'peerClosed Detach', 'detached']);
  t.same(kinds(events), ['detached']);
  t.throws(() => handle.createPeer(), { code: 'HG_ERR_CLOSED' });
});

t.test('asynchronous requests of a handle run one after another, those of two handles do not wait', async (t) => {
  const { handle, gateway } = setUp(t);
  const other = [...gateway.sessions.values()][0]?.attach(gateway.odd);
  const first = send(handle, 'wait', undefined, '1');
  const second = send(handle, 'wait', undefined, '2');
  await new Promise(setImmediate);
  const { release } = gateway.odd;
  const third = other && send(other, 'wait', undefined, '3');
  await new Promise(setImmediate);
  t.same(gateway.odd.calls, ['attached', 'attached', 'begin 1', 'begin 3']);

  gateway.odd.release();
  await third;
  release();
  await first;
  await new Promise(setImmediate);
  gateway.odd.release();
  await second;

  t.same(gateway.odd.calls.slice(2), ['begin 1', 'begin 3', 'end 3', 'end 1', 'begin 2', 'end 2']);
});

t.test('requests that wait when the handle closes are not run', async (t) => {
  const { handle, gateway, events } = setUp(t);
  const first = send(handle, 'wait', undefined, '1');
  const second = send(handle, 'wait', undefined, '2');
  await new Promise(setImmediate);

  handle.close(false);
  gateway.odd.release();
  await Promise.all([first, second]);

  t.same(gateway.odd.calls, ['attached', 'begin 1', 'detached', 'end 1']);
  t.same(events, []);
});

t.test('there is a bound for requests that wait', async (t) => {
  const { handle, gateway } = setUp(t);
  const waiting = Array.from({ length: HandleClass.MAX_REQUESTS }, () =>
    handle.message({ request: 'silent' }, undefined, 't'),
  );

  t.throws(() => handle.message({ request: 'silent' }, undefined, 't'), { code: 462 });
  t.throws(() => handle.message({ request: 'late' }, undefined, 't'), { code: 462 });
  for (const delivery of waiting) if ('run' in delivery) await delivery.run();

  t.doesNotThrow(() => handle.message({ request: 'silent' }, undefined, 't'));
  t.notOk(gateway.log.some(({ level }) => level === 'error'));
});

t.test('a plugin that fails is answered for, logged, and tells no secret', async (t) => {
  const { handle, gateway, events } = setUp(t);
  const failed = { error_code: 499, error: 'the plugin failed' };

  for (const verb of ['throw', 'number', 'bigint', 'push-bigint']) {
    t.same(await send(handle, verb), failed, verb);
  }
  await send(handle, 'reject');
  t.same(await send(handle, 'plugin-error'), { error_code: 477, error: 'not today' });
  await send(handle, 'reject-plugin-error');

  t.same(
    events.map(({ transaction, plugindata }) => [transaction, plugindata.data]),
    [
      ['t', failed],
      ['t', { error_code: 477, error: 'not today' }],
    ],
  );
  t.equal(gateway.log.filter(({ level }) => level === 'error').length, 5);
});

t.test("a plugin's methods that fail stop nothing", async (t) => {
  const { handle, gateway, events } = setUp(t);
  const fail = (): never => {
    throw new Error('broken');
  };
  gateway.odd.peerUp = fail;
  gateway.odd.peerClosed = fail;
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- as a plugin's author may write it
  gateway.odd.detached = () => Promise.reject(new Error('broken'));
  await send(handle, 'offer');
  const [peer] = gateway.peers;
  events.length = 0;

  peer?.emit('up');
  peer?.emit('close', { reason: 'ICE failed' });
  handle.close(true);
  await new Promise(setImmediate);

  t.same(kinds(events), ['webrtcup', 'hangup', 'detached']);
  t.same(
    gateway.log.filter(({ level }) => level === 'error').map(({ message }) => message),
    ['peerUp failed', 'peerClosed failed', 'detached failed'],
  );
});

t.test('data is copied when it is pushed', async (t) => {
  const { handle, events } = setUp(t);
  const data = { list: [1] };

  handle.push(data);
  data.list.push(2);

  t.same(events[0].plugindata.data, { list: [1] });
  t.throws(() => handle.push([1]), { code: 'HG_ERR_PLUGIN_DATA' });
});
