// Where a benchmark runs: on programs that are built, and in a network namespace
// of its own where there can be one, also because Janus skips loopback.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { janusVersion } from './servers.mjs';
import { inNamespace, whyNoNamespace } from '../test/support/namespace.mjs';

const root = join(import.meta.dirname, '..');
export const isIsolated = process.env.HEADGATE_TEST_ADDRESS !== undefined;
/** Of this machine, that servers and clients use. */
export const address = process.env.HEADGATE_TEST_ADDRESS ?? '127.0.0.1';

export function fail(message) {
  console.error(message);
  process.exit(2);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error || status !== 0) fail(`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}`);
}

/**
 * Builds, and runs `script` again, with the arguments of this process, where it is
 * alone: does not return then. On loopback it goes on here.
 */
export async function isolate(script, { build }) {
  if (!isIsolated) {
    if (build) run(process.execPath, ['native/build.mjs', '--preset', 'bench']);
    const why = whyNoNamespace();
    if (why === undefined) {
      const [program, ...args] = [...inNamespace, process.execPath, script, ...process.argv.slice(2)];
      const child = spawn(program, args, { stdio: 'inherit' });
      for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
      const [status] = await once(child, 'exit');
      process.exit(status ?? 1);
    }
    console.log(`No network namespace (${why}): on loopback, and so without Janus.`);
  }
  // Children are ended when we exit, not when we are killed.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  if (!existsSync(join(root, 'dist/index.js'))) fail('dist/ is not there: run `npm run build`');
}

/** Says what this machine is; gives the version of Janus if that can be measured here. */
export function heading() {
  const janus = janusVersion();
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, Linux ${release()}`);
  console.log(`OpenSSL of node: ${process.versions.openssl}`);
  if (janus === undefined) console.log('Janus is not installed (Debian: janus): without it.');
  else if (isIsolated) console.log(`Janus ${janus}`);
  return isIsolated ? janus : undefined;
}
