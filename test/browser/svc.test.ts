// Of a picture that Chromium codes in layers, each spatial layer and each frame
// rate comes back when it is asked for, and no frame is dropped.
import t, { type Test } from 'tap';
import type { Page } from 'puppeteer-core';
import type { Gateway } from '../../lib/gateway.js';
import type { IncomingTrack } from '../../lib/peer/peer.js';
import { ALL_CASES, BROWSERS, launch, until } from '../support/browser.js';
import { echo, eventsOf, figuresOf, request } from '../support/player.js';
import { peersOf, testApp } from '../support/test-app.js';

interface Mode {
  codec: string;
  svc: string;
  /** Of the picture, by spatial layer. */
  widths: number[];
  /** Which share of the frames a temporal layer and those below it are. */
  shares: number[];
  /** Left out of a short run. */
  long?: boolean;
}

const HALVES = [0.25, 0.5, 1];
// Of a smaller picture Chromium makes fewer layers.
const MODES: Mode[] = [
  { codec: 'vp9', svc: 'L3T3', widths: [240, 480, 960], shares: HALVES, long: true },
  { codec: 'vp9', svc: 'L3T3_KEY', widths: [240, 480, 960], shares: HALVES },
  { codec: 'av1', svc: 'L3T3', widths: [240, 480, 960], shares: HALVES },
  { codec: 'av1', svc: 'L1T3', widths: [320], shares: HALVES, long: true },
];

function trackOf(gateway: Gateway): IncomingTrack | undefined {
  return peersOf(gateway)
    .map((peer) => peer.incomingTrack('0'))
    .find((track) => track !== undefined);
}

/** Frames decoded and frames sent in two seconds. */
async function share(page: Page, index: number, track: IncomingTrack): Promise<number> {
  const sent = (): number => track.stats()[0]?.frames ?? 0;
  const decoded = async (): Promise<number> => (await figuresOf(page, index)).video.framesDecoded ?? 0;
  const [sentBefore, decodedBefore] = [sent(), await decoded()];
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return ((await decoded()) - decodedBefore) / (sent() - sentBefore);
}

async function temporalLayers(t: Test, page: Page, index: number, track: IncomingTrack, shares: number[]) {
  for (const [temporal, expected] of shares.entries()) {
    await request(page, index, { temporal_layer: temporal });
    const got = await until(`frames of temporal layer ${String(temporal)}`, async () => {
      const one = await share(page, index, track);
      return Math.abs(one - expected) <= expected * 0.15 ? one : undefined;
    });
    t.comment(`temporal layer ${String(temporal)}: ${got.toFixed(2)} of the frames`);
  }
}

/** Goes through all layers; what was wrong with the picture meanwhile. */
async function problemsOf(t: Test, { codec, svc, widths, shares }: Mode): Promise<string[]> {
  const app = await testApp(t);
  const browser = await launch(t, 'chromium');
  const page = await browser.newPage();
  await page.goto(app.page);
  const width = widths.at(-1) ?? 0;
  const camera = { type: 'video', capture: { width, height: (width * 9) / 16 }, recv: true, svc };
  const index = await echo(page, app.ws, { video: true, videocodec: codec }, [camera]);
  const track = await until('the track', () => trackOf(app.gateway));
  await until('the whole picture', async () => (await figuresOf(page, index)).video.frameWidth === width, 60);

  const top = widths.length - 1;
  const all = [...widths.keys()];
  for (const spatial of [...all, ...all.toReversed()]) {
    await request(page, index, { spatial_layer: spatial });
    await until(
      `width ${String(widths[spatial])}`,
      async () => (await figuresOf(page, index)).video.frameWidth === widths[spatial],
    );
    const told = { echotest: 'event', mid: '0', videocodec: codec, spatial_layer: spatial };
    await until('the client is told', async () => (await eventsOf(page, index)).includes(JSON.stringify(told)));
    if (spatial === 0 || spatial === top) await temporalLayers(t, page, index, track, shares);
  }

  const { video } = await figuresOf(page, index);
  const [stats] = track.stats();
  t.comment(
    `${String(stats?.frames)} frames, ${String(stats?.keyframes)} keyframes; ${String(video.framesDecoded)} decoded, ` +
      `${String(video.framesDropped)} dropped, ${String(video.freezeCount)} freezes`,
  );
  t.equal(stats?.restarts, 0);
  t.equal(stats?.invalidDescriptors, 0);
  t.equal(video.packetsLost, 0);
  await page.close();
  // A decoder that misses something asks for a keyframe. (Frames that come late
  // are not shown, and count as dropped, on a machine that has other things to do.)
  return [
    ...((video.pliCount ?? 0) > 0 ? [`${String(video.pliCount)} PLIs`] : []),
    ...((video.framesDropped ?? 0) > (video.framesDecoded ?? 0) / 10 ? [`${String(video.framesDropped)} dropped`] : []),
  ];
}

for (const mode of MODES.filter(({ long }) => ALL_CASES || long !== true)) {
  const skip = !BROWSERS.includes('chromium') && 'Firefox does not send it';
  t.test(`${mode.codec} ${mode.svc}`, { skip }, async (t) => {
    // An encoder that stands still for a second leaves pictures out in its own way: once more, then.
    for (const mayFail of [true, false]) {
      const problems = await problemsOf(t, mode);
      if (mayFail && problems.length > 0) {
        t.comment(`once more after ${problems.join(', ')}`);
        continue;
      }
      t.same(problems, [], 'the decoder got all that it needs');
      break;
    }
  });
}
