// A gateway as gateway-process.mjs has it, with a tap of 128 packets on its
// mountpoint and an injector at work that is tapped, too; as a process or as a
// worker. Told "exit", "close", "stall" (for 2 s) or "stats".
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { isMainThread, parentPort } from 'node:worker_threads';
import { Gateway, janusHttp, link, silentLogger } from 'headgate';

const gateway = await Gateway.open({ logger: silentLogger, media: { addresses: ['127.0.0.1'], threads: 2 } });
const mountpoint = await gateway.createMountpoint({
  id: 1,
  media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
});
const [{ source }] = mountpoint.media;
const tap = gateway.createTap({ kind: 'video', maxPackets: 128 });
let received = 0;
tap.on('packets', (batch) => (received += batch.length));
let full = 0;
tap.on('full', ({ dropped }) => (full = dropped));
link(source, tap);

const injector = gateway.createInjector({ codec: 'opus' });
const second = gateway.createTap({ kind: 'audio' });
second.on('packets', (batch) => batch.at(0)?.payload);
link(injector, second);
let seq = 0;
const timer = setInterval(() => {
  const packets = Array.from({ length: 10 }, () => {
    const packet = Buffer.alloc(200);
    packet.writeUInt16BE(0x806f);
    packet.writeUInt16BE((seq = (seq + 1) & 0xffff), 2);
    return packet;
  });
  injector.write(packets);
}, 1);

const server = createServer(janusHttp(gateway)).listen(0, '127.0.0.1', () => {
  tell({ event: 'ready', httpPort: server.address().port, feedPort: source.port });
});

function tell(message) {
  if (isMainThread) console.log(JSON.stringify(message));
  else parentPort.postMessage(message);
}

async function obey(verb) {
  if (verb === 'exit') process.exit(0);
  if (verb === 'stall') {
    const end = performance.now() + 2000;
    while (performance.now() < end);
    tell({ event: 'stalled', tap: tap.stats() });
  }
  if (verb === 'stats') {
    tell({ event: 'stats', gateway: gateway.stats(), tap: { ...tap.stats(), received, full }, source: source.stats() });
  }
  if (verb !== 'close') return;
  clearInterval(timer);
  server.close();
  server.closeAllConnections();
  await gateway.close();
  if (isMainThread) process.stdin.destroy();
  else parentPort.close();
}

if (isMainThread) createInterface({ input: process.stdin }).on('line', obey);
else parentPort.on('message', obey);
