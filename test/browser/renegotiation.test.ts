// In the middle of a call: ICE is restarted, the camera changed, a track added
// and removed, and the rest goes on.
import type { Page } from 'puppeteer-core';
import t from 'tap';
import { BROWSERS, launch, until } from '../support/browser.js';
import { changeCamera, echo, figuresOf, renegotiate } from '../support/player.js';
import { peersOf, testApp } from '../support/test-app.js';

const decoded = async (page: Page, index: number, mid: string): Promise<number> =>
  (await figuresOf(page, index)).received[mid]?.framesDecoded ?? 0;

async function goesOn(page: Page, index: number, mid: string): Promise<void> {
  const before = await decoded(page, index, mid);
  await until(`pictures of m-line ${mid}`, async () => (await decoded(page, index, mid)) > before + 20);
}

const ufragOf = (sdp: string): string | undefined => /a=ice-ufrag:(\S+)/.exec(sdp)?.[1];

for (const name of BROWSERS) {
  t.test(name, async (t) => {
    const app = await testApp(t);
    const browser = await launch(t, name);
    const page = await browser.newPage();
    await page.goto(app.page);
    const index = await echo(page, app.ws);
    await goesOn(page, index, '1');

    await t.test('the browser restarts ICE', async (t) => {
      const before = ufragOf(await renegotiate(page, index, {}));
      const after = ufragOf(await renegotiate(page, index, { iceRestart: true }));

      t.not(after, before, 'our credentials are new, too');
      const [peer] = peersOf(app.gateway);
      await until('connected by the new credentials', () => peer?.iceState === 'connected');
      await goesOn(page, index, '1');
      t.equal(peer?.stats().dtlsState, 'connected');
    });

    await t.test('another camera', async (t) => {
      await changeCamera(page, index, '1', { width: 320, height: 240 });
      await goesOn(page, index, '1');
      t.pass('the picture goes on');
    });

    await t.test('a second video is added, and removed', async (t) => {
      const camera = { type: 'video', capture: { width: 320, height: 180 }, recv: true, add: true };
      await renegotiate(page, index, { tracks: [camera] });
      await goesOn(page, index, '2');
      await goesOn(page, index, '1');

      await renegotiate(page, index, { tracks: [{ type: 'video', mid: '2', remove: true }] });
      await goesOn(page, index, '1');
      await until('no more of the second', async () => {
        const before = await decoded(page, index, '2');
        await new Promise((resolve) => setTimeout(resolve, 500));
        return (await decoded(page, index, '2')) === before;
      });
      t.pass('it came and went');
    });
    await page.close();
  });
}
