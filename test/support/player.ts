import type { Page } from 'puppeteer-core';

/** What the test page tells of a player; members of inbound-rtp as the browser names them. */
export interface Figures {
  /** The gateway's description, with the candidates that the browser knows. */
  remote?: string;
  tracks: { mid: string; kind: string }[];
  picture: { mean: number; deviation: number; luma: string };
  video: InboundRtp;
  audio: InboundRtp;
  sent: OutboundRtp[];
  /** By mid. */
  received: Record<string, InboundRtp>;
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
  pliCount?: number;
  packetsReceived?: number;
  bytesReceived?: number;
  packetsLost?: number;
  retransmittedPacketsReceived?: number;
  totalAudioEnergy?: number;
}

export interface OutboundRtp {
  kind: 'audio' | 'video';
  rid?: string;
  frameWidth?: number;
  framesEncoded?: number;
  framesSent?: number;
  packetsSent?: number;
  bytesSent?: number;
  nackCount?: number;
  pliCount?: number;
  firCount?: number;
  retransmittedPacketsSent?: number;
  targetBitrate?: number;
}

interface TestPage {
  ready: boolean;
  play(server: string, id: number | string): Promise<number>;
  echo(server: string, body?: object, tracks?: object[], plugin?: string): Promise<number>;
  request(index: number, message: object): void;
  renegotiate(index: number, options: object): Promise<string>;
  changeCamera(index: number, mid: string, capture: object): Promise<void>;
  figures(index: number): Promise<Figures>;
  reconnect(index: number): Promise<void>;
  broken: number;
  events(index: number): string[];
}

declare const window: TestPage;

/** Plays a mountpoint in the test page; the number names the player. */
export async function play(page: Page, server: string, id: number | string): Promise<number> {
  await page.waitForFunction(() => window.ready, { timeout: 20_000 });
  return page.evaluate((url, mountpoint) => window.play(url, mountpoint), server, id);
}

/** Sends camera and microphone to the echo test, or another plugin, in the test page; the number names the player. */
export async function echo(
  page: Page,
  server: string,
  body?: object,
  tracks?: object[],
  plugin?: string,
): Promise<number> {
  await page.waitForFunction(() => window.ready, { timeout: 20_000 });
  return page.evaluate(
    (url, message, sent, name) => window.echo(url, message, sent, name),
    server,
    body,
    tracks,
    plugin,
  );
}

/** Sends the player's plugin a message. */
export function request(page: Page, index: number, message: object): Promise<void> {
  return page.evaluate((i, body) => window.request(i, body), index, message);
}

/** Offers anew, with what janus.js's `createOffer` takes; resolves with the answer's SDP. */
export function renegotiate(page: Page, index: number, options: object): Promise<string> {
  return page.evaluate((i, what) => window.renegotiate(i, what), index, options);
}

/** Another camera on an m-line, without an offer. */
export function changeCamera(page: Page, index: number, mid: string, capture: object): Promise<void> {
  return page.evaluate((i, m, c) => window.changeCamera(i, m, c), index, mid, capture);
}

/** Waits until janus.js notices that its connection broke, and has it claim its session anew. */
export async function reconnect(page: Page, index: number): Promise<void> {
  await page.waitForFunction(() => window.broken > 0, { timeout: 20_000 });
  await page.evaluate((i) => window.reconnect(i), index);
}

export function figuresOf(page: Page, index: number): Promise<Figures> {
  return page.evaluate((i) => window.figures(i), index);
}

export function eventsOf(page: Page, index: number): Promise<string[]> {
  return page.evaluate((i) => window.events(i), index);
}
