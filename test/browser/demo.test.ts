// The pages of `npm run demo`, as their users see them.
import { readdirSync } from 'node:fs';
import type { Browser, Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import { BROWSERS, complaints, launch, until } from '../support/browser.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { canLosePackets, losePackets } from '../support/packet-loss.js';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** A finger needs so many pixels. */
const TOUCH_SIZE = 40;

/** The page's peer connections, for {@link framesBack}: what elements tell of frames differs between browsers. */
const KEEP_PEER_CONNECTIONS = `{
  const Original = RTCPeerConnection;
  window.peerConnections = [];
  window.RTCPeerConnection = function (...args) {
    const made = new Original(...args);
    window.peerConnections.push(made);
    return made;
  };
  RTCPeerConnection.prototype = Original.prototype;
  Object.setPrototypeOf(RTCPeerConnection, Original);
}`;

/** The demo, with its recorded test picture. */
async function startDemo(t: Test, env: NodeJS.ProcessEnv = {}): Promise<{ demo: GatewayProcess; url: string }> {
  const demo = new GatewayProcess(t, 'examples/express/server.mjs', {
    env: { PORT: '0', HOST: '127.0.0.1', SOURCE: 'recording', ...env },
  });
  return { demo, url: await demo.read((line) => /http:\S+/.exec(line)?.[0], 'URL') };
}

async function open(browser: Browser, url: string): Promise<{ page: Page; said: string[] }> {
  const page = await browser.newPage();
  await page.setViewport(DESKTOP);
  const said = complaints(page);
  await page.evaluateOnNewDocument(KEEP_PEER_CONNECTIONS);
  await page.goto(url);
  await page.waitForSelector('#link[data-state=up]', { timeout: 20_000 });
  return { page, said };
}

/** What an expression about the first element of that selector gives in the page. */
function look<T>(page: Page, selector: string, expression: string): Promise<T> {
  return page.evaluate(
    `((element) => ${expression})(document.querySelector(${JSON.stringify(selector)}))`,
  ) as Promise<T>;
}
const stateOf = (page: Page): Promise<string> => look(page, '#echo', 'element.dataset.state');
const textOf = (page: Page, selector: string): Promise<string> => look(page, selector, 'element.textContent.trim()');
const figure = (page: Page, name: string): Promise<string> => textOf(page, `[data-figure=${name}]`);
const isVisible = (page: Page, selector: string): Promise<boolean> =>
  look(page, selector, 'element.checkVisibility({ visibilityProperty: true })');
const isCaptured = (page: Page): Promise<boolean> => look(page, '#own-video', 'element.srcObject !== null');
/** Frames of what came back that were decoded so far. */
const framesBack = (page: Page): Promise<number> =>
  page.evaluate(`(async () => {
    const report = await window.peerConnections.at(-1)?.getStats();
    const video = [...(report?.values() ?? [])].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
    return video?.framesDecoded ?? 0;
  })()`) as Promise<number>;

/** What the figure shows as a number, as soon as it is one that `isRight`. */
async function number(page: Page, name: string, isRight: (value: number) => boolean): Promise<number> {
  const [found] = await until(
    `${name} as expected`,
    async () => {
      const value = Number(/[\d.]+/.exec((await figure(page, name)).replaceAll(',', ''))?.[0] ?? NaN);
      return isRight(value) && [value];
    },
    60,
  ).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; it shows ${JSON.stringify(await figure(page, name))}`);
  });
  return found ?? NaN;
}

async function seesItself(page: Page): Promise<void> {
  await until('the echo', async () => (await stateOf(page)) === 'playing' && (await framesBack(page)) > 0);
  const before = await framesBack(page);
  await until('a picture that moves', async () => (await framesBack(page)) > before + 10);
}

/** What of a page leaves its width, and what is too small for a finger. */
function layoutOf(page: Page): Promise<{ tooWide: string[]; tooSmall: string[]; scrolls: boolean }> {
  return page.evaluate(`(() => {
    const name = ({ tagName, id, className, textContent }) => [tagName, id, className, textContent.trim()].join(' ');
    const width = document.documentElement.clientWidth;
    const all = [...document.querySelectorAll('body *')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().width > 1);
    const controls = all.filter((element) => element.matches('button, select, .switch label > span, nav a'));
    return {
      scrolls: document.documentElement.scrollWidth > width,
      tooWide: all.filter((element) => element.getBoundingClientRect().right > width + 1).map(name),
      tooSmall: controls.filter((element) => element.getBoundingClientRect().height < ${String(TOUCH_SIZE)}).map(name),
    };
  })()`) as ReturnType<typeof layoutOf>;
}

for (const browserName of BROWSERS) {
  t.test(browserName, async (t) => {
    const recordings = t.testdir();
    const { demo, url } = await startDemo(t, { RECORDINGS: recordings });
    const browser = await launch(t, browserName);

    await t.test('streams play, and the pages lead to each other', async (t) => {
      const { page, said } = await open(browser, url);
      await page.waitForSelector('.row');
      await page.click('.row');
      await until('the stream', () =>
        page.evaluate(`(document.querySelector('.tile[data-state=playing] video') ?? {}).currentTime > 1`),
      );
      await until('figures', async () => Number(await textOf(page, '.tile [data-figure=bitrate]')) > 0);
      t.equal(await textOf(page, '.tile [data-figure=lost]'), '0 % (0)');

      await page.click('nav a[href="echo.html"]');
      await page.waitForSelector('#echo[data-state=idle]');
      await (await page.waitForSelector('nav a[href="./"]'))?.click();
      await page.waitForSelector('.row');
      t.same(said, []);
      await page.close();
    });

    await t.test('one sees oneself, and how the connection is', async (t) => {
      const { page, said } = await open(browser, `${url}/echo.html`);
      await page.click('#with-camera');
      await seesItself(page);

      t.ok((await number(page, 'sentBitrate', (value) => value > 30)) > 0);
      t.ok((await number(page, 'backBitrate', (value) => value > 30)) > 0);
      // Of a second, on one machine.
      t.ok((await number(page, 'roundTrip', (value) => value >= 0)) < 1000);
      t.ok((await number(page, 'dataTrip', (value) => value >= 0)) < 1000);
      t.equal(await number(page, 'sentLost', (value) => value >= 0), 0);
      t.equal(await number(page, 'backLost', (value) => value >= 0), 0);
      t.ok((await number(page, 'sentFps', (value) => value > 0)) <= 60);
      t.ok((await number(page, 'backFps', (value) => value > 0)) <= 60);
      t.match(await figure(page, 'sentSize'), /^\d+×\d+$/);
      t.match(await figure(page, 'backSize'), /^\d+×\d+$/);
      t.equal(await figure(page, 'sentCodecs'), 'VP8, Opus');
      t.equal(await figure(page, 'backCodecs'), 'VP8, Opus');
      for (const end of ['local', 'remote']) {
        t.match(await figure(page, `${end}Address`), /^(\d+\.){3}\d+:\d+$/);
        t.match(await figure(page, `${end}Kind`), /^UDP · (host|prflx)/);
      }
      t.match(await textOf(page, '#verdict-title'), /^(Good|Usable) connection$/);

      await t.test('the camera is muted: nothing comes back', async (t) => {
        await page.click('#mute-video');
        await until('no picture for three seconds', async () => {
          const before = await framesBack(page);
          await new Promise((resolve) => setTimeout(resolve, 3000));
          return (await framesBack(page)) === before;
        });
        t.ok(await isVisible(page, '.no-picture'));
        t.equal(await stateOf(page), 'playing', 'which is no failure');
        await page.click('#mute-video');
        await seesItself(page);
      });

      await t.test('of three sizes the one that is chosen comes back', async (t) => {
        await page.select('#layers', '0');
        await seesItself(page);
        const small = await number(page, 'backSize', (width) => width > 0 && width <= 320);
        await page.select('#layers', '1');
        const medium = await number(page, 'backSize', (width) => width > small);
        t.ok(medium >= 2 * small, `${String(small)}, ${String(medium)} wide`);
        await page.select('#layers', 'off');
        await seesItself(page);
      });

      await t.test('it is recorded', async (t) => {
        await page.click('#record:enabled');
        await until('files', () => readdirSync(recordings).length >= 3);
        await page.click('#record');
        const kinds = readdirSync(recordings).map((file) => /^echotest-.*-(\w+)\.mjr$/.exec(file)?.[1]);
        t.same(kinds.toSorted(), ['audio', 'data', 'video']);
      });

      await t.test('stopped, it lets go of the camera', async (t) => {
        await page.click('#toggle');
        t.equal(await stateOf(page), 'idle');
        t.notOk(await isCaptured(page));
        t.equal(await figure(page, 'sentBitrate'), '–');
      });
      t.same(said, []);
      await page.close();
    });

    await t.test('the bitrate can be limited', async (t) => {
      const { page } = await open(browser, `${url}/echo.html`);
      await page.click('#with-drawing');
      await number(page, 'sentBitrate', (value) => value > 350);
      await page.select('#bitrate', '125000');
      t.ok((await number(page, 'sentBitrate', (value) => value > 0 && value < 250)) > 0, 'sound comes on top');
      await page.close();
    });

    await t.test('loss shows, each way', { skip: !canLosePackets() && 'needs root and nftables' }, async (t) => {
      const { page } = await open(browser, `${url}/echo.html`);
      await page.click('#with-drawing');
      await seesItself(page);
      const port = await until(
        'the port',
        async () => Number(/\d+$/.exec(await figure(page, 'remoteAddress'))?.[0] ?? 0) || false,
      );
      losePackets(t, [port, port], 10);

      t.ok((await number(page, 'sentLost', (share) => share > 2)) < 40);
      t.ok((await number(page, 'backLost', (share) => share > 0.5)) < 40);
      t.match(await textOf(page, '#verdict-text'), /lost/);
      await page.close();
    });

    await t.test('a firewall is told of', { skip: !canLosePackets() && 'needs root and nftables' }, async (t) => {
      const { page } = await open(browser, `${url}/echo.html`);
      await t.test('while it is there', async (t) => {
        losePackets(t, [1024, 65535], 100);
        await page.click('#with-drawing');
        await until('word of it', async () => (await stateOf(page)) === 'failed', 60);
        t.equal(await textOf(page, '#veil-title'), 'The media does not get through');
        t.match(await textOf(page, '#veil-text'), /no answer from .*127\.0\.0\.1:\d+ \(UDP\)/);
      });

      await page.click('#retry');
      await seesItself(page);
      t.pass('without it, another try works');
      await page.close();
    });

    await t.test('all is within reach on a phone', async (t) => {
      const { page } = await open(browser, `${url}/echo.html`);
      await page.setViewport(browserName === 'chromium' ? { ...PHONE, isMobile: true, hasTouch: true } : PHONE);
      await page.waitForSelector('#link[data-state=up]');
      const check = async (when: string): Promise<void> => {
        const { scrolls, tooWide, tooSmall } = await layoutOf(page);
        t.same({ scrolls, tooWide }, { scrolls: false, tooWide: [] }, when);
        // Firefox here has no touch screen to make things larger for.
        if (browserName === 'chromium') t.same(tooSmall, [], when);
      };
      await check('before');
      await page.click('#with-camera');
      await seesItself(page);
      await check('while it runs');
      const [controls, screen] = (await page.evaluate(
        `['.dock', '.screen'].map((part) => document.querySelector(part).getBoundingClientRect().bottom)`,
      )) as [number, number];
      t.ok(screen < controls && controls < PHONE.height, 'picture and controls are on one screen');

      await page.goto(url);
      await page.waitForSelector('.row');
      await check('streams');
      await page.close();
    });

    await t.test('a gateway that goes away is told, and waited for', async (t) => {
      const { page } = await open(browser, `${url}/echo.html`);
      await page.click('#with-camera');
      await seesItself(page);

      demo.kill('SIGKILL');
      await demo.exited;

      await until('word of it', async () => (await textOf(page, '#veil-title')) === 'The gateway does not answer');
      t.equal(await stateOf(page), 'offline');
      t.ok(await isVisible(page, '#notice-button'));
      t.equal(await figure(page, 'roundTrip'), '–', 'old figures are gone');
      t.ok(await isCaptured(page), 'the camera is kept');

      await startDemo(t, { PORT: new URL(url).port });
      await page.click('#notice-button').catch(() => undefined); // it may be trying already
      await seesItself(page);
      t.pass('it goes on by itself');
      await page.close();
    });
  });

  t.test(`${browserName}: without a camera`, async (t) => {
    const { url } = await startDemo(t);
    for (const [camera, title] of [
      ['none', 'There is no camera here'],
      ['refused', 'The camera was refused'],
    ] as const) {
      await t.test(camera, async (t) => {
        const browser = await launch(t, browserName, { camera });
        const { page } = await open(browser, `${url}/echo.html`);
        await page.click('#with-camera');
        await until('word of it', async () => (await stateOf(page)) === 'failed');
        t.equal(await textOf(page, '#veil-title'), title);
        t.ok(await isVisible(page, '#retry'));

        await page.click('#with-drawing');
        await seesItself(page);
        t.ok((await number(page, 'backSize', (width) => width > 0)) <= 640);
        t.ok((await number(page, 'backFps', (value) => value > 0)) > 0);
        t.notOk(await isVisible(page, '#record'), 'nobody may record here');
        await page.close();
      });
    }
  });
}
