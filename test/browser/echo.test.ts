// What a browser sends to the echo test comes back.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readMjr } from '../../lib/index.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { echo, eventsOf, figuresOf, request } from '../support/player.js';
import { testApp } from '../support/test-app.js';

for (const browserName of BROWSERS) {
  t.test(browserName, async (t) => {
    const recordings = t.testdir();
    const app = await testApp(t, { echotest: { recordings }, recordingsTmpExtension: 'tmp' });
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

    await request(page, index, { record: true, filename: 'echo' });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await request(page, index, { record: false });
    const files = ['echo-audio.mjr', 'echo-video.mjr'];
    await until('files', () => files.every((file) => existsSync(join(recordings, file))));
    for (const kind of ['audio', 'video'] as const) {
      const { info, records, cut } = readMjr(await readFile(join(recordings, `echo-${kind}.mjr`)));
      t.match(info, { t: kind[0], c: kind === 'audio' ? 'opus' : 'vp8' });
      t.ok(Object.values(info?.x ?? {}).includes('urn:ietf:params:rtp-hdrext:sdes:mid'), 'it names header extensions');
      t.equal(cut, 0);
      const last = records.at(-1)?.ms ?? 0;
      t.ok(
        records.length > 30 && last > 1500 && last < 4500,
        `${kind}: ${String(records.length)} in ${String(last)} ms`,
      );
      const seqs = records.map(({ bytes }) => Buffer.from(bytes).readUInt16BE(2)).toSorted((a, b) => a - b);
      t.equal(new Set(seqs).size, seqs.length, 'no number comes twice');
    }
  });
}
