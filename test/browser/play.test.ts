// What users see: real browsers play what ffmpeg and GStreamer send, through
// the gateway, with an unmodified janus.js.
import type { Browser, Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import type { Mountpoint } from '../../lib/index.js';
import { BROWSERS, complaints, launch, until } from '../support/browser.js';
import { makeClip, sendClip, sendH264, sendOpus, sendVp8, type SourceProgram } from '../support/media-sources.js';
import { audioAndVideo, portOf, testApp } from '../support/test-app.js';
import { eventsOf, figuresOf, play, type Figures } from '../support/player.js';

const PROGRAMS: SourceProgram[] = ['ffmpeg', 'gstreamer'];

function feed(t: Test, program: SourceProgram, mountpoint: Mountpoint): void {
  sendOpus(t, program, { port: portOf(mountpoint, 'a'), payloadType: 111 });
  sendVp8(t, program, { port: portOf(mountpoint, 'v'), payloadType: 100 });
}

/** Waits until pictures move and sound is heard. */
async function seeAndHear(page: Page, index: number, { audio = true } = {}): Promise<Figures> {
  const first = await figuresOf(page, index);
  return until('a moving picture with sound', async () => {
    const now = await figuresOf(page, index);
    const moves = now.picture.deviation > 5 && now.picture.luma !== first.picture.luma;
    const sounds = !audio || (now.audio.totalAudioEnergy ?? 0) > 0;
    return moves && sounds && (now.video.framesDecoded ?? 0) >= 48 && now;
  });
}

for (const browserName of BROWSERS) {
  t.test(browserName, async (t) => {
    const browser: Browser = await launch(t, browserName);

    for (const program of PROGRAMS) {
      for (const transport of ['ws', 'http'] as const) {
        t.test(`plays VP8 and Opus from ${program} over ${transport}`, async (t) => {
          const app = await testApp(t);
          const mountpoint = await audioAndVideo(app.gateway, { id: 1 });
          feed(t, program, mountpoint);
          const page = await browser.newPage();
          const said = complaints(page);
          await page.goto(app.page);

          const index = await play(page, app[transport], 1);
          const figures = await seeAndHear(page, index);

          t.match(figures.video.codec, /VP8/i);
          t.match(figures.audio.codec, /opus/i);
          t.equal(figures.video.frameWidth, 320);
          t.same((await eventsOf(page, index)).slice(0, 4), ['preparing', 'starting', 'started', 'webrtcup']);
          t.same(said, []);
          await page.close();
        });
      }
    }

    if (browserName === 'chromium') {
      for (const program of PROGRAMS) {
        t.test(`plays H.264 from ${program}`, async (t) => {
          const app = await testApp(t);
          const mountpoint = await app.gateway.createMountpoint({
            id: 1,
            media: [
              {
                type: 'video',
                mid: 'v',
                codec: 'h264',
                port: 0,
                payloadType: 126,
                fmtp: 'profile-level-id=42e01f;packetization-mode=1',
              },
            ],
          });
          sendH264(t, program, { port: portOf(mountpoint, 'v'), payloadType: 126 });
          const page = await browser.newPage();
          await page.goto(app.page);

          const index = await play(page, app.ws, 1);
          const figures = await seeAndHear(page, index, { audio: false });

          t.match(figures.video.codec, /H264/i);
          await page.close();
        });
      }
    }

    t.test('plays six streams in one page', async (t) => {
      const app = await testApp(t);
      const clip = makeClip(t);
      for (let id = 1; id <= 6; ++id) {
        const mountpoint = await audioAndVideo(app.gateway, { id });
        sendClip(t, clip, { video: portOf(mountpoint, 'v'), audio: portOf(mountpoint, 'a') });
      }
      const page = await browser.newPage();
      await page.goto(app.page);

      const indices = [];
      for (let id = 1; id <= 6; ++id) indices.push(await play(page, app.ws, id));

      for (const index of indices) t.ok(await seeAndHear(page, index));
      await page.close();
    });
  });
}
