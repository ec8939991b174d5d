import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** A certificate for 127.0.0.1 that it signed itself, as files laid out as Let's Encrypt does and as text. */
export function selfSigned(t: Test): { folder: string; cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-certificate-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [cert, key] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')];
  const how = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1';
  const name = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...how.split(' '), ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { folder, cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}
