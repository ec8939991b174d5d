// What ffmpeg and GStreamer send to mountpoints of the `headgate` command's files arrives at a viewer.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { until } from '../support/browser.js';
import { MINIMAL, streaming } from '../support/headgate-api.js';
import { folderOf, freePorts, HeadgateProcess, makeFolder } from '../support/headgate-process.js';
import { runSource } from '../support/media-sources.js';
import { Viewers } from '../support/viewers.js';
import { inIni, inLibconfig, LARGE_PACKETS, portsFor, recordedSource, WIKI_SOURCES } from '../support/wiki-sources.js';

// Multicast stays on loopback here.
const LOOPBACK = { name: 'lo', address: '127.0.0.1' };

for (const [form, write, ending] of [
  ['libconfig', inLibconfig, 'jcfg'],
  ['INI', inIni, 'cfg'],
] as const) {
  t.test(`mountpoints in ${form} form`, async (t: Test) => {
    const sources = [...WIKI_SOURCES, recordedSource(join(folderOf(t), 'clip.mp4')), LARGE_PACKETS];
    const [http = 0] = await freePorts(1);
    const ports = portsFor(sources, await freePorts(2 * sources.length));
    const written = sources.map((source) => {
      const on = source.multicast ? ['videoiface = lo', ...(source.audio ? ['audioiface = lo'] : [])] : [];
      return write(source, ports.of(source), on);
    });
    const folder = makeFolder(t, {
      ...MINIMAL(http),
      'janus.jcfg': 'general: { debug_level = 4 }\nnat: { ice_enforce_list = "lo" }',
      [`janus.plugin.streaming.${ending}`]: written.join(''),
    });
    const headgate = new HeadgateProcess(t, '-F', folder);
    await headgate.says(/HTTP on/);
    const base = `http://127.0.0.1:${String(http)}/janus`;
    const ask = await streaming(base);
    const viewers = new Viewers(t, base);

    for (const source of sources) {
      await t.test(source.name, async (t) => {
        runSource(t, source.command(ports.of(source), LOOPBACK));
        if (source === LARGE_PACKETS) {
          await headgate.says(/\[WARN\] \[mountpoint 14\b.*pkt_size=1200/);
          t.pass('a warning names the mountpoint and the remedy');
          return;
        }

        const viewer = await viewers.add(source.id, { media: ['v'] });
        if (source.audio) {
          await until('sound', async () => {
            const { info } = await ask({ request: 'info', id: source.id });
            return info.media.every(({ age_ms }: { age_ms: number }) => age_ms < 500);
          });
        }

        const { connected, received, authFailures } = await viewers.report();
        t.equal(connected, 1);
        t.ok(received > 0, `${String(received)} packets`);
        t.equal(authFailures, 0);
        await viewers.leave(viewer);
      });
    }
    t.notMatch(headgate.stdout, /\[WARN\] \[mountpoint (?!14)/, 'of the others there is nothing to say');
  });
}
