import t from 'tap';

import { Emitter } from '../../lib/events.js';

class Lamp extends Emitter<{ dim: [percent: number]; off: [] }> {}

t.test('listeners hear events in the order in which they came', async (t) => {
  const lamp = new Lamp();
  const heard: string[] = [];
  lamp
    .on('dim', (percent) => heard.push(`a${String(percent)}`))
    .on('dim', (percent) => heard.push(`b${String(percent)}`));

  t.equal(lamp.emit('dim', 5), true);
  t.equal(lamp.emit('off'), false);

  t.same(heard, ['a5', 'b5']);
});

t.test('once hears one event, off none', async (t) => {
  const lamp = new Lamp();
  let count = 0;
  const listener = (): void => void (count += 1);
  lamp.once('off', listener);

  lamp.emit('off');
  lamp.emit('off');
  t.equal(count, 1);

  lamp.on('off', listener).off('off', listener);
  lamp.once('off', listener).off('off', listener);
  lamp.emit('off');

  t.equal(count, 1);
  t.equal(lamp.listenerCount('off'), 0);
});

t.test('a listener that throws disturbs nobody, and its error is not lost', async (t) => {
  const lamp = new Lamp();
  let heard = false;
  lamp.on('off', () => {
    throw new Error('mine');
  });
  lamp.on('off', () => (heard = true));
  const uncaught = t.capture(process, 'nextTick', (run: () => void) => {
    t.throws(run, { message: 'mine' });
  });

  lamp.emit('off');

  t.equal(heard, true);
  t.equal(uncaught().length, 1);
});
