// How people put it on the web: behind nginx, with TLS that ends there or with
// TLS of its own; and what becomes of a call when its WebSocket is cut.
import type { AddressInfo, Socket } from 'node:net';
import type { Page } from 'puppeteer-core';
import t from 'tap';
import { BROWSERS, launch, until } from '../support/browser.js';
import { selfSigned } from '../support/certificate.js';
import { hasNginx, nginx } from '../support/nginx.js';
import { echo, eventsOf, figuresOf, reconnect, renegotiate, request } from '../support/player.js';
import { testApp } from '../support/test-app.js';

const decoded = async (page: Page, index: number): Promise<number> =>
  (await figuresOf(page, index)).video.framesDecoded ?? 0;

async function goesOn(page: Page, index: number): Promise<void> {
  const before = await decoded(page, index);
  await until('pictures', async () => (await decoded(page, index)) > before + 20);
}

for (const name of BROWSERS) {
  t.test(name, async (t) => {
    const browser = await launch(t, name, { acceptInsecureCerts: true });

    await t.test('over its own https and wss, with a certificate that it signed itself', async (t) => {
      const app = await testApp(t, {}, selfSigned(t));
      const page = await browser.newPage();
      await page.goto(app.page);

      for (const server of [app.http, app.ws]) {
        await goesOn(page, await echo(page, server));
        t.pass(server.replace(/\d+\/janus/, '…'));
      }
      await page.close();
    });

    await t.test('behind nginx', { skip: hasNginx ? false : 'nginx is not installed' }, async (t) => {
      const app = await testApp(t);
      const front = await nginx(t, (app.server.address() as AddressInfo).port, selfSigned(t).folder);

      for (const [how, at] of Object.entries(front)) {
        const page = await browser.newPage();
        await page.goto(at.page);
        for (const server of [at.http, at.ws]) {
          const index = await echo(page, server);
          await goesOn(page, index);
          await renegotiate(page, index, { iceRestart: true });
          await goesOn(page, index);
          t.pass(`${how}: ${server.replace(/\d+\/janus/, '…')}, and on after an ICE restart`);
        }
        await page.close();
      }
    });

    await t.test('a call goes on while its WebSocket is cut, and is claimed', async (t) => {
      const app = await testApp(t, { reclaimSessionTimeout: 60_000 });
      const sockets = new Set<Socket>();
      app.server.on('connection', (socket: Socket) => sockets.add(socket));
      const page = await browser.newPage();
      await page.goto(app.page);
      const index = await echo(page, app.ws);
      await goesOn(page, index);

      for (const socket of sockets) socket.destroy();
      await until('the loss of the WebSocket', () => [...app.gateway.sessions.values()][0]?.owner === null);
      await goesOn(page, index);
      await reconnect(page, index);

      const answers = async (): Promise<number> =>
        (await eventsOf(page, index)).filter((event) => event === 'ok').length;
      const before = await answers();
      await request(page, index, { audio: true });
      await until('the answer to a request', async () => (await answers()) > before);
      await goesOn(page, index);
      t.equal(app.gateway.sessions.size, 1, 'it is the same session');
      await page.close();
    });
  });
}
