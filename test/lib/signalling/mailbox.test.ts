import t from 'tap';

import { silentLogger } from '../../../lib/logger.js';
import type { Poll } from '../../../lib/signalling/mailbox.js';
import { Mailbox } from '../../../lib/signalling/mailbox.js';

class TestPoll implements Poll {
  answers: unknown[] = [];
  constructor(readonly max = 1) {}
  answer(events: readonly object[]): void {
    this.answers.push(events);
  }
}

const event = (n: number): object => ({ n });

t.test('the poll that waits longest gets the event', async (t) => {
  const mailbox = new Mailbox(silentLogger);
  const [first, second] = [new TestPoll(), new TestPoll()];
  mailbox.poll(first);
  mailbox.poll(second);

  mailbox.deliver(event(1));
  t.same([first.answers, second.answers], [[[event(1)]], []]);
  mailbox.deliver(event(2));

  t.same([first.answers, second.answers], [[[event(1)]], [[event(2)]]]);
});

t.test('events that wait are taken in order, as many as the poll wants', async (t) => {
  const mailbox = new Mailbox(silentLogger);
  for (const n of [1, 2, 3]) mailbox.deliver(event(n));
  const [two, many] = [new TestPoll(2), new TestPoll(10)];

  mailbox.poll(two);
  mailbox.poll(many);

  t.same(two.answers, [[event(1), event(2)]]);
  t.same(many.answers, [[event(3)]]);
});

t.test('a poll that was cancelled gets nothing', async (t) => {
  const mailbox = new Mailbox(silentLogger);
  const poll = new TestPoll();
  mailbox.poll(poll);

  t.equal(mailbox.cancel(poll), true);
  t.equal(mailbox.cancel(poll), false);
  mailbox.deliver(event(1));

  t.same(poll.answers, []);
  t.equal(mailbox.size, 1);
});

t.test('events that did not arrive are the first to go again', async (t) => {
  const mailbox = new Mailbox(silentLogger);
  mailbox.deliver(event(3));

  mailbox.putBack([event(1), event(2)]);
  const poll = new TestPoll(5);
  mailbox.poll(poll);

  t.same(poll.answers, [[event(1), event(2), event(3)]]);
});

t.test('a mailbox that is given up sends its polls away and hands over its events', async (t) => {
  const mailbox = new Mailbox(silentLogger);
  const poll = new TestPoll();
  mailbox.poll(poll);
  t.same(mailbox.released(), []);
  t.same(poll.answers, [[]]);

  mailbox.deliver(event(1));

  t.same(mailbox.released(), [event(1)]);
  t.equal(mailbox.size, 0);
});

t.test('there is a bound for events; the oldest make room, and that is said once', async (t) => {
  const warnings: unknown[] = [];
  const total = { droppedEvents: 4 };
  const mailbox = new Mailbox({ ...silentLogger, warn: (text: unknown) => void warnings.push(text) }, '', total);

  for (let n = 0; n < Mailbox.MAX_EVENTS + 3; n++) mailbox.deliver(event(n));
  const poll = new TestPoll();
  mailbox.poll(poll);

  t.equal(mailbox.dropped, 3);
  t.equal(total.droppedEvents, 7);
  t.same(poll.answers, [[event(3)]]);
  t.equal(warnings.length, 1);
});

t.test('there is a bound for polls; the oldest is sent away', async (t) => {
  const mailbox = new Mailbox(silentLogger);
  const polls = Array.from({ length: Mailbox.MAX_POLLS + 1 }, () => new TestPoll());

  for (const poll of polls) mailbox.poll(poll);

  t.same(polls[0]?.answers, [[]]);
  t.equal(mailbox.polls, Mailbox.MAX_POLLS);
});
