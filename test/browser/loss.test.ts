// Random loss between gateway and browser is repaired by retransmissions.
import type { Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import type { Gateway } from '../../lib/gateway.js';
import type { OutgoingTrackStats } from '../../lib/peer/peer.js';
import type { Mountpoint } from '../../lib/routing/mountpoint.js';
import { ALL_CASES, BROWSERS, launch, until } from '../support/browser.js';
import { sendOpus, sendVp8 } from '../support/media-sources.js';
import { canLosePackets, losePackets } from '../support/packet-loss.js';
import { figuresOf, play } from '../support/player.js';
import { audioAndVideo, peersOf, portOf, testApp } from '../support/test-app.js';

const SECONDS = 15;
const RATE = 24;
const MEDIA_PORTS = [40_000, 40_099] as const;
// Janus 1.1.2 in Chromium: 93 % and 84 %.
const ENOUGH = [
  { loss: 5, decoded: 0.95 },
  { loss: 10, decoded: 0.9 },
];

// Where other virtual machines take the processors for a second, ffmpeg stops and then sends at once what it missed;
// a player jumps over that to the next keyframe, with or without loss. Such an interval says nothing.
const PACE = [RATE - 6, RATE + 6] as const;
const MOST_INTERVALS = 10;

interface Interval {
  /** Of the frames that were sent; undefined: the source did not hold its pace. */
  share: number | undefined;
  retransmitted: number;
}

function videoOf(gateway: Gateway): OutgoingTrackStats | undefined {
  return peersOf(gateway)
    .flatMap((peer) => peer.stats().tracks)
    .find(({ mid }) => mid === 'v');
}

/** Plays anew, for a player that was once upset stays so for a minute. */
async function measure(
  t: Test,
  page: Page,
  app: { gateway: Gateway; page: string; ws: string },
  source: Mountpoint,
): Promise<Interval> {
  await page.goto(app.page);
  const index = await play(page, app.ws, 1);
  await until('pictures', async () => ((await figuresOf(page, index)).video.framesDecoded ?? 0) > 2 * RATE);
  // What was sent counts, not the clock.
  const sent = (): number => source.media.find(({ mid }) => mid === 'v')?.source.stats().frames ?? 0;
  const [before, sentBefore] = [await figuresOf(page, index), sent()];
  let pace = RATE;
  const isSteady = (): boolean => pace >= PACE[0] && pace <= PACE[1];
  for (let second = 0; second < SECONDS && isSteady(); ++second) {
    const start = sent();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    pace = sent() - start;
  }
  const [after, video] = [await figuresOf(page, index), videoOf(app.gateway)];

  const total = sent() - sentBefore;
  const share = ((after.video.framesDecoded ?? 0) - (before.video.framesDecoded ?? 0)) / total;
  const frozen = (after.video.totalFreezesDuration ?? 0) - (before.video.totalFreezesDuration ?? 0);
  t.comment(
    `${(share * 100).toFixed(1)} % of ${String(total)} frames decoded, ` +
      `${String((after.video.freezeCount ?? 0) - (before.video.freezeCount ?? 0))} freezes of ${frozen.toFixed(2)} s, ` +
      `${String(video?.nacks)} NACKs, ${String(video?.retransmitted)} resent, ${String(video?.notRetransmitted)} not` +
      (isSteady() ? '' : `; does not count: ${String(pace)} frames were sent in the last second`),
  );
  return { share: isSteady() ? share : undefined, retransmitted: video?.retransmitted ?? 0 };
}

for (const browserName of BROWSERS) {
  t.test(browserName, { skip: !canLosePackets() && 'needs root and nftables' }, async (t) => {
    const browser = await launch(t, browserName);

    for (const { loss, decoded } of ALL_CASES ? ENOUGH : ENOUGH.slice(-1)) {
      t.test(`with ${String(loss)} % loss at least ${String(decoded * 100)} % of the frames are decoded`, async (t) => {
        const app = await testApp(t, { media: { portRange: MEDIA_PORTS } });
        const mountpoint = await audioAndVideo(app.gateway, { id: 1 });
        sendOpus(t, 'ffmpeg', { port: portOf(mountpoint, 'a'), payloadType: 111 });
        sendVp8(t, 'ffmpeg', { port: portOf(mountpoint, 'v'), payloadType: 100, rate: RATE });
        const page = await browser.newPage();
        const dropped = losePackets(t, MEDIA_PORTS, loss);

        let interval: Interval = { share: undefined, retransmitted: 0 };
        for (let i = 0; i < MOST_INTERVALS && interval.share === undefined; ++i) {
          interval = await measure(t, page, app, mountpoint);
        }

        const { share = 0, retransmitted } = interval;
        const skip = interval.share === undefined && 'the source never held its pace, for want of processor time';
        t.ok(dropped() > 0, `${String(dropped())} datagrams were lost`);
        t.ok(retransmitted > 0, 'packets were sent again', { skip });
        t.ok(share >= decoded, `${(share * 100).toFixed(1)} % were decoded`, { skip });
        await page.close();
      });
    }
  });
}
