// The same small app under each framework, over HTTP and over WebSocket,
// started as its user would start it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { launch, until } from '../support/browser.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { sendOpus, sendVp8 } from '../support/media-sources.js';
import { figuresOf, play } from '../support/player.js';
import { testApp } from '../support/test-app.js';

const EXAMPLES = ['node-http/server.mjs', 'express/minimal.mjs', 'koa/server.mjs', 'fastify/server.mjs'];

/** A UDP port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

t.test('the examples', async (t) => {
  const browser = await launch(t, 'chromium');
  const app = await testApp(t);

  for (const example of EXAMPLES) {
    t.test(example, async (t) => {
      const ports = { video: await freePort(), audio: await freePort() };
      const server = new GatewayProcess(t, `examples/${example}`, {
        env: { PORT: '0', VIDEO_PORT: String(ports.video), AUDIO_PORT: String(ports.audio) },
      });
      const url = await server.read((line) => /http:\S+/.exec(line)?.[0], 'URL');
      sendVp8(t, 'ffmpeg', { port: ports.video, payloadType: 96 });
      sendOpus(t, 'ffmpeg', { port: ports.audio, payloadType: 111 });

      for (const address of [url, url.replace('http:', 'ws:')]) {
        const page = await browser.newPage();
        await page.goto(app.page);
        const index = await play(page, address, 1);
        const frames = await until('pictures', async () => {
          const { framesDecoded = 0 } = (await figuresOf(page, index)).video;
          return framesDecoded >= 24 && framesDecoded;
        });
        t.ok(frames, address);
        await page.close();
      }
      server.kill('SIGTERM');
      t.equal(await server.exited, 'status 0', 'it ends cleanly');
    });
  }
});
