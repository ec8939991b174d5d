import { createRequire } from 'node:module';
import type { Browser, Page, PuppeteerNode } from 'puppeteer-core';
import type { Test } from 'tap';

// By require: the resolver of tap's TypeScript loader trips over the exports of
// a package that puppeteer's ES modules import.
const puppeteer = createRequire(import.meta.url)('puppeteer-core') as PuppeteerNode;

export type BrowserName = 'chromium' | 'firefox';

/** Both, or the one that HEADGATE_TEST_BROWSER names. */
export const BROWSERS = (['chromium', 'firefox'] as const).filter(
  (name) => (process.env['HEADGATE_TEST_BROWSER'] ?? name) === name,
);

/** Cases that take minutes and say little more than others: `npm run test:soak` runs them too. */
export const ALL_CASES = process.env['HEADGATE_TEST_ALL_CASES'] !== undefined;

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const FIREFOX_PREFS = {
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-manager.url': '',
  'network.proxy.type': 0,
  'network.trr.mode': 5,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.auto': false,
  'app.normandy.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
};

/** What a browser answers to a page that asks for camera and microphone: a made-up one, that there is none, or no. */
export type Camera = 'fake' | 'none' | 'refused';

const CHROMIUM_CAMERA: Record<Camera, string[]> = {
  fake: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  none: ['--use-fake-ui-for-media-stream'],
  refused: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream=deny'],
};

const FIREFOX_CAMERA: Record<Camera, Record<string, unknown>> = {
  fake: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true },
  none: { 'media.navigator.permission.disabled': true },
  refused: {
    'media.navigator.streams.fake': true,
    'permissions.default.camera': 2,
    'permissions.default.microphone': 2,
  },
};

/** A real browser without a window, ended with the test. */
export async function launch(
  t: Test,
  name: BrowserName,
  { camera = 'fake', acceptInsecureCerts = false }: { camera?: Camera; acceptInsecureCerts?: boolean } = {},
): Promise<Browser> {
  const common = {
    headless: true,
    acceptInsecureCerts,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  };
  const browser =
    name === 'chromium'
      ? await puppeteer.launch({
          ...common,
          browser: 'chrome',
          executablePath: '/usr/bin/chromium',
          args: [...CHROMIUM_FLAGS, ...CHROMIUM_CAMERA[camera]],
        })
      : await puppeteer.launch({
          ...common,
          browser: 'firefox',
          executablePath: '/usr/bin/firefox-esr',
          extraPrefsFirefox: { ...FIREFOX_PREFS, ...FIREFOX_CAMERA[camera] },
        });
  t.teardown(() => browser.close());
  return browser;
}

/** Waits until `poll` gives something; fails with what it gave last. */
export async function until<T>(
  what: string,
  poll: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 30,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const got = await poll();
    if (got !== undefined && got !== false) return got;
    if (performance.now() > end) throw new Error(`not within ${String(seconds)} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Collects what a page complains of, for failures. */
export function complaints(page: Page): string[] {
  const lines: string[] = [];
  page.on('pageerror', (error) => lines.push(`error: ${String(error)}`));
  page.on('console', (message) => {
    if (message.type() === 'error') lines.push(`console: ${message.text()}`);
  });
  return lines;
}
