// What is measured. Each server has the echo test and one mountpoint, which is fed
// on `feedPort`, and is spoken to at `url`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, sleep } from './processes.mjs';

// Of the first that runs; one beside it has the next but one.
const JANUS_HTTP_PORT = 8088;
const JANUS_FEED_PORT = 5004;

const folders = new Set();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function startHeadgate({ address }) {
  const child = new Child(process.execPath, [join(import.meta.dirname, 'headgate-server.mjs'), address], {
    name: 'headgate',
  });
  const { httpPort, feedPort } = await child.next(({ event }) => event === 'ready', 20, 'start');
  return {
    child,
    pid: child.pid,
    url: `http://${address}:${httpPort}/janus`,
    feedPort,
    close: () => child.close(),
  };
}

async function startJanus({ address }, eventLoops, place = 0) {
  const [httpPort, feedPort] = [JANUS_HTTP_PORT + 2 * place, JANUS_FEED_PORT + 2 * place];
  const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-janus-'));
  folders.add(folder);
  const config = janusConfig(address, eventLoops, httpPort, feedPort);
  for (const [name, text] of Object.entries(config)) writeFileSync(join(folder, name), text);
  const log = join(folder, 'log');
  const child = new Child('janus', ['--configs-folder', folder, '--disable-colors'], { name: 'janus', log });
  const close = async () => {
    await child.close('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  };
  const url = `http://${address}:${httpPort}/janus`;
  let ended;
  void child.exited.then((how) => (ended = how));
  const deadline = performance.now() + 20_000;
  while (!(await answers(`${url}/info`))) {
    if (ended !== undefined || performance.now() > deadline) {
      const tail = readFileSync(log, 'utf8').split('\n').slice(-15).join('\n');
      await close();
      throw new Error(`Janus did not start (${ended ?? 'no answer'}):\n${tail}`);
    }
    await sleep(0.1);
  }
  return { child, pid: child.pid, url, feedPort, close };
}

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

function janusConfig(address, eventLoops, httpPort, feedPort) {
  // The plugins that nobody uses would only cost memory.
  const idle = ['audiobridge', 'duktape', 'lua', 'nosip', 'recordplay', 'sip', 'textroom', 'videocall'];
  const files = (names) => names.map((name) => `libjanus_${name}.so`).join(',');
  return {
    'janus.jcfg': `
general: { debug_level = 3 ${eventLoops === undefined ? '' : `event_loops = ${eventLoops}`} }
plugins: { disable = "${files([...idle, 'videoroom', 'voicemail'])}" }
transports: { disable = "${files(['mqtt', 'nanomsg', 'pfunix', 'rabbitmq', 'websockets'])}" }
`,
    'janus.transport.http.jcfg': `
general: { json = "compact" http = true port = ${httpPort} ip = "${address}" }
`,
    'janus.plugin.streaming.jcfg': `
bench: {
  type = "rtp"
  id = 1
  description = "bench"
  media = ( { type = "video", mid = "v", label = "video", port = ${feedPort}, pt = 96, codec = "vp8" } )
}
`,
  };
}

/** Debian's version of Janus, such as `1.1.2`; undefined if it is not installed. */
export function janusVersion() {
  const { stdout = '', stderr = '', error } = spawnSync('janus', ['--help'], { encoding: 'utf8' });
  if (error) return undefined;
  return /Janus version: \d+ \(([\d.]+)\)/.exec(stdout + stderr)?.[1] ?? 'unknown';
}

/** Plain node:http, which answers no GET. */
export async function startParkingServer({ address }) {
  const child = new Child(process.execPath, [join(import.meta.dirname, 'parking-server.mjs'), address], {
    name: 'node:http',
  });
  const { httpPort } = await child.next(({ event }) => event === 'ready', 20, 'start');
  return { child, pid: child.pid, url: `http://${address}:${httpPort}`, close: () => child.close() };
}

/** By name. The bare loop is no server: measure.mjs knows how to start it. */
export const servers = {
  headgate: { title: 'headgate', start: startHeadgate },
  bare: { title: 'bare loop', bare: true },
  'janus-best': {
    title: 'Janus, event_loops = 1',
    janus: true,
    start: (settings) => startJanus(settings, 1),
  },
  'janus-default': { title: 'Janus, default', janus: true, start: (settings) => startJanus(settings, undefined, 1) },
};
