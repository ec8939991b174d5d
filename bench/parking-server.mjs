// Responses to GET that never come, with nothing but node:http: what 10,000 of them cost
// without us. Lines on stdin: "collect" garbage; ends with stdin.
//
//   node bench/parking-server.mjs ADDRESS
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { collectGarbage } from './collect-garbage.mjs';

const [address] = process.argv.slice(2);
const server = createServer((req, res) => {
  res.setHeader('Content-Type', 'application/json');
  if (req.method !== 'GET') res.end('{}');
});
server.listen(0, address, () => {
  console.log(JSON.stringify({ event: 'ready', httpPort: server.address().port }));
});

createInterface({ input: process.stdin })
  .on('line', () => {
    collectGarbage();
    console.log(JSON.stringify({ event: 'collected' }));
  })
  .on('close', () => {
    server.close();
    server.closeAllConnections();
  });
