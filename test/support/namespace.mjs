import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const script = join(import.meta.dirname, 'in-namespace.mjs');

/** What to put in front of a command so that it runs in a network namespace of its own. */
export const inNamespace = [process.execPath, script];

/** Why there can be no network namespace of our own here; undefined: there can. */
export function whyNoNamespace() {
  if (process.getuid() !== 0) return 'not root';
  const { status, stderr, error } = spawnSync(process.execPath, [script, 'true'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  // A container may forbid it, and a chroot cannot have it.
  return error?.message ?? /^.*(failed|denied|not permitted|ENOENT).*$/im.exec(stderr)?.[0] ?? '`ip netns` failed';
}
