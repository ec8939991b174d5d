// With `fullTrickle` our candidates come after the description, in events of their own.
import t from 'tap';
import { BROWSERS, launch, until } from '../support/browser.js';
import { echo, figuresOf, renegotiate } from '../support/player.js';
import { testApp } from '../support/test-app.js';

for (const name of BROWSERS) {
  t.test(name, async (t) => {
    const app = await testApp(t, { fullTrickle: true });
    const answers: string[] = [];
    app.gateway.events.on('jsep', ({ event }) => {
      if (event.owner === 'local') answers.push(event.jsep.sdp);
    });
    const browser = await launch(t, name);
    const page = await browser.newPage();
    await page.goto(app.page);
    const index = await echo(page, app.ws);
    const isKnown = async (): Promise<boolean> =>
      (await figuresOf(page, index)).remote?.includes('a=candidate:') ?? false;
    const pictures = async (): Promise<number> => (await figuresOf(page, index)).video.framesDecoded ?? 0;

    await until('candidates and pictures', async () => (await isKnown()) && (await pictures()) > 20);
    await renegotiate(page, index, { iceRestart: true });
    const before = await pictures();
    await until('candidates and pictures anew', async () => (await isKnown()) && (await pictures()) > before + 20);

    t.equal(answers.length, 2);
    for (const sdp of answers) t.notMatch(sdp, /candidate/);
    await page.close();
  });
}
