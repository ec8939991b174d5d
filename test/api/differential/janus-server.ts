import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { freePort } from '../../support/free-port.js';

/** A server that can be asked. */
export interface Server {
  http: string;
  ws: string;
  /** Of the admin API, over HTTP. */
  admin: string;
}

/** Whether Debian's Janus is installed. */
export const hasJanus = spawnSync('janus', ['--version']).error === undefined;

/**
 * Starts Janus, ended with the test. `general` and `streaming` are what its files
 * of these names say.
 */
export async function janusServer(t: Test, general: string, streaming: string): Promise<Server> {
  const [http, ws, admin] = [await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'headgate-differential-'));
  const idle = [
    'audiobridge',
    'duktape',
    'lua',
    'nosip',
    'recordplay',
    'sip',
    'textroom',
    'videocall',
    'videoroom',
    'voicemail',
  ];
  const config = {
    'janus.jcfg': `
general: { debug_level = 2 ${general} }
nat: { ice_enforce_list = "127." ice_ignore_list = "" }
plugins: { disable = "${idle.map((name) => `libjanus_${name}.so`).join(',')}" }
loggers: { disable = "libjanus_jsonlog.so" }
transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
`,
    'janus.transport.http.jcfg': `
general: { http = true port = ${String(http)} ip = "127.0.0.1" }
admin: { admin_http = true admin_port = ${String(admin)} admin_ip = "127.0.0.1" }
`,
    'janus.transport.websockets.jcfg': `general: { ws = true ws_port = ${String(ws)} ws_ip = "127.0.0.1" }`,
    'janus.plugin.streaming.jcfg': streaming,
  };
  for (const [name, text] of Object.entries(config)) writeFileSync(join(folder, name), text);
  const log = openSync(join(folder, 'log'), 'w');
  const child = spawn('janus', ['--configs-folder', folder, '--disable-colors'], { stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  t.teardown(async () => {
    child.kill('SIGTERM');
    const harder = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(harder);
    rmSync(folder, { recursive: true, force: true });
  });
  for (let tries = 0; ; ++tries) {
    if (child.exitCode !== null || tries > 200) {
      throw new Error(`Janus did not start: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`);
    }
    const answer = await fetch(`http://127.0.0.1:${String(http)}/janus/info`).catch(() => undefined);
    if (answer?.ok === true) break;
    await sleep(100);
  }
  const at = (port: number): string => `127.0.0.1:${String(port)}`;
  return { http: `http://${at(http)}/janus`, ws: `ws://${at(ws)}/`, admin: `http://${at(admin)}/admin` };
}
