import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { until } from './browser.js';
import { freePort } from './free-port.js';
import { addressesAt } from './test-app.js';

/** Debian's lies where not every PATH leads. */
const program = ['nginx', '/usr/sbin/nginx'].find((name) => spawnSync(name, ['-v']).error === undefined);

export const hasNginx = program !== undefined;

/**
 * nginx in front of an application at `port`, ended with the test: plain and,
 * with TLS that ends there, secure.
 */
export async function nginx(
  t: Test,
  port: number,
  certificates: string,
): Promise<{ plain: ReturnType<typeof addressesAt>; secure: ReturnType<typeof addressesAt> }> {
  const [plain, secure] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'headgate-nginx-'));
  const locations = `
    location /janus {
      proxy_pass http://127.0.0.1:${String(port)}/janus;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
    location / { proxy_pass http://127.0.0.1:${String(port)}; }`;
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server { listen 127.0.0.1:${String(plain)}; ${locations} }
  server {
    listen 127.0.0.1:${String(secure)} ssl;
    ssl_certificate ${certificates}/fullchain.pem;
    ssl_certificate_key ${certificates}/privkey.pem;
    ${locations}
  }
}
`,
  );
  const errors = join(folder, 'error.log');
  const child = spawn(program ?? 'nginx', ['-p', folder, '-e', errors, '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  t.teardown(async () => {
    child.kill('SIGQUIT');
    const harder = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(harder);
    rmSync(folder, { recursive: true, force: true });
  });
  const at = { plain: addressesAt(`127.0.0.1:${String(plain)}`, false) };
  await until('nginx', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${readFileSync(errors, 'utf8')}`);
    return (await fetch(`${at.plain.http}/info`).catch(() => undefined))?.ok;
  });
  return { ...at, secure: addressesAt(`127.0.0.1:${String(secure)}`, true) };
}
