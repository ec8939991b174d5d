import t from 'tap';

import { MemoryTokens } from '../../../lib/session/tokens.js';

t.test('a token is good for the plugins that were allowed and not disallowed since', async (t) => {
  const tokens = new MemoryTokens();

  t.same(tokens.add('t', ['a']), ['a']);
  t.same(tokens.add('t', ['b', 'a']), ['a', 'b']);
  t.same(tokens.allow('t', ['c', 'c']), ['a', 'b', 'c']);
  t.same(tokens.disallow('t', ['a', 'x']), ['b', 'c']);
  tokens.add('none', []);

  t.same(tokens.pluginsOf('t'), ['b', 'c']);
  t.same(tokens.list(), [
    { token: 't', plugins: ['b', 'c'] },
    { token: 'none', plugins: [] },
  ]);
});

t.test('a token that is not known stays so', async (t) => {
  const tokens = new MemoryTokens();

  t.equal(tokens.allow('t', ['a']), undefined);
  t.equal(tokens.disallow('t', ['a']), undefined);
  t.equal(tokens.pluginsOf('__proto__'), undefined);
  t.equal(tokens.remove('t'), false);
  tokens.add('t', ['a']);
  t.equal(tokens.remove('t'), true);

  t.equal(tokens.pluginsOf('t'), undefined);
  t.same(tokens.list(), []);
});

t.test('what was handed out does not change what is stored', async (t) => {
  const tokens = new MemoryTokens();

  (tokens.add('t', ['a']) as string[]).push('b');
  (tokens.list()[0]?.plugins as string[]).push('b');

  t.same(tokens.pluginsOf('t'), ['a']);
});
