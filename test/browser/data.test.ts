// Data channels between a browser and the echo test.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import t from 'tap';
import { asyncRequest, Plugin, reply, type DataChannel } from '../../lib/index.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { canLosePackets, losePackets } from '../support/packet-loss.js';
import { testApp } from '../support/test-app.js';

const MEDIA_PORTS = [40_200, 40_299] as const;
const GREETING = 'The echo test got: ';

interface DataPage {
  ready: boolean;
  openData(server: string, plugin?: string): Promise<void>;
  echoTexts(label: string, options: object, texts: string[]): Promise<{ texts: string[]; seconds: number }>;
  echoBinary(label: string, options: object, sizes: number[]): Promise<{ same: boolean[]; seconds: number }>;
  countTexts(label: string, options: object, count: number, quiet: number): Promise<{ got: number; inOrder: boolean }>;
  manyChannels(count: number): Promise<{ echoed: number; closed: number }>;
  closeData(): Promise<void>;
  restartIce(): Promise<void>;
  keepChannel(label: string): Promise<void>;
  sendKept(count: number): Promise<void>;
  keptMessages(): (number | [size: number, first: number])[];
}

declare const window: DataPage;

// Of one peer, bytes.
const MOST_BUFFERED = 1 << 20;

/** Sends the client that opened a channel as much as it takes, once it is told to. */
class FloodPlugin extends Plugin {
  static readonly package = 'example.plugin.flood';
  static readonly count = 2000;
  static readonly size = 16_384;
  sent = 0;
  mostBuffered = 0;
  #channel: DataChannel | null = null;

  readonly requests = {
    open: asyncRequest({}, async (handle, _body, { jsep }) => {
      const peer = handle.createPeer({ offering: false });
      peer.on('datachannel', (channel) => {
        if (channel.label !== 'flood') return; // janus.js opens one of its own
        this.#channel = channel;
        channel.on('low', () => this.pour());
      });
      const sdp = await peer.createAnswer(jsep?.sdp ?? '', { wishFor: () => undefined, data: true });
      return reply({ result: 'ok' }, { type: 'answer', sdp });
    }),
  };

  pour(): void {
    const channel = this.#channel;
    if (channel === null) throw new Error('there is no channel');
    const message = Buffer.alloc(FloodPlugin.size);
    for (; this.sent < FloodPlugin.count; ++this.sent) {
      message.writeUInt32BE(this.sent);
      if (!channel.send(message)) break;
      this.mostBuffered = Math.max(this.mostBuffered, channel.bufferedAmount);
    }
  }
}

/** Connects two clients. */
class PipePlugin extends Plugin {
  static readonly package = 'example.plugin.pipe';
  connected = false;
  #waiting: DataChannel | null = null;

  readonly requests = {
    open: asyncRequest({}, async (handle, _body, { jsep }) => {
      const peer = handle.createPeer({ offering: false });
      peer.on('datachannel', (channel) => {
        if (channel.label !== 'pipe') return; // janus.js opens one of its own
        const other = this.#waiting;
        this.#waiting = other === null ? channel : null;
        other?.pipe(channel);
        if (other !== null) channel.pipe(other);
        this.connected = other !== null;
      });
      const sdp = await peer.createAnswer(jsep?.sdp ?? '', { wishFor: () => undefined, data: true });
      return reply({ result: 'ok' }, { type: 'answer', sdp });
    }),
  };
}

async function open(page: Page, app: { page: string; ws: string }, plugin?: string): Promise<void> {
  await page.goto(app.page);
  await page.waitForFunction(() => window.ready, { timeout: 20_000 });
  await page.evaluate((server, name) => window.openData(server, name), app.ws, plugin);
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

    await t.test('a restart of ICE loses no message', async (t) => {
      const counting = page.evaluate(() => window.countTexts('restart', {}, 5000, 5000));
      for (let round = 0; round < 3; ++round) {
        await sleep(300);
        await page.evaluate(() => window.restartIce());
      }
      const { got, inOrder } = await counting;
      t.same({ got, inOrder }, { got: 5000, inOrder: true });
    });
    await page.evaluate(() => window.closeData());

    await t.test(
      'a client that is not there for 3 s holds us back, and misses nothing',
      {
        skip: !canLosePackets() && 'needs root and nftables',
      },
      async (t) => {
        const flood = new FloodPlugin();
        await app.gateway.use(flood);
        const other = await browser.newPage();
        await open(other, app, FloodPlugin.package);
        await other.evaluate(() => window.keepChannel('flood'));
        const { rss } = process.memoryUsage();
        await t.test('meanwhile', async (t) => {
          losePackets(t, MEDIA_PORTS, 100);
          flood.pour();
          await sleep(3000);
          t.ok(flood.mostBuffered <= MOST_BUFFERED, `${String(flood.mostBuffered)} bytes`);
          t.ok(flood.sent < FloodPlugin.count, `${String(flood.sent)} messages`);
        });
        const got = () => other.evaluate(() => window.keptMessages());
        await until('all messages', async () => (await got()).length === FloodPlugin.count, 60);

        const expected = Array.from({ length: FloodPlugin.count }, (_, index) => [FloodPlugin.size, index]);
        t.same(await got(), expected);
        t.ok(flood.mostBuffered <= MOST_BUFFERED, `${String(flood.mostBuffered)} bytes waited at most`);
        const grown = (process.memoryUsage().rss - rss) / 2 ** 20;
        t.ok(grown < 100, `${grown.toFixed(0)} MiB more than before`);
        await other.close();
      },
    );

    await t.test('two pages talk through a pipe', async (t) => {
      const plugin = new PipePlugin();
      await app.gateway.use(plugin);
      const pages = [await browser.newPage(), await browser.newPage()] as const;
      for (const one of pages) {
        await open(one, app, PipePlugin.package);
        await one.evaluate(() => window.keepChannel('pipe'));
      }
      await until('the pipe', () => plugin.connected);
      await Promise.all(pages.map((one) => one.evaluate(() => window.sendKept(3000))));

      for (const one of pages) {
        const got = () => one.evaluate(() => window.keptMessages());
        await until('all messages', async () => (await got()).length === 3000);
        t.ok(
          (await got()).every((number, index) => number === index),
          'in order',
        );
      }
      // Not before: what a page still has to send ends with it.
      for (const one of pages) await one.close();
    });
  });
}
