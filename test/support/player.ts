import type { Page } from 'puppeteer-core';

/** What the test page tells of a player; members of inbound-rtp as the browser names them. */
export interface Figures {
  tracks: { mid: string; kind: string }[];
  picture: { mean: number; deviation: number; luma: string };
  video: InboundRtp;
  audio: InboundRtp;
  pair: { localPort: number; remotePort: number; local: string; remote: string } | null;
}

export interface InboundRtp {
  codec?: string;
  frameWidth?: number;
  framesDecoded?: number;
  framesDropped?: number;
  freezeCount?: number;
  totalFreezesDuration?: number;
  nackCount?: number;
  packetsReceived?: number;
  packetsLost?: number;
  retransmittedPacketsReceived?: number;
  totalAudioEnergy?: number;
}

interface TestPage {
  ready: boolean;
  play(server: string, id: number | string): Promise<number>;
  figures(index: number): Promise<Figures>;
  events(index: number): string[];
}

declare const window: TestPage;

/** Plays a mountpoint in the test page; the number names the player. */
export async function play(page: Page, server: string, id: number | string): Promise<number> {
  await page.waitForFunction(() => window.ready, { timeout: 20_000 });
  return page.evaluate((url, mountpoint) => window.play(url, mountpoint), server, id);
}

export function figuresOf(page: Page, index: number): Promise<Figures> {
  return page.evaluate((i) => window.figures(i), index);
}

export function eventsOf(page: Page, index: number): Promise<string[]> {
  return page.evaluate((i) => window.events(i), index);
}
