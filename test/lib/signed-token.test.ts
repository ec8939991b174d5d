import { createHmac } from 'node:crypto';
import t from 'tap';

import { checkToken, signToken } from '../../lib/signed-token.js';

const SECRET = 'sesame';
const NOW = 1_700_000_000_000;
const API = { realm: 'janus' };

/** A token with whatever text, signed as it should be. */
function signed(said: string, secret = SECRET): string {
  return `${said}:${createHmac('sha1', secret).update(said).digest('base64')}`;
}

t.test('a token is its text and the HMAC-SHA1 of that', async (t) => {
  const token = signToken(SECRET, { realm: 'janus', items: ['one.plugin', 'two.plugin'], expires: NOW + 1999 });

  // By `printf 1700000001,janus,one.plugin,two.plugin | openssl dgst -sha1 -hmac sesame -binary | base64`.
  t.equal(token, '1700000001,janus,one.plugin,two.plugin:hOt/O6rDT3wO1JCdszenIJpBCEU=');
  t.same(checkToken(SECRET, token, API, NOW), {
    realm: 'janus',
    items: ['one.plugin', 'two.plugin'],
    expires: 1_700_000_001_000,
  });
});

t.test('a token is good to the end of the second it names', async (t) => {
  const token = signToken(SECRET, { realm: 'janus', items: ['a'], expires: NOW });

  t.ok(checkToken(SECRET, token, API, NOW - 1));
  t.ok(checkToken(SECRET, token, API, NOW + 999));
  t.equal(checkToken(SECRET, token, API, NOW + 1000), undefined);
});

t.test('a token is for one realm, and may have to name an item', async (t) => {
  const token = signToken(SECRET, { realm: 'a.plugin', items: ['room=1', 'room=22'], expires: NOW });

  t.ok(checkToken(SECRET, token, { realm: 'a.plugin' }, NOW));
  t.ok(checkToken(SECRET, token, { realm: 'a.plugin', item: 'room=22' }, NOW));
  for (const use of [API, { realm: 'a' }, { realm: 'a.plugin', item: 'room=2' }, { realm: 'a.plugin', item: '' }]) {
    t.equal(checkToken(SECRET, token, use, NOW), undefined, JSON.stringify(use));
  }
});

t.test('a token without items opens the API and nothing in it', async (t) => {
  const token = signToken(SECRET, { realm: 'janus', items: [], expires: NOW });

  t.equal(token, signed('1700000000,janus'));
  t.match(checkToken(SECRET, token, API, NOW), { items: [] });
  t.equal(checkToken(SECRET, token, { ...API, item: 'a' }, NOW), undefined);
});

t.test('what is no token, or of another secret, is refused', async (t) => {
  const good = signed('1700000000,janus,a');
  t.ok(checkToken(SECRET, good, API, NOW));

  for (const wrong of [
    undefined,
    null,
    5,
    [good],
    '',
    ':',
    '1700000000,janus,a',
    '1700000000,janus,a:',
    good.toLowerCase(),
    good.slice(0, -1),
    `${good}=`,
    `${good}:`,
    `:${good}`,
    good.replace('1700000000', '1900000000'),
    good.replace(',a:', ',a,b:'),
    signed('1700000000,janus,a', 'another'),
    signed('1700000000'),
    signed(''),
    signed(',janus,a'),
    signed('1e12,janus,a'),
    signed('Infinity,janus,a'),
    signed('-1700000000,janus,a'),
    signed('1700000000,Janus,a'),
    signed('1700000000,janus,a:b'),
  ]) {
    t.equal(checkToken(SECRET, wrong, API, NOW), undefined, JSON.stringify(wrong));
  }
});

t.test('what cannot be a token is not signed', async (t) => {
  const good = { realm: 'janus', items: ['a'], expires: NOW };

  for (const [option, wrong] of [
    ['realm', { ...good, realm: '' }],
    ['realm', { ...good, realm: 'a,b' }],
    ['items', { ...good, items: ['a:b'] }],
    ['items', { ...good, items: [5 as unknown as string] }],
    ['items', { ...good, items: null as unknown as string[] }],
    ['items', { ...good, items: 'a' as unknown as string[] }],
    ['expires', { ...good, expires: NaN }],
    ['expires', { ...good, expires: -1 }],
  ] as const) {
    t.throws(() => signToken(SECRET, wrong), { code: 'HG_ERR_OPTION', details: { option: `signToken.${option}` } });
  }
  t.throws(() => signToken('', good), { code: 'HG_ERR_OPTION' });
  t.throws(() => checkToken('', signed('1700000000,janus,a', ''), API, NOW), { code: 'HG_ERR_OPTION' });
});
