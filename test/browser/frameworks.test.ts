// The same small app under each framework, over HTTP and over WebSocket,
// started as its user would start it.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { launch, until } from '../support/browser.js';
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

/** Starts an example: the URL it prints, and a way to end it that gives its exit code. */
async function start(
  t: Test,
  example: string,
  ports: { video: number; audio: number },
): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../../examples/${example}`, import.meta.url))], {
    env: {
      ...process.env,
      PORT: '0',
      VIDEO_PORT: String(ports.video),
      AUDIO_PORT: String(ports.audio),
      NODE_OPTIONS: '',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const stop = async (): Promise<unknown> => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return (await ended)[0] as unknown;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url !== undefined) return { url, stop };
  }
  throw new Error(`${example} printed no URL`);
}

t.test('the examples', async (t) => {
  const browser = await launch(t, 'chromium');
  const { page: address } = await testApp(t);

  for (const example of EXAMPLES) {
    t.test(example, async (t) => {
      const ports = { video: await freePort(), audio: await freePort() };
      const { url, stop } = await start(t, example, ports);
      sendVp8(t, 'ffmpeg', { port: ports.video, payloadType: 96 });
      sendOpus(t, 'ffmpeg', { port: ports.audio, payloadType: 111 });

      for (const server of [url, url.replace('http:', 'ws:')]) {
        const page = await browser.newPage();
        await page.goto(address);
        const index = await play(page, server, 1);
        const frames = await until('pictures', async () => {
          const { framesDecoded = 0 } = (await figuresOf(page, index)).video;
          return framesDecoded >= 24 && framesDecoded;
        });
        t.ok(frames, server);
        await page.close();
      }
      t.equal(await stop(), 0, 'it ends cleanly');
    });
  }
});
