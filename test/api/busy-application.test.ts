// Media goes on whatever the application's JavaScript does.
import t from 'tap';
import { fileURLToPath } from 'node:url';
import { Child } from '../../bench/processes.mjs';
import { Feeder, Viewers } from '../support/viewers.js';

t.test('an application that is stuck for 2 s loses no packet of 20 viewers', async (t) => {
  const server = new Child(
    process.execPath,
    [fileURLToPath(new URL('../../bench/headgate-server.mjs', import.meta.url)), '127.0.0.1'],
    { name: 'server', env: { NODE_OPTIONS: '' } },
  );
  t.teardown(() => server.close());
  const ready = (await server.next(({ event }) => event === 'ready', 20, 'ready')) as unknown as {
    httpPort: number;
    feedPort: number;
  };
  new Feeder(t, ready.feedPort);
  const viewers = new Viewers(t, `http://127.0.0.1:${String(ready.httpPort)}/janus`);
  await viewers.addMany(20);

  viewers.mark();
  server.send('stall 2000');
  await server.next(({ event }) => event === 'stalled', 20, 'end of the stall');
  const report = await viewers.report();
  server.send('stats');
  const { gateway } = (await server.next(({ event }) => event === 'stats', 20, 'stats')) as unknown as {
    gateway: { threads: { socketDrops: number }[] };
  };

  t.equal(report.connected, 20);
  t.ok(report.fewest > 300, `each got at least ${String(report.fewest)} packets meanwhile`);
  t.match(report, { lost: 0, wrong: 0, corrupt: 0 });
  t.same(
    gateway.threads.map(({ socketDrops }) => socketDrops),
    gateway.threads.map(() => 0),
  );
});
