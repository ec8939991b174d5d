import t from 'tap';

import { UsageError } from '../../lib/errors.js';
import { option, readOptions } from '../../lib/options.js';

const SPEC = {
  name: option.string({ default: 'x' }),
  port: option.optional(option.integer({ min: 1, max: 65535 })),
  ratio: option.number({ min: 0, default: 0.5 }),
  on: option.boolean({ default: false }),
  mode: option.oneOf(['a', 'b'], { default: 'a' }),
  ports: option.portRange({ default: [10, 20] }),
  hosts: option.list(option.string({ pattern: /^[a-z]+$/, expected: 'a lower-case word' }), { default: [] }),
  inner: option.object({ depth: option.integer({ default: 1 }) }),
  logger: option.optional(option.withMethods<Console>('a logger', ['log'])),
  callback: option.optional(option.function<() => void>()),
};

t.test('what is not given has its default', async (t) => {
  const values = {
    name: 'x',
    port: undefined,
    ratio: 0.5,
    on: false,
    mode: 'a',
    ports: [10, 20],
    hosts: [],
    inner: { depth: 1 },
    logger: undefined,
    callback: undefined,
  };

  t.same(readOptions('lamp', undefined, SPEC), values);
  t.same(readOptions('lamp', { name: undefined }, SPEC), values);
});

t.test('what is given is taken', async (t) => {
  const callback = (): void => undefined;
  const given = {
    name: 'y',
    port: 80,
    ratio: 3,
    on: true,
    mode: 'b',
    ports: [5, 5],
    hosts: ['a', 'b'],
    inner: { depth: -2 },
    logger: console,
    callback,
  };

  t.same(readOptions('lamp', given, SPEC), given);
});

const WRONG: [given: unknown, text: RegExp][] = [
  [5, /^lamp: expected an object with options, got 5$/],
  [[], /^lamp: expected an object with options, got an array of 0$/],
  [{ nmae: 'y' }, /^lamp\.nmae: there is no such option; there are name, port/],
  [{ toString: 1 }, /^lamp\.toString: there is no such option/],
  [{ name: 5 }, /^lamp\.name: expected a string, got 5$/],
  [{ name: null }, /^lamp\.name: expected a string, got null$/],
  [{ port: 0 }, /^lamp\.port: expected a whole number from 1 to 65535, got 0$/],
  [{ port: 1.5 }, /^lamp\.port: expected a whole number from 1 to 65535, got 1\.5$/],
  [{ ratio: -1 }, /^lamp\.ratio: expected a number of at least 0, got -1$/],
  [{ ratio: NaN }, /^lamp\.ratio: expected a number of at least 0, got NaN$/],
  [{ on: 1 }, /^lamp\.on: expected true or false, got 1$/],
  [{ mode: 'c' }, /^lamp\.mode: expected one of "a", "b", got "c"$/],
  [{ ports: [9, 8] }, /^lamp\.ports: expected \[lowest, highest\] with ports from 1 to 65535, got an array of 2$/],
  [{ hosts: ['a', 'B'] }, /^lamp\.hosts\[1\]: expected a lower-case word, got "B"$/],
  [{ hosts: 'a' }, /^lamp\.hosts: expected an array, got "a"$/],
  [{ inner: { deep: 1 } }, /^lamp\.inner\.deep: there is no such option; there are depth$/],
  [{ logger: {} }, /^lamp\.logger: expected a logger, got an object$/],
  [{ callback: 10n }, /^lamp\.callback: expected a function, got 10n$/],
];

t.test('what is wrong is named, with what was expected', async (t) => {
  for (const [given, text] of WRONG) {
    t.throws(() => readOptions('lamp', given, SPEC), { code: 'HG_ERR_OPTION', message: text });
  }
  t.throws(() => readOptions('lamp', { name: 1 }, SPEC), UsageError);
});

t.test('what has no default must be given', async (t) => {
  t.throws(() => readOptions('lamp', {}, { id: option.integer() }), {
    message: 'lamp.id: expected a whole number, got nothing',
  });
});
