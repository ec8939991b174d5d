import t from 'tap';
import type { Handle } from '../../../../lib/plugins/handle.js';
import { StreamingBench } from '../../../support/media-bench.js';

t.test('what the admin API shows of a handle, idle and watching', async (t) => {
  const bench = await StreamingBench.open(t);
  const client = await bench.client();
  const [session] = [...bench.sessions.values()];
  const handle = session?.handles.get(client.handle.id) as Handle;
  const flags = { hangingup: 0, started: 0, dataready: 0, paused: 0, stopping: 0, destroyed: 0 };
  t.same(bench.plugin.handleInfo(handle), { state: 'idle', ...flags });
  const media = [
    { type: 'audio', mid: 'a', port: 0, codec: 'opus' },
    { type: 'video', mid: 'v', port: 0, codec: 'vp8' },
  ];
  await client.ask({ request: 'create', type: 'rtp', id: 1, name: 'camera', media });

  await client.watch({ id: 1 });

  t.match(bench.plugin.handleInfo(handle), {
    state: 'watching',
    mountpoint_id: 1,
    mountpoint_name: 'camera',
    mountpoint_viewers: 1,
    media: [
      { type: 'audio', mindex: 0, mid: 'a' },
      { type: 'video', mindex: 1, mid: 'v' },
    ],
    ...flags,
  });
});
