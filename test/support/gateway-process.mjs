// A gateway with one VP8 mountpoint and the Janus API on any port, as a process
// or as a worker. Says where it listens; told "exit" it calls process.exit(),
// told "close" it closes and is expected to end by itself.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { isMainThread, parentPort } from 'node:worker_threads';
import { Gateway, janusHttp, silentLogger } from 'headgate';

const gateway = await Gateway.open({ logger: silentLogger, media: { addresses: ['127.0.0.1'], threads: 2 } });
const mountpoint = await gateway.createMountpoint({
  id: 1,
  media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
});
const server = createServer(janusHttp(gateway)).listen(0, '127.0.0.1', () => {
  const [{ source }] = mountpoint.media;
  const ready = { event: 'ready', httpPort: server.address().port, feedPort: source.port };
  if (isMainThread) console.log(JSON.stringify(ready));
  else parentPort.postMessage(ready);
});

async function obey(verb) {
  if (verb === 'exit') process.exit(0);
  if (verb !== 'close') return;
  server.close();
  server.closeAllConnections();
  await gateway.close();
  if (isMainThread) process.stdin.destroy();
  else parentPort.close();
}

if (isMainThread) createInterface({ input: process.stdin }).on('line', obey);
else parentPort.on('message', obey);
