// Media goes on whatever the application's JavaScript does.
import t from 'tap';
import { GatewayProcess } from '../support/gateway-process.js';
import { Feeder, Viewers } from '../support/viewers.js';

t.test('an application that is stuck for 2 s loses no packet of 20 viewers', async (t) => {
  const server = new GatewayProcess(t, 'bench/headgate-server.mjs', { args: ['127.0.0.1'] });
  const ready = await server.message('ready');
  new Feeder(t, ready.feedPort);
  const viewers = new Viewers(t, `http://127.0.0.1:${String(ready.httpPort)}/janus`);
  await viewers.addMany(20);

  viewers.mark();
  server.send('stall 2000');
  await server.message('stalled');
  const report = await viewers.report();
  server.send('stats');
  const { gateway } = await server.message('stats');

  t.equal(report.connected, 20);
  t.ok(report.fewest > 300, `each got at least ${String(report.fewest)} packets meanwhile`);
  t.match(report, { lost: 0, wrong: 0, corrupt: 0 });
  t.same(
    gateway.threads.map(({ socketDrops }) => socketDrops),
    gateway.threads.map(() => 0),
  );
});
