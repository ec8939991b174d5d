import t from 'tap';
import { EventBus } from '../../../lib/session/event-bus.js';

t.test('listeners get their kind, those of "event" all', async (t) => {
  let wanted = 0;
  const bus = new EventBus('server', () => (wanted += 1));
  const sessions: unknown[] = [];
  const all: unknown[] = [];

  t.notOk(bus.wants('session'));
  bus.on('session', (event) => sessions.push(event));
  t.ok(bus.wants('session'));
  t.notOk(bus.wants('handle'));
  bus.once('event', (event) => all.push(event));
  t.ok(bus.wants('handle'));
  bus.tell('session', { sessionId: 5, timestamp: 7 }, { name: 'destroyed' });
  bus.tell('session', { sessionId: 6 }, { name: 'destroyed' });

  t.equal(wanted, 2);
  const first = { emitter: 'server', type: 1, timestamp: 7, session_id: 5, event: { name: 'destroyed' } };
  t.same(all, [first]);
  t.match(sessions, [first, { session_id: 6 }]);
  t.equal(JSON.stringify(sessions[0]), JSON.stringify(first), 'members in the order of Janus');
  t.notOk(bus.wants('handle'), 'once is over');
});

t.test('times are of the wall clock, in microseconds', async (t) => {
  const bus = new EventBus('server', () => undefined);
  const times: number[] = [];
  bus.on('external', ({ timestamp }) => times.push(timestamp));

  bus.tell('external', {}, { schema: 's', data: {} });

  t.ok(Number.isSafeInteger(times[0]));
  t.ok(Math.abs((times[0] ?? 0) / 1000 - Date.now()) < 60_000);
});
