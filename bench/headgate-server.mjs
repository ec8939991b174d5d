// The gateway under test: one mountpoint without keyframe buffer, the Janus API
// over node:http and WebSocket. Lines on stdin: "stats", "stall MILLISECONDS",
// "collect" garbage; ends with stdin.
//
//   node bench/headgate-server.mjs ADDRESS
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Gateway, janusHttp, janusWebSocket } from 'headgate';
import { collectGarbage } from './collect-garbage.mjs';

const [address] = process.argv.slice(2);
const gateway = await Gateway.open({ media: { addresses: [address], allowLoopback: address.startsWith('127.') } });
const mountpoint = await gateway.createMountpoint({
  id: 1,
  description: 'bench',
  media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
});
const server = createServer(janusHttp(gateway)).listen(0, address, () => {
  const [{ source }] = mountpoint.media;
  print({ event: 'ready', httpPort: server.address().port, feedPort: source.port, versions: gateway.versions });
});

janusWebSocket(gateway, server);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [verb, argument] = line.split(' ');
    if (verb === 'stats') {
      print({
        event: 'stats',
        gateway: gateway.stats(),
        mountpoint: mountpoint.stats(),
        memory: process.memoryUsage(),
      });
    }
    if (verb === 'collect') {
      collectGarbage();
      print({ event: 'collected' });
    }
    if (verb === 'stall') {
      const end = performance.now() + Number(argument);
      while (performance.now() < end);
      print({ event: 'stalled' });
    }
  })
  .on('close', async () => {
    server.close();
    server.closeAllConnections();
    await gateway.close();
  });

function print(message) {
  console.log(JSON.stringify(message));
}
