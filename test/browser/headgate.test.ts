// Browsers play what ffmpeg and GStreamer send to mountpoints of the `headgate` command's files.
import { join } from 'node:path';
import t from 'tap';
import { BROWSERS, launch, until } from '../support/browser.js';
import { folderOf, freePorts, HeadgateProcess, makeFolder } from '../support/headgate-process.js';
import { runSource } from '../support/media-sources.js';
import { figuresOf, play } from '../support/player.js';
import { testApp } from '../support/test-app.js';
import { inLibconfig, portsFor, recordedSource, WIKI_SOURCES } from '../support/wiki-sources.js';

// Each shape once; Debian's Firefox has no H.264.
const NAMES = {
  chromium: ['gstreamer-multicast', 'h264-sample', 'h264-opus', 'recorded'],
  firefox: ['gstreamer-sample', 'ffmpeg-multicast'],
};

for (const browserName of BROWSERS) {
  t.test(browserName, async (t) => {
    const all = [...WIKI_SOURCES, recordedSource(join(folderOf(t), 'clip.mp4'))];
    const sources = all.filter(({ name }) => NAMES[browserName].includes(name));
    const [ws = 0] = await freePorts(1);
    const ports = portsFor(sources, await freePorts(2 * sources.length));
    const folder = makeFolder(t, {
      'janus.jcfg': 'general: { debug_level = 4 }',
      'janus.transport.websockets.jcfg': `general: { ws = true ws_port = ${String(ws)} }`,
      'janus.plugin.streaming.jcfg': sources.map((source) => inLibconfig(source, ports.of(source))).join(''),
    });
    const headgate = new HeadgateProcess(t, '-F', folder);
    await headgate.says(/WebSocket on/);
    const { page: address } = await testApp(t);
    const browser = await launch(t, browserName);

    for (const source of sources) {
      await t.test(source.name, async (t) => {
        runSource(t, source.command(ports.of(source), null));
        const page = await browser.newPage();
        await page.goto(address);

        const index = await play(page, `ws://127.0.0.1:${String(ws)}`, source.id);
        const first = await figuresOf(page, index);
        const figures = await until('a moving picture', async () => {
          const now = await figuresOf(page, index);
          const moves = now.picture.deviation > 5 && now.picture.luma !== first.picture.luma;
          const sounds = !source.audio || (now.audio.totalAudioEnergy ?? 0) > 0;
          return moves && sounds && (now.video.framesDecoded ?? 0) >= 24 && now;
        });

        t.match(figures.video.codec, new RegExp(source.codec, 'i'));
        t.equal(figures.video.frameWidth, 320);
        await page.close();
      });
    }
  });
}
