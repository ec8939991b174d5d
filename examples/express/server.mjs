// A media gateway inside an Express app, pages that play from it and send to it,
// and a test picture to play. From the package's folder: npm run demo
//   PORT=8090         listens there
//   HOST=127.0.0.1    listens on that address only
//   ADMIN_KEY=secret  lets clients that send it as admin_key make mountpoints of their own
//   RECORDINGS=folder lets the echo page record there; without it nobody can record
//   SOURCE=recording  uses the recordings although ffmpeg is installed (or: ffmpeg)
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import express from 'express';
import { Gateway, janusHttp, janusWebSocket } from 'headgate';
import { demoPages } from './pages.mjs';
import { SOURCES, startTestSource } from './test-source.mjs';

const { PORT = '8088', HOST, ADMIN_KEY = randomUUID(), RECORDINGS, SOURCE = 'auto' } = process.env;
const port = Number(PORT);
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`PORT must be a number from 0 to 65535, not "${PORT}".`);
if (!SOURCES.includes(SOURCE)) fail(`SOURCE must be one of ${SOURCES.join(', ')}, not "${SOURCE}".`);

const app = express();
const server = createServer(app);
await listen(); // first, so that a taken port is known before anything else starts

const gateway = await Gateway.open({
  media: { allowLoopback: true },
  streaming: { adminKey: ADMIN_KEY },
  echotest: { recordings: RECORDINGS },
});
app.use('/janus', janusHttp(gateway));
janusWebSocket(gateway, server, { path: '/janus' });
app.use(demoPages({ recordings: RECORDINGS !== undefined }));
const endTestSource = await startTestSource(gateway, { source: SOURCE }).catch((error) => fail(error.message));

console.log(`\n  Open ${addresses().join('\n    or ')}\n\n  Ctrl+C ends it.`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    endTestSource();
    await gateway.close();
    server.close();
    server.closeAllConnections();
  });
}

function listen() {
  return new Promise((resolve) => {
    server.once('listening', resolve);
    server.once('error', (error) => {
      if (error.code === 'EADDRINUSE') {
        fail(
          `Port ${port} is in use by another program. End that, or take another port: PORT=${port + 1} npm run demo`,
        );
      }
      if (error.code === 'EACCES') {
        fail(`Port ${port} needs more rights than this program has. Take another: PORT=8088 npm run demo`);
      }
      fail(`Cannot listen on port ${port}: ${error.message}`);
    });
    server.listen(port, HOST);
  });
}

function addresses() {
  const { port } = server.address();
  if (HOST) return [`http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}`];
  const others = Object.values(networkInterfaces())
    .flat()
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
  return ['localhost', ...others.map(({ address }) => address)].map((host) => `http://${host}:${port}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
