// Of three encodings that Chromium sends, each comes back when it is asked for,
// and so does each frame rate.
import t, { type Test } from 'tap';
import type { Page } from 'puppeteer-core';
import type { Gateway } from '../../lib/gateway.js';
import type { IncomingTrack } from '../../lib/peer/peer.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { echo, eventsOf, figuresOf, request } from '../support/player.js';
import { peersOf, testApp } from '../support/test-app.js';

const WIDTHS = [320, 640, 1280];
const CAMERA = { type: 'video', capture: { width: 1280, height: 720 }, recv: true, simulcast: true };

function trackOf(gateway: Gateway): IncomingTrack | undefined {
  return peersOf(gateway)
    .map((peer) => peer.incomingTrack('0'))
    .find((track) => track !== undefined);
}

/** Frames sent and frames decoded in two seconds. */
async function frames(page: Page, index: number, track: IncomingTrack, substream: number): Promise<number> {
  const sent = (): number => track.stats()[substream]?.frames ?? 0;
  const decoded = async (): Promise<number> => (await figuresOf(page, index)).video.framesDecoded ?? 0;
  const [sentBefore, decodedBefore] = [sent(), await decoded()];
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return ((await decoded()) - decodedBefore) / (sent() - sentBefore);
}

async function temporalLayers(t: Test, page: Page, index: number, track: IncomingTrack, substream: number) {
  // Chromium sends two of them: the lower one is every other frame.
  for (const [temporal, least, most] of [
    [0, 0.4, 0.6],
    [1, 0.85, 1.15],
    [2, 0.85, 1.15],
  ] as const) {
    await request(page, index, { temporal });
    const share = await until(`share of frames for temporal ${String(temporal)}`, async () => {
      const got = await frames(page, index, track, substream);
      return got >= least && got <= most ? got : undefined;
    });
    t.comment(`substream ${String(substream)}, temporal ${String(temporal)}: ${share.toFixed(2)} of the frames`);
  }
}

t.test('chromium', { skip: !BROWSERS.includes('chromium') && 'only Firefox is asked for' }, async (t) => {
  const app = await testApp(t);
  const streams = new Set<unknown>();
  app.gateway.events.on('media', ({ subtype, event }) => {
    if (subtype === 1 && 'receiving' in event && event.media === 'video') streams.add(event.substream);
  });
  const browser = await launch(t, 'chromium');
  const page = await browser.newPage();
  await page.goto(app.page);
  const index = await echo(page, app.ws, { audio: true, video: true }, [CAMERA]);
  const track = await until('the track', () => trackOf(app.gateway));
  await until('three encodings', () => track.stats().every(({ packets }) => packets > 100), 60);

  t.same(
    track.stats().map(({ rid }) => rid),
    ['l', 'm', 'h'],
  );
  t.same([...streams].sort(), [0, 1, 2], 'each of them was told of, and nothing else');
  for (const substream of [0, 2, 1]) {
    await request(page, index, { substream });
    const width = WIDTHS[substream];
    await until(`width ${String(width)}`, async () => (await figuresOf(page, index)).video.frameWidth === width);
    const told = { echotest: 'event', mid: '0', videocodec: 'vp8', substream };
    t.ok((await eventsOf(page, index)).includes(JSON.stringify(told)), 'the client is told');
    await temporalLayers(t, page, index, track, substream);
  }
  t.equal((await figuresOf(page, index)).video.framesDropped, 0, 'no frame was dropped');
  t.same(
    track.stats().map(({ restarts }) => restarts),
    [0, 0, 0],
  );
});
