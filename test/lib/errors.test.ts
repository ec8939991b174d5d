import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';

import { GatewayError, MESSAGES, RemoteError, ResourceError, UsageError } from '../../lib/errors.js';

t.test('an error says what its details say, and keeps them', async (t) => {
  const error = new UsageError('HG_ERR_CLOSED', { what: 'Mountpoint 7', extra: 1 });

  t.equal(error.message, 'Mountpoint 7 is closed');
  t.equal(error.code, 'HG_ERR_CLOSED');
  t.equal(error.name, 'UsageError');
  t.same(error.details, { what: 'Mountpoint 7', extra: 1 });
});

t.test('three classes say who must act, and share a base', async (t) => {
  for (const Class of [UsageError, RemoteError, ResourceError]) {
    const error = new Class('HG_ERR_LIMIT', { what: 'The gateway', limit: 3 });
    t.ok(error instanceof GatewayError);
    t.equal(error.name, Class.name);
  }
});

t.test('an error keeps its cause', async (t) => {
  const cause = new Error('below');

  t.equal(new RemoteError('HG_ERR_REMOTE_SDP', { reason: 'no m=' }, { cause }).cause, cause);
});

t.test('every code begins with HG_ERR_', async (t) => {
  t.same(
    Object.keys(MESSAGES).filter((code) => !/^HG_ERR_[A-Z_]+$/.test(code)),
    [],
  );
});

const readme = new URL('../../README.md', import.meta.url);
t.test('README lists every code, and no other', { skip: existsSync(readme) ? false : 'no README yet' }, async (t) => {
  const text = readFileSync(readme, 'utf8');

  const listed = new Set(text.match(/HG_ERR_[A-Z_]+/g));

  t.same([...listed].sort(), Object.keys(MESSAGES).sort());
});
