import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

import { consoleLogger, LeveledLogger, silentLogger } from '../../lib/logger.js';

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

t.test('the levelled logger writes what its level lets through, with its context', async (t) => {
  const lines: string[] = [];
  const logger = new LeveledLogger({ level: 3, timestamps: false, prefix: 'gw ', console: (line) => lines.push(line) });

  logger.info('not this');
  logger.warn({ session: 1, handle: 2n, mountpoint: 'cam', other: [3] }, 'odd\nthing');
  logger.level = 99;
  logger.trace('all');
  logger.level = 0;
  logger.error('nothing');
  logger.level = 2;
  logger.timestamps = true;
  logger.colors = true;
  logger.error('red');

  t.same(lines.slice(0, 2), [
    'gw [WARN] [session 1, handle "2", mountpoint cam] odd thing {"other":[3]}\n',
    'gw [HUGE] all\n',
  ]);
  t.match(lines[2], /^gw \[\d{4}-.*Z\] \x1b\[31m\[ERR\]\x1b\[0m red\n$/);
  t.equal(lines.length, 3);
  t.equal(logger.level, 2);
});

t.test('log files: text and JSON lines, opened anew, and without colours', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'a.log');
  const jsonFile = join(folder, 'a.json');
  const logger = new LeveledLogger({ file, jsonFile, console: false, colors: true });
  logger.warn({ session: 5 }, 'before');
  renameSync(file, `${file}.1`);
  logger.reopen();
  logger.error({ err: new Error('broken') }, 'after');
  logger.close();
  logger.error('to nobody');

  t.match(readFileSync(`${file}.1`, 'utf8'), /^\[[^\]]+\] \[WARN\] \[session 5\] before\n$/);
  t.match(readFileSync(file, 'utf8'), /^\[[^\]]+\] \[ERR\] after \{"err":"Error: broken.*\n$/);
  const entries = readFileSync(jsonFile, 'utf8').trim().split('\n');
  t.match(
    entries.map((line) => JSON.parse(line) as object),
    [
      { time: /^\d{4}-/, level: 'warn', message: 'before', session: 5 },
      { level: 'error', message: 'after', err: /^Error: broken/ },
    ],
  );
});

t.test('a log file that cannot be written is an error at first, and no harm later', async (t) => {
  const folder = t.testdir();
  t.throws(() => new LeveledLogger({ file: join(folder, 'none/a.log') }), { code: 'HG_ERR_LOG', message: /ENOENT/ });
  t.throws(() => new LeveledLogger({ level: 8 }), { code: 'HG_ERR_OPTION' });

  // The device that is always full.
  const logger = new LeveledLogger({ file: '/dev/full', console: false });
  logger.error('lost');
  t.equal(logger.lost, 1);
  logger.close();
});
