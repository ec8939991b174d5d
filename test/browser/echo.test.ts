// What a browser sends to the echo test comes back.
import t from 'tap';
import { BROWSERS, launch, until } from '../support/browser.js';
import { echo, eventsOf, figuresOf, request } from '../support/player.js';
import { testApp } from '../support/test-app.js';

for (const browserName of BROWSERS) {
  t.test(browserName, async (t) => {
    const app = await testApp(t);
    const browser = await launch(t, browserName);
    const page = await browser.newPage();
    await page.goto(app.page);
    const index = await echo(page, app.ws);

    await until('pictures', async () => ((await figuresOf(page, index)).video.framesDecoded ?? 0) > 60);
    const { picture, audio } = await figuresOf(page, index);
    t.ok((audio.packetsReceived ?? 0) > 50, 'audio comes back');
    const events = await eventsOf(page, index);
    t.same(events.toSorted(), ['audio 0 comes', 'ok', 'video 1 comes', 'webrtcup']);
    // Firefox's camera shows one colour, which changes.
    await until('another picture', async () => (await figuresOf(page, index)).picture.luma !== picture.luma);

    await request(page, index, { video: false });
    await until('no more pictures', async () => {
      const before = (await figuresOf(page, index)).video.framesDecoded;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (await figuresOf(page, index)).video.framesDecoded === before;
    });
    const before = (await figuresOf(page, index)).video.framesDecoded ?? 0;
    await request(page, index, { video: true });
    await until('pictures again', async () => ((await figuresOf(page, index)).video.framesDecoded ?? 0) > before + 10);
  });
}
