// The pages of Debian's janus-demos work with headgate, their scripts unmodified.
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import { janusAdminHttp, janusHttp, janusWebSocket } from '../../lib/index.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { fixture } from '../support/fixtures.js';
import { sendOpus, sendVp8 } from '../support/media-sources.js';
import { audioAndVideo, listen, portOf, testGateway } from '../support/test-app.js';

const DEMOS = '/usr/share/janus/demos';
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
// What whoever installs the demos sets; the package's file lacks two names that the pages use.
const ADDED: Record<string, string> = {
  '/settings.js': '\nvar token = "", apisecret = ""; server = "/janus";\n',
  '/adminconfig.js': '\nserver = "/admin"; secret = "admin";\n',
};

/** The demos' files, and the Janus API and the admin API beside them. */
async function serveDemos(t: Test): Promise<{ url: string; feed: () => void }> {
  const gateway = await testGateway(t, { adminSecret: 'admin' });
  const mountpoint = await audioAndVideo(gateway, { id: 1, description: 'camera' });
  const api = janusHttp(gateway);
  const admin = janusAdminHttp(gateway);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/janus' || pathname.startsWith('/janus/')) return void api(request, response);
    if (pathname === '/admin' || pathname.startsWith('/admin/')) return void admin(request, response);
    const file = join(DEMOS, normalize(pathname));
    realpath(file)
      .then((path) => readFile(path))
      .then(
        (body) => {
          response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
          response.end(Buffer.concat([body, Buffer.from(ADDED[pathname] ?? '')]));
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

for (const name of BROWSERS) {
  t.test(`admin.html in ${name}`, { skip: !existsSync(DEMOS) && 'janus-demos is not installed' }, async (t) => {
    const demos = await serveDemos(t);
    const post = async (path: string, body: object): Promise<{ data: { id: number } }> => {
      const request = { method: 'POST', body: JSON.stringify({ transaction: 'x', ...body }) };
      return (await (await fetch(`${demos.url}/janus${path}`, request)).json()) as { data: { id: number } };
    };
    const session = (await post('', { janus: 'create' })).data.id;
    const attach = { janus: 'attach', plugin: 'janus.plugin.echotest', opaque_id: 'someone' };
    const handle = (await post(`/${String(session)}`, attach)).data.id;
    const jsep = { type: 'offer', sdp: fixture('sdp/publish-av-data.chromium.offer.sdp') };
    await post(`/${String(session)}/${String(handle)}`, { janus: 'message', body: { audio: true }, jsep });
    const browser = await launch(t, name);
    const page = await browser.newPage();
    const text = (selector: string): Promise<string> =>
      page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`) as Promise<string>;
    await page.goto(`${demos.url}/admin.html`);

    await until('the server', async () => (await text('#server-details')).includes('headgate'));
    await page.click('a[href="#settings"]');
    await until('its settings', async () => (await text('#server-settings')).includes('log_level'));
    await page.click('a[href="#plugins"]');
    await until('its plugins', async () => (await text('#plugins-list')).includes('janus.plugin.echotest'));
    await page.click('a[href="#handlesinfo"]');
    for (const link of [`#session-${String(session)}`, `#handle-${String(handle)}`]) {
      await page.waitForSelector(link, { visible: true, timeout: 20_000 });
      await page.click(link);
    }
    const info = await until('what there is to know of a handle', async () => {
      const shown = await text('#handle-info');
      return shown.includes('local-candidates') && shown;
    });

    for (const part of ['someone', 'janus.plugin.echotest', 'sdps', 'dtls-state', 'srtp-profile']) {
      t.ok(info.includes(part), part);
    }
  });
}
