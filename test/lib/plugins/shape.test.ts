import t from 'tap';

import {
  any,
  array,
  arrayOf,
  boolean,
  either,
  fit,
  integer,
  object,
  optional,
  positiveInteger,
  string,
} from '../../../lib/plugins/shape.js';
import type { Check } from '../../../lib/plugins/shape.js';

const CASES: [name: string, check: Check<unknown>, good: unknown[], bad: unknown[]][] = [
  ['string', string, ['', 'x'], [1, null, true, {}, []]],
  ['boolean', boolean, [true, false], [0, 1, 'true', null]],
  ['integer', integer, [0, -1, 2 ** 53 - 1], [1.5, '1', true, null, 2 ** 53]],
  ['positiveInteger', positiveInteger, [0, 1], [-1, 0.5, '1', null]],
  ['array', array, [[], [1]], [{}, 'x', null]],
  ['object', object, [{}, { a: 1 }], [[], null, 'x']],
  ['any', any, [null, 0, 'x', [], {}], []],
  ['arrayOf', arrayOf(string), [[], ['a']], [['a', 1], 'a']],
  ['either', either(integer, string), [1, 'x'], [1.5, null]],
];

for (const [name, check, good, bad] of CASES) {
  t.test(`${name} takes its own and nothing else`, async (t) => {
    for (const value of good) t.same(fit({ x: check }, { x: value }).body, { x: value });
    for (const value of bad) t.equal(fit({ x: check }, { x: value }).misfit?.problem, 'invalid', JSON.stringify(value));
  });
}

t.test('fields are checked in order and the first misfit is reported, with its name and type', async (t) => {
  const shape = { a: string, b: integer, c: boolean };

  t.same(fit(shape, { c: 1 }).misfit, { problem: 'missing', field: 'a', text: '"a" is missing: it must be a string' });
  t.same(fit(shape, { a: 'x', b: 1.5 }).misfit, { problem: 'invalid', field: 'b', text: '"b" must be an integer' });
});

t.test('an optional field may be absent, but not wrong', async (t) => {
  const shape = { a: optional(string), b: optional(integer, 7) };

  t.same(fit(shape, {}).body, { a: undefined, b: 7 });
  t.equal(fit(shape, { a: null }).misfit?.problem, 'invalid');
});

t.test('only fields of the shape come through, and none that the body inherits', async (t) => {
  const body = JSON.parse('{"a":"x","__proto__":{"b":"polluted"},"extra":1}') as Record<string, unknown>;

  t.same(fit({ a: string }, body).body, { a: 'x' });
  t.equal(fit({ b: string }, body).misfit?.problem, 'missing');
  t.equal(fit({ toString: string }, {}).misfit?.problem, 'missing');
});
