// The bare loop, inside node for the sake of node's libcrypto.
//
//   node bench/bare-server.mjs ADDON ADDRESS PACKETS_PER_FRAME FRAMES_PER_SECOND PORT,PORT,…
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [addon, address, packets, frames, ports] = process.argv.slice(2);
const loop = createRequire(import.meta.url)(resolve(addon));
loop.start({
  address,
  ports: ports.split(',').map(Number),
  packetsPerFrame: Number(packets),
  framesPerSecond: Number(frames),
});
console.log(JSON.stringify({ event: 'ready' }));
process.stdin.resume().on('end', () => {
  console.log(JSON.stringify({ event: 'stopped', ...loop.stop() }));
});
