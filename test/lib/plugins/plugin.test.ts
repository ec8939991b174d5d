import t from 'tap';

import { Plugin, PluginError, request } from '../../../lib/plugins/plugin.js';
import { string } from '../../../lib/plugins/shape.js';

class Plain extends Plugin {
  static readonly package = 'example.plugin.plain';
  readonly requests = { greet: request({ name: string }, (_handle, { name }) => ({ hello: name })) };
}

class Keyed extends Plugin {
  static readonly package = 'example.plugin.keyed';
  static readonly key = 'keyed';
  static readonly errorCodes = { missing: 413, unknownRequest: 411 };
  readonly requests = {};
}

const codeOf = (run: () => unknown): number => {
  try {
    run();
  } catch (error) {
    if (error instanceof PluginError) return error.code;
  }
  return 0;
};

t.test('a plugin refuses what it does not know, with its own numbers', async (t) => {
  const plain = new Plain();
  const keyed = new Keyed();

  t.equal(
    codeOf(() => plain.requestFor({})),
    453,
  );
  t.equal(
    codeOf(() => plain.requestFor({ request: 5 })),
    454,
  );
  t.equal(
    codeOf(() => plain.requestFor({ request: null })),
    454,
  );
  t.equal(
    codeOf(() => plain.requestFor({ request: 'dance' })),
    452,
  );
  t.equal(
    codeOf(() => plain.requestFor({ request: 'toString' })),
    452,
  );
  t.equal(
    codeOf(() => keyed.requestFor({})),
    413,
  );
  t.equal(
    codeOf(() => keyed.requestFor({ request: 5 })),
    454,
  );
  t.equal(
    codeOf(() => keyed.requestFor({ request: 'dance' })),
    411,
  );
  t.equal(plain.requestFor({ request: 'greet' }), plain.requests.greet);
});

t.test('a part of a body can be checked with the same numbers', async (t) => {
  const keyed = new Keyed();

  t.same(keyed.check({ a: string }, { a: 'x', b: 1 }), { a: 'x' });
  t.equal(
    codeOf(() => keyed.check({ a: string }, {})),
    413,
  );
  t.equal(
    codeOf(() => keyed.check({ a: string }, { a: 1 })),
    454,
  );
});

t.test('an error is told in the envelope of the plugin', async (t) => {
  const error = new PluginError(455, 'no such thing');

  t.same(new Plain().errorData(error), { error_code: 455, error: 'no such thing' });
  t.same(new Keyed().errorData(error), { keyed: 'event', error_code: 455, error: 'no such thing' });
});

t.test('a plugin describes itself by default', async (t) => {
  const { name, author, description, versionString, version } = new Plain();

  t.same([name, author, description, versionString, version], ['example.plugin.plain', 'unknown', '', '0.0.1', 1]);
});
