// A gateway and viewers with real ICE, DTLS and SRTP, over real sockets.
import t, { type Test } from 'tap';
import { until } from '../support/browser.js';
import { peersOf, portOf, testApp, type TestApp } from '../support/test-app.js';
import { Feeder, Viewers } from '../support/viewers.js';

async function appWithVideo(t: Test, threads: number): Promise<TestApp> {
  const app = await testApp(t, { media: { threads } });
  const mountpoint = await app.gateway.createMountpoint({
    id: 1,
    media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
  });
  new Feeder(t, portOf(mountpoint, 'v'));
  return app;
}

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

for (const threads of [1, 3]) {
  t.test(`with ${String(threads)} media threads each viewer gets each packet`, async (t) => {
    const app = await appWithVideo(t, threads);
    const viewers = new Viewers(t, app.http);
    await viewers.addMany(6, 3);

    viewers.mark();
    // Others look at it meanwhile, from their thread.
    for (let i = 0; i < 30; ++i) {
      await seconds(0.1);
      app.gateway.stats();
      app.gateway.mountpoints.get(1)?.stats();
      for (const peer of peersOf(app.gateway)) peer.stats();
    }
    const report = await viewers.report();

    t.equal(report.connected, 6);
    t.ok(report.fewest > 300, `each got at least ${String(report.fewest)} packets`);
    t.match(report, { lost: 0, wrong: 0, corrupt: 0, authFailures: 0 });
    const stats = app.gateway.stats();
    t.equal(stats.peers, 6);
    t.equal(stats.threads.filter(({ peers }) => peers > 0).length, threads, 'all threads have work');
  });
}

t.test('a viewer that leaves is gone altogether', async (t) => {
  const app = await appWithVideo(t, 3);
  const viewers = new Viewers(t, app.http);

  for (let i = 0; i < 10; ++i) await viewers.leave(await viewers.add());

  // The media thread says goodbye first, and tells then.
  await until('the end of the last peer', () => app.gateway.stats().peers === 0, 5);
  t.equal(app.gateway.mountpoints.get(1)?.viewers.size, 0);
});
