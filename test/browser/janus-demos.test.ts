// The pages of Debian's janus-demos work with headgate, their scripts unmodified.
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import { janusHttp, janusWebSocket } from '../../lib/index.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { sendOpus, sendVp8 } from '../support/media-sources.js';
import { audioAndVideo, listen, portOf, testGateway } from '../support/test-app.js';

const DEMOS = '/usr/share/janus/demos';
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
// What whoever installs the demos sets; the package's file lacks two names that the pages use.
const SETTINGS = '\nvar token = "", apisecret = ""; server = "/janus";\n';

/** The demos' files, and the Janus API beside them. */
async function serveDemos(t: Test): Promise<{ url: string; feed: () => void }> {
  const gateway = await testGateway(t);
  const mountpoint = await audioAndVideo(gateway, { id: 1, description: 'camera' });
  const api = janusHttp(gateway);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/janus' || pathname.startsWith('/janus/')) return void api(request, response);
    const file = join(DEMOS, normalize(pathname));
    realpath(file)
      .then((path) => readFile(path))
      .then(
        (body) => {
          response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
          response.end(pathname === '/settings.js' ? Buffer.concat([body, Buffer.from(SETTINGS)]) : body);
        },
        () => response.writeHead(404).end(),
      );
  });
  janusWebSocket(gateway, server, { path: '/janus' });
  const port = await listen(t, server);
  return {
    url: `http://127.0.0.1:${String(port)}`,
    feed: () => {
      sendOpus(t, 'ffmpeg', { port: portOf(mountpoint, 'a'), payloadType: 111 });
      sendVp8(t, 'ffmpeg', { port: portOf(mountpoint, 'v'), payloadType: 100 });
    },
  };
}

for (const name of BROWSERS) {
  t.test(`streamingtest.html in ${name}`, { skip: !existsSync(DEMOS) && 'janus-demos is not installed' }, async (t) => {
    const demos = await serveDemos(t);
    demos.feed();
    const browser = await launch(t, name);
    const page = await browser.newPage();
    await page.goto(`${demos.url}/streamingtest.html`);
    await page.waitForSelector('#start:not([disabled])');
    await page.click('#start');
    await page.waitForSelector('#streamset', { visible: true, timeout: 20_000 });
    await page.click('#streamset');
    await page.waitForSelector('#streamslist a', { visible: true, timeout: 20_000 });
    await page.click('#streamslist a');
    await page.waitForSelector('#watch:not([disabled])', { timeout: 20_000 });
    await page.click('#watch');

    const width = await until('a moving picture', () =>
      page.evaluate(
        `(({ videoWidth = 0, currentTime = 0 } = {}) => currentTime > 1 && videoWidth)(document.querySelector('video') ?? {})`,
      ),
    );
    t.equal(width, 320);
    await page.click('#watch');
    await until('the end of the stream', () => page.evaluate(`document.querySelector('video') === null`));
  });
}

/** The echo of one's own camera: a second picture, which moves. */
function comesBack(page: Page): Promise<unknown> {
  return until('the echo', () =>
    page.evaluate(
      `[...document.querySelectorAll('#videoright video')].some(({ videoWidth, currentTime }) => videoWidth > 0 && currentTime > 1)`,
    ),
  );
}

const skip = !existsSync(DEMOS) && 'janus-demos is not installed';
for (const name of BROWSERS) {
  t.test(`pages of the echo test in ${name}`, { skip }, async (t) => {
    const { url } = await serveDemos(t);
    const browser = await launch(t, name);
    const open = async (file: string): Promise<Page> => {
      const page = await browser.newPage();
      await page.goto(`${url}/${file}`);
      await page.waitForSelector('#start:not([disabled])');
      await page.click('#start');
      return page;
    };

    await t.test('echotest.html: the camera comes back, is switched off and on', async (t) => {
      const page = await open('echotest.html');
      await comesBack(page);
      await page.waitForSelector('#togglevideo:not([disabled])');
      await page.click('#togglevideo');
      await until('a stop', async () => {
        const frames = (): Promise<unknown> =>
          page.evaluate(`document.querySelector('#videoright video').getVideoPlaybackQuality().totalVideoFrames`);
        const before = await frames();
        await new Promise((resolve) => setTimeout(resolve, 700));
        return (await frames()) === before;
      });
      await page.click('#togglevideo');
      await comesBack(page);
      t.pass('it does');
      await page.close();
    });

    await t.test('canvas.html: a canvas comes back', async (t) => {
      const page = await open('canvas.html');
      await comesBack(page);
      t.pass('it does');
      await page.close();
    });

    await t.test('devicetest.html: the devices that are chosen come back', async (t) => {
      const page = await open('devicetest.html');
      await page.waitForSelector('#change-devices', { visible: true });
      await page.evaluate(
        `for (const id of ['audio-device', 'video-device']) document.getElementById(id).selectedIndex = 0`,
      );
      await page.click('#change-devices');
      await comesBack(page);
      t.pass('they do');
      await page.close();
    });
  });
}
