import t from 'tap';

import { consoleLogger, silentLogger } from '../../lib/logger.js';

t.test('the console logger writes from its level on', async (t) => {
  const lines: string[] = [];
  const logger = consoleLogger('info', (line) => lines.push(line));

  logger.debug('not this');
  logger.info('text alone');
  logger.error({ err: new Error('broken'), count: 2n }, 'with details');

  t.equal(lines.length, 2);
  t.match(lines[0], /^\d{4}-\d\d-\d\dT\S+Z info {2}headgate: text alone\n$/);
  t.match(lines[1], /error headgate: with details \{"err":"Error: broken\\n.*","count":"2"\}\n$/);
});

t.test('details that are no JSON do no harm', async (t) => {
  const lines: string[] = [];
  const circle: { self?: object } = {};
  circle.self = circle;

  consoleLogger('warn', (line) => lines.push(line)).warn(circle);

  t.match(lines[0], /\[details that are no JSON\]/);
});

t.test('the silent logger takes the same calls', async (t) => {
  silentLogger.error('text');
  silentLogger.warn({ a: 1 }, 'text');
  t.pass();
});
