import t from 'tap';

import { makeError, makeReply, readJson, writeJson } from '../../../lib/signalling/wire.js';

const VALUE = { a: 1, b: ['x,\\n: y', {}], c: {}, d: [] };

t.test('JSON can be indented, plain or compact, and is the same each time', async (t) => {
  t.equal(writeJson({ a: 1, b: [2] }, 'indented'), '{\n   "a": 1,\n   "b": [\n      2\n   ]\n}');
  t.equal(writeJson({ a: 1, b: [2, 3] }, 'plain'), '{"a": 1, "b": [2, 3]}');
  t.equal(writeJson({ a: 1, b: [2] }, 'compact'), '{"a":1,"b":[2]}');
  for (const format of ['indented', 'plain', 'compact'] as const) t.same(JSON.parse(writeJson(VALUE, format)), VALUE);
});

t.test('only objects and arrays are JSON here; a problem names its line', async (t) => {
  t.same(readJson('{"a":1}'), { value: { a: 1 } });
  t.same(readJson('[1]'), { value: [1] });
  t.match(readJson('null'), { problem: /^line 1: an object was expected, not null/ });
  t.match(readJson('"x"'), { problem: /^line 1: an object was expected, not a string/ });
  t.match(readJson('{"a":\n\n oops'), { problem: /^line 3: / });
  t.match(readJson(''), { problem: /^line 1: / });
  t.match(readJson('['.repeat(100_000)), { problem: String });
});

t.test('a reply names its session and transaction if there are any', async (t) => {
  t.same(makeReply('ack', { sessionId: 5, transaction: 't' }), { janus: 'ack', session_id: 5, transaction: 't' });
  t.same(makeReply('pong', { sessionId: 0, transaction: '' }), { janus: 'pong', transaction: '' });
  t.same(makeError({ code: 454, message: 'why' }), { janus: 'error', error: { code: 454, reason: 'why' } });
});
