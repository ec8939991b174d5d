// Random loss between gateway and browser is repaired by retransmissions.
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { OutgoingTrackStats } from '../../lib/peer/peer.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { sendOpus, sendVp8 } from '../support/media-sources.js';
import { canLosePackets, losePackets } from '../support/packet-loss.js';
import { figuresOf, play } from '../support/player.js';
import { audioAndVideo, portOf, testApp } from '../support/test-app.js';

const SECONDS = 25;
const RATE = 24;
const MEDIA_PORTS = [40_000, 40_099] as const;
// Janus 1.1.2 in Chromium: 93 % and 84 %.
const ENOUGH = [
  { loss: 5, decoded: 0.95 },
  { loss: 10, decoded: 0.9 },
];

// A decoder that is stopped for half a second drops frames, whatever arrived. A quiet virtual machine loses 2 %.
const MOST_STOLEN = 0.05;

/** Of all processors since the start, in ticks; `stolen` by other virtual machines. */
function processorTime(): { all: number; stolen: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.split(/ +/).slice(1, 9).map(Number);
  return { all: ticks.reduce((sum, value) => sum + value, 0), stolen: ticks[7] ?? 0 };
}

for (const browserName of BROWSERS) {
  t.test(browserName, { skip: !canLosePackets() && 'needs root and nftables' }, async (t) => {
    const browser = await launch(t, browserName);

    for (const { loss, decoded } of ENOUGH) {
      t.test(`with ${String(loss)} % loss at least ${String(decoded * 100)} % of the frames are decoded`, async (t) => {
        const app = await testApp(t, { media: { portRange: MEDIA_PORTS } });
        const mountpoint = await audioAndVideo(app.gateway, { id: 1 });
        sendOpus(t, 'ffmpeg', { port: portOf(mountpoint, 'a'), payloadType: 111 });
        sendVp8(t, 'ffmpeg', { port: portOf(mountpoint, 'v'), payloadType: 100, rate: RATE });
        const page = await browser.newPage();
        await page.goto(app.page);
        const index = await play(page, app.ws, 1);
        await until('pictures', async () => ((await figuresOf(page, index)).video.framesDecoded ?? 0) > 2 * RATE);
        const dropped = losePackets(t, MEDIA_PORTS, loss);

        const measure = async (): Promise<number> => {
          // What was sent counts, not the clock: a busy machine's ffmpeg is late.
          const sent = (): number => mountpoint.media.find(({ mid }) => mid === 'v')?.source.stats().frames ?? 0;
          const resent = (): OutgoingTrackStats | undefined =>
            [...app.gateway.sessions.values()]
              .flatMap((session) => [...session.handles.values()])
              .flatMap(({ peer }) => peer?.stats().tracks ?? [])
              .find(({ mid }) => mid === 'v');
          const [before, sentBefore, resentBefore] = [
            await figuresOf(page, index),
            sent(),
            resent()?.retransmitted ?? 0,
          ];
          await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
          const [after, video] = [await figuresOf(page, index), resent()];

          const total = sent() - sentBefore;
          const share = ((after.video.framesDecoded ?? 0) - (before.video.framesDecoded ?? 0)) / total;
          const frozen = (after.video.totalFreezesDuration ?? 0) - (before.video.totalFreezesDuration ?? 0);
          t.comment(
            `${browserName}, ${String(loss)} %: ${(share * 100).toFixed(1)} % of ${String(total)} frames decoded, ` +
              `${String((after.video.freezeCount ?? 0) - (before.video.freezeCount ?? 0))} freezes of ${frozen.toFixed(2)} s, ` +
              `${String(dropped())} datagrams dropped, ${String(video?.nacks)} NACKs, ` +
              `${String(video?.retransmitted)} resent, ${String(video?.notRetransmitted)} not`,
          );
          t.ok((video?.retransmitted ?? 0) > resentBefore, 'packets were sent again');
          return share;
        };

        // A machine with too much else to do freezes pictures as well: the best of three intervals counts.
        let share = 0;
        let leastStolen = 1;
        for (let i = 0; i < 3 && share < decoded; ++i) {
          const before = processorTime();
          share = Math.max(share, await measure());
          const after = processorTime();
          leastStolen = Math.min(leastStolen, (after.stolen - before.stolen) / (after.all - before.all));
        }

        t.ok(dropped() > 0, 'packets were lost');
        const isStarved = share < decoded && leastStolen > MOST_STOLEN;
        t.ok(share >= decoded, `${(share * 100).toFixed(1)} % were decoded`, {
          skip: isStarved && `other machines took ${(leastStolen * 100).toFixed(0)} % of this one's time`,
        });
        await page.close();
      });
    }
  });
}
