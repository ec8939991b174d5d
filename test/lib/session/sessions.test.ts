import t from 'tap';

import type { SessionOwner } from '../../../lib/session/owner.js';
import type { SessionEnd } from '../../../lib/session/session.js';
import { testGateway } from '../support/signalling.js';

class TestOwner implements SessionOwner {
  readonly transport = 'test';
  readonly events: object[] = [];
  releases = 0;
  acquired(): void {
    // nothing to prepare
  }
  deliver(event: object): void {
    this.events.push(event);
  }
  released(): undefined {
    this.releases += 1;
  }
}

t.test('ids are random, below 2^53 and never those of others', async (t) => {
  const { sessions, lobby } = testGateway(t);
  const ids = Array.from({ length: 100 }, () => {
    const session = sessions.create(new TestOwner());
    return [session.id, session.attach(lobby).id];
  }).flat();

  t.equal(new Set(ids).size, 200);
  t.ok(ids.every((id) => Number.isSafeInteger(id) && id > 0));
  t.ok(ids.some((id) => id > 2 ** 50));
});

t.test('a client may choose the id of its session, once', async (t) => {
  const { sessions } = testGateway(t);

  t.equal(sessions.create(new TestOwner(), 7).id, 7);
  t.throws(() => sessions.create(new TestOwner(), 7), { code: 468 });
});

t.test('a silent session times out, and its owner hears of it and of nothing else', async (t) => {
  const { sessions, lobby } = testGateway(t, { sessionTimeout: 60_000 });
  const owner = new TestOwner();
  const session = sessions.create(owner, 0, 0);
  const ends: [number, SessionEnd][] = [];
  sessions.on('ended', ({ id }, reason) => ends.push([id, reason]));
  session.attach(lobby);

  sessions.sweep(59_999);
  t.equal(sessions.size, 1);
  session.touch(30_000);
  sessions.sweep(89_999);
  t.equal(sessions.size, 1);
  sessions.sweep(90_000);

  t.equal(sessions.size, 0);
  t.ok(session.closed);
  t.same(owner.events, [{ janus: 'timeout', session_id: session.id }]);
  t.equal(owner.releases, 1);
  t.same(ends, [[session.id, 'timeout']]);
});

t.test('a session timeout of 0 is none', async (t) => {
  const { sessions } = testGateway(t, { sessionTimeout: 0 });
  sessions.create(new TestOwner(), 0, 0);

  sessions.sweep(1e12);

  t.equal(sessions.size, 1);
});

t.test('the watchdog looks for timeouts by itself', async (t) => {
  const { sessions } = testGateway(t, { sessionTimeout: 1, watchdogInterval: 10 });
  // The watchdog alone keeps no process alive.
  const awake = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(awake));
  const ended = new Promise((resolve) => sessions.once('ended', (_session, reason) => resolve(reason)));

  sessions.create(new TestOwner());

  t.equal(await ended, 'timeout');
});

t.test('without a reclaim timeout a session ends with its owner', async (t) => {
  const { sessions } = testGateway(t);
  const session = sessions.create(new TestOwner());

  sessions.lost(session);

  t.ok(session.closed);
});

t.test('with a reclaim timeout a session waits to be claimed, and loses its events until then', async (t) => {
  const { sessions, lobby } = testGateway(t, { reclaimSessionTimeout: 10_000, sessionTimeout: 0 });
  const [first, second] = [new TestOwner(), new TestOwner()];
  const session = sessions.create(first, 0, 0);
  const handle = session.attach(lobby);

  sessions.lost(session, 1_000);
  handle.push({ lost: true });
  sessions.sweep(10_999);
  session.claim(second);
  sessions.sweep(1e9);
  handle.push({ found: true });

  t.notOk(session.closed);
  t.same(first.events, []);
  t.match(second.events, [{ plugindata: { data: { found: true } } }]);
  t.equal(second.events.length, 1);
});

t.test('a session nobody claims in time ends', async (t) => {
  const { sessions } = testGateway(t, { reclaimSessionTimeout: 10_000, sessionTimeout: 0 });
  const session = sessions.create(new TestOwner(), 0, 0);

  sessions.lost(session, 1_000);
  session.touch(5_000);
  sessions.sweep(14_999);
  t.notOk(session.closed);
  sessions.sweep(15_000);

  t.ok(session.closed);
});

t.test('claiming what one owns changes nothing', async (t) => {
  const { sessions } = testGateway(t);
  const owner = new TestOwner();
  const session = sessions.create(owner);

  session.claim(owner);

  t.equal(session.owner, owner);
  t.equal(owner.releases, 0);
});

t.test('events wait while a request is answered', async (t) => {
  const { sessions, lobby } = testGateway(t);
  const owner = new TestOwner();
  const session = sessions.create(owner);
  const handle = session.attach(lobby);

  session.hold();
  session.hold();
  handle.push({ n: 1 });
  session.resume();
  handle.push({ n: 2 });
  t.same(owner.events, []);
  session.resume();

  t.match(owner.events, [{ plugindata: { data: { n: 1 } } }, { plugindata: { data: { n: 2 } } }]);
});

t.test('ending a session detaches its handles from their plugins, silently', async (t) => {
  const { sessions, odd } = testGateway(t);
  const owner = new TestOwner();
  const session = sessions.create(owner);
  const handles = [session.attach(odd), session.attach(odd)];

  session.close('destroyed');
  session.close('destroyed');

  t.same(odd.calls, ['attached', 'attached', 'detached', 'detached']);
  t.ok(handles.every(({ closed }) => closed));
  t.same(owner.events, []);
  t.equal(session.handles.size, 0);
});

t.test('a plugin that refuses leaves no handle behind', async (t) => {
  const { sessions, odd } = testGateway(t);
  const session = sessions.create(new TestOwner());
  odd.refuse = new Error('broken');

  t.throws(() => session.attach(odd), { code: 461 });

  t.equal(session.handles.size, 0);
  t.same(odd.calls, ['attached']);
});

t.test('there are bounds for sessions and handles', async (t) => {
  const { sessions, lobby } = testGateway(t, { maxSessions: 2, maxHandles: 2 });
  const [first] = [sessions.create(new TestOwner()), sessions.create(new TestOwner())];

  t.throws(() => sessions.create(new TestOwner()), { code: 490 });
  const handle = first.attach(lobby);
  first.attach(lobby);
  t.throws(() => first.attach(lobby), { code: 490 });
  handle.close(false);
  t.ok(first.attach(lobby));
});

t.test('while it drains, a gateway keeps its sessions and takes no more', async (t) => {
  const { sessions } = testGateway(t);
  const session = sessions.create(new TestOwner());

  sessions.accepting = false;

  t.throws(() => sessions.create(new TestOwner()), { code: 472 });
  t.equal(sessions.get(session.id), session);
});

t.test('closing ends everything, once', async (t) => {
  const { sessions } = testGateway(t);
  const ends: SessionEnd[] = [];
  let closes = 0;
  sessions.on('ended', (_session, reason) => ends.push(reason)).on('close', () => void (closes += 1));
  sessions.create(new TestOwner());
  sessions.create(new TestOwner());

  sessions.close();
  sessions.close();

  t.same(ends, ['gateway closed', 'gateway closed']);
  t.equal(closes, 1);
  t.throws(() => sessions.create(new TestOwner()), { code: 472 });
});

t.test('unknown options are refused', async (t) => {
  t.throws(() => testGateway(t, { sesionTimeout: 1 } as object), { code: 'HG_ERR_OPTION' });
});
