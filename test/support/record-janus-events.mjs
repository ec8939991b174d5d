#!/usr/bin/env node
// Records what the installed Janus sends its event handlers while clients watch
// a mountpoint and use the echo test, as test/fixtures/events/. In a namespace,
// because Janus' ports are fixed:
//
//   node test/support/in-namespace.mjs node test/support/record-janus-events.mjs FILE [combined]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, sleep } from '../../bench/processes.mjs';
import { collectEvents } from './event-collector.mjs';
import { playScenario } from './event-scenario.mjs';

const [file, combined] = process.argv.slice(2);
const address = process.env.HEADGATE_TEST_ADDRESS;
if (file === undefined || address === undefined) throw new Error('see the head of this file');
const folder = mkdtempSync(join(tmpdir(), 'janus-events-'));
const collector = await collectEvents(address);
const configuration = {
  'janus.jcfg': `
general: { debug_level = 3 server_name = "recorded" }
events: { broadcast = true combine_media_stats = ${combined !== undefined} stats_period = 1 }
plugins: { disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_lua.so,libjanus_sip.so,libjanus_nosip.so" }
transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
`,
  'janus.transport.http.jcfg': `
general: { json = "compact" http = true port = 8088 ip = "${address}" }
admin: { admin_http = true admin_port = 7088 admin_ip = "${address}" admin_base_path = "/admin" }
`,
  'janus.transport.websockets.jcfg': `
general: { json = "compact" ws = true ws_port = 8188 ws_ip = "${address}" }
`,
  'janus.plugin.streaming.jcfg': `
camera: { type = "rtp" id = 1 description = "camera"
  media = ( { type = "video", mid = "v", label = "video", port = 5004, pt = 96, codec = "vp8" } ) }
`,
  'janus.eventhandler.sampleevh.jcfg': `
general: { enabled = true events = "all" grouping = true json = "compact" backend = "${collector.url}" }
`,
};
for (const [name, text] of Object.entries(configuration)) writeFileSync(join(folder, name), text);
const janus = new Child('janus', ['--configs-folder', folder, '--disable-colors'], {
  name: 'janus',
  log: join(folder, 'log'),
});
try {
  const url = `http://${address}:8088/janus`;
  for (
    let tries = 0;
    !(await fetch(`${url}/info`).then(
      ({ ok }) => ok,
      () => false,
    ));
    ++tries
  ) {
    if (tries > 100) throw new Error('Janus did not start');
    await sleep(0.1);
  }
  await fetch(`http://${address}:7088/admin`, {
    method: 'POST',
    body: JSON.stringify({
      janus: 'custom_event',
      transaction: 't',
      admin_secret: 'janusoverlord',
      schema: 'example',
      data: { one: 1 },
    }),
  });
  await playScenario({ url, ws: `ws://${address}:8188`, address, feedPort: 5004, heard: collector.heard });
  await sleep(1);
} finally {
  await janus.close('SIGTERM');
  await sleep(0.5);
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
}
writeFileSync(file, `${collector.events.map((event) => JSON.stringify(event)).join('\n')}\n`);
console.log(`${collector.events.length} events`);
