// What a browser publishes over a bad network is asked for again, and comes back.
import type { Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import type { Gateway } from '../../lib/gateway.js';
import type { IncomingTrack } from '../../lib/peer/peer.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { canLosePackets, losePackets } from '../support/packet-loss.js';
import { echo, figuresOf } from '../support/player.js';
import { peersOf, testApp } from '../support/test-app.js';

const SECONDS = 25;
const LOSS = 10;
const MEDIA_PORTS = [40_100, 40_199] as const;
const ENOUGH = 0.95;
const MOST_NACKS = 1.5; // for each hole
// An interval in which the browser itself stopped for want of processor time says nothing.
const MOST_INTERVALS = 6;

interface Interval {
  sent: number;
  decoded: number;
  holes: number;
  nacks: number;
  isSteady: boolean;
}

function videoOf(gateway: Gateway): IncomingTrack | undefined {
  return peersOf(gateway)
    .map((peer) => peer.incomingTrack('1'))
    .find((track) => track !== undefined);
}

async function measure(t: Test, page: Page, index: number, track: IncomingTrack): Promise<Interval> {
  const figures = async () => {
    const { sent, video } = await figuresOf(page, index);
    const own = sent.find(({ kind }) => kind === 'video');
    const { nacks = 0, recovered = 0, givenUp = 0 } = track.stats()[0] ?? {};
    return { sent: own?.framesSent ?? 0, decoded: video.framesDecoded ?? 0, nacks, holes: recovered + givenUp };
  };
  const before = await figures();
  const paces: number[] = [];
  let last = before.sent;
  for (let second = 0; second < SECONDS; ++second) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { sent } = await figures();
    paces.push(sent - last);
    last = sent;
  }
  const after = await figures();
  const interval = {
    sent: after.sent - before.sent,
    decoded: after.decoded - before.decoded,
    holes: after.holes - before.holes,
    nacks: after.nacks - before.nacks,
    isSteady: Math.min(...paces) > Math.max(...paces) / 2,
  };
  const share = ((interval.decoded / interval.sent) * 100).toFixed(1);
  t.comment(
    `${share} % of ${String(interval.sent)} frames decoded, ${String(interval.nacks)} NACKs for ` +
      `${String(interval.holes)} holes, frames each second: ${paces.join(' ')}`,
  );
  return interval;
}

for (const name of BROWSERS) {
  t.test(name, { skip: !canLosePackets() && 'needs root and nftables' }, async (t) => {
    const app = await testApp(t, { media: { portRange: MEDIA_PORTS } });
    const browser = await launch(t, name);
    const page = await browser.newPage();
    await page.goto(app.page);
    const index = await echo(page, app.ws);
    const track = await until('the track', () => videoOf(app.gateway));
    await until('pictures', async () => ((await figuresOf(page, index)).video.framesDecoded ?? 0) > 60);
    const dropped = losePackets(t, MEDIA_PORTS, LOSS);

    let interval = await measure(t, page, index, track);
    let { nacks, holes } = interval;
    // Few holes say little: where they are above the mean, more are counted.
    for (let i = 1; i < MOST_INTERVALS && (!interval.isSteady || nacks / holes > MOST_NACKS); ++i) {
      interval = await measure(t, page, index, track);
      nacks += interval.nacks;
      holes += interval.holes;
    }

    const { sent, decoded, isSteady } = interval;
    const skip = !isSteady && 'the browser never held its pace, for want of processor time';
    t.ok(dropped() > 0, `${String(dropped())} datagrams were lost`);
    t.ok(decoded / sent >= ENOUGH, `${((decoded / sent) * 100).toFixed(1)} % of the frames came back`, { skip });
    t.ok(holes > 0 && nacks / holes <= MOST_NACKS, `${(nacks / holes).toFixed(2)} NACKs for each hole`, { skip });
  });
}
