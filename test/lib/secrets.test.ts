import t from 'tap';

import { sameSecret } from '../../lib/secrets.js';

t.test('a secret is the same or it is not', async (t) => {
  t.equal(sameSecret('sesame', 'sesame'), true);
  for (const wrong of ['', 'sesam', 'sesame ', 'Sesame', undefined, null, 5, ['sesame']]) {
    t.equal(sameSecret(wrong, 'sesame'), false, JSON.stringify(wrong));
  }
});
