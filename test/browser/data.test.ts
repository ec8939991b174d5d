// Data channels between a browser and the echo test.
import type { Page } from 'puppeteer-core';
import t from 'tap';
import { BROWSERS, launch } from '../support/browser.js';
import { canLosePackets, losePackets } from '../support/packet-loss.js';
import { testApp } from '../support/test-app.js';

const MEDIA_PORTS = [40_200, 40_299] as const;
const GREETING = 'Janus EchoTest here! You wrote: ';

interface DataPage {
  ready: boolean;
  openData(server: string): Promise<void>;
  echoTexts(label: string, options: object, texts: string[]): Promise<{ texts: string[]; seconds: number }>;
  echoBinary(label: string, options: object, sizes: number[]): Promise<{ same: boolean[]; seconds: number }>;
  countTexts(label: string, options: object, count: number, quiet: number): Promise<{ got: number; inOrder: boolean }>;
  manyChannels(count: number): Promise<{ echoed: number; closed: number }>;
  closeData(): Promise<void>;
}

declare const window: DataPage;

async function open(page: Page, app: { page: string; ws: string }): Promise<void> {
  await page.goto(app.page);
  await page.waitForFunction(() => window.ready, { timeout: 20_000 });
  await page.evaluate((server) => window.openData(server), app.ws);
}

for (const browserName of BROWSERS) {
  t.test(browserName, async (t) => {
    const browser = await launch(t, browserName);
    const app = await testApp(t, { media: { portRange: MEDIA_PORTS } });
    const page = await browser.newPage();
    await open(page, app);

    await t.test('text comes back with a greeting, and nothing at all too', async (t) => {
      const { texts } = await page.evaluate(() => window.echoTexts('JanusDataChannel', {}, ['hello', 'grüß dich', '']));
      t.same(texts, [`${GREETING}hello`, `${GREETING}grüß dich`, GREETING]);
    });

    await t.test('binary comes back as it was, up to 256 kB', async (t) => {
      const { same, seconds } = await page.evaluate(() =>
        window.echoBinary('binary', {}, [0, 1, 60_000, 262_144, 262_144, 60_000]),
      );
      t.same(same, [true, true, true, true, true, true], `${seconds.toFixed(2)} s`);
    });

    await t.test('10,000 small messages come back in order', async (t) => {
      const { got, inOrder } = await page.evaluate(() => window.countTexts('small', {}, 10_000, 0));
      t.same({ got, inOrder }, { got: 10_000, inOrder: true });
    });

    await t.test('unordered ones come back too', async (t) => {
      const { got } = await page.evaluate(() => window.countTexts('unordered', { ordered: false }, 1000, 0));
      t.equal(got, 1000);
      const lossy = await page.evaluate(() =>
        window.countTexts('lossy', { ordered: false, maxRetransmits: 0 }, 1000, 1000),
      );
      t.ok(lossy.got > 900, `${String(lossy.got)} of 1000`);
    });

    await t.test('200 channels at once, which then close', async (t) => {
      t.same(await page.evaluate(() => window.manyChannels(200)), { echoed: 200, closed: 200 });
    });

    await t.test('with 10 % loss', { skip: !canLosePackets() && 'needs root and nftables' }, async (t) => {
      const dropped = losePackets(t, MEDIA_PORTS, 10);
      const binary = await page.evaluate(() => window.echoBinary('binary2', {}, [60_000, 262_144, 60_000]));
      t.same(binary.same, [true, true, true], `${binary.seconds.toFixed(2)} s`);
      const { got, inOrder } = await page.evaluate(() => window.countTexts('small2', {}, 2000, 0));
      t.same({ got, inOrder }, { got: 2000, inOrder: true });
      const lossy = await page.evaluate(() =>
        window.countTexts('lossy2', { ordered: false, maxRetransmits: 0 }, 500, 2000),
      );
      t.ok(lossy.got > 200 && lossy.got < 500, `${String(lossy.got)} of 500 that are not sent again`);
      t.ok(dropped() > 0, `${String(dropped())} datagrams were lost`);
    });

    await page.evaluate(() => window.closeData());
  });
}
