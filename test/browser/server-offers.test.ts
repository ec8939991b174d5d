// The server offers in the middle of a call: it restarts ICE, adds a track,
// stops it and puts another in its place; also after it has answered.
import type { Page } from 'puppeteer-core';
import t from 'tap';
import {
  asyncRequest,
  link,
  Plugin,
  reply,
  type Handle,
  type IncomingTrack,
  type OfferLine,
  type Peer,
} from '../../lib/index.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { sendOpus, sendVp8 } from '../support/media-sources.js';
import { echo, eventsOf, figuresOf, play, request } from '../support/player.js';
import { audioAndVideo, peersOf, portOf, testApp } from '../support/test-app.js';

/** Receives a camera, and offers it back as often as it is asked to. */
class MirrorPlugin extends Plugin {
  static readonly package = 'example.plugin.mirror';
  #camera: IncomingTrack | undefined;
  peer: Peer | null = null;
  handle: Handle | null = null;

  readonly requests = {
    call: asyncRequest({}, async (handle, _body, { jsep }) => {
      this.handle = handle;
      this.peer = handle.createPeer({ offering: false });
      const sdp = await this.peer.createAnswer(jsep?.sdp ?? '', { wishFor: () => ({ direction: 'recvonly' }) });
      this.#camera = this.peer.incomingTrack('0');
      return reply({ result: 'ok' }, { type: 'answer', sdp });
    }),
    start: asyncRequest({}, () => ({ result: 'started' })),
  };

  async offer(...mirrors: OfferLine[]): Promise<void> {
    const { peer, handle } = this;
    const camera = this.#camera;
    if (peer === null || handle === null || camera === undefined) throw new Error('there is no call');
    const received: OfferLine = { mid: '0', codec: camera.codec, direction: 'recvonly' };
    const sdp = await peer.createOffer({ sessionName: 'mirror', media: [received, ...mirrors] });
    handle.push({ result: 'offer' }, { jsep: { type: 'offer', sdp } });
    await until('the answer', () => peer.state === 'connected');
    for (const { mid } of mirrors) {
      const track = peer.track(mid);
      if (track?.accepted) link(camera, track);
    }
  }

  mirror(mid: string): OfferLine {
    if (this.#camera === undefined) throw new Error('there is no camera');
    return { mid, codec: this.#camera.codec };
  }
}

async function goesOn(page: Page, index: number, mid: string): Promise<void> {
  const decoded = async (): Promise<number> => (await figuresOf(page, index)).received[mid]?.framesDecoded ?? 0;
  const before = await decoded();
  await until(`pictures of m-line ${mid}`, async () => (await decoded()) > before + 20);
}

for (const name of BROWSERS) {
  t.test(name, async (t) => {
    const app = await testApp(t);
    const browser = await launch(t, name);

    await t.test('a viewer of a mountpoint asks for a restart of ICE', async (t) => {
      const mountpoint = await audioAndVideo(app.gateway);
      sendVp8(t, 'ffmpeg', { port: portOf(mountpoint, 'v'), payloadType: 100 });
      sendOpus(t, 'ffmpeg', { port: portOf(mountpoint, 'a'), payloadType: 111 });
      const page = await browser.newPage();
      await page.goto(app.page);
      const index = await play(page, app.ws, mountpoint.id);
      await goesOn(page, index, 'v');

      await request(page, index, { request: 'watch', id: mountpoint.id, restart: true });
      await until('an answer', async () => (await eventsOf(page, index)).slice(-2).join() === 'updating,started');

      const [peer] = peersOf(app.gateway);
      await until('connected by the new credentials', () => peer?.iceState === 'connected');
      await goesOn(page, index, 'v');
      t.equal(peer?.stats().dtlsState, 'connected');
      await page.close();
    });

    await t.test('tracks are added, stopped and replaced by a side that has answered before', async (t) => {
      const mirror = new MirrorPlugin();
      await app.gateway.use(mirror);
      const page = await browser.newPage();
      await page.goto(app.page);
      const camera = { type: 'video', capture: { width: 320, height: 180 }, recv: false };
      const index = await echo(page, app.ws, { request: 'call' }, [camera], MirrorPlugin.package);

      await mirror.offer(mirror.mirror('one'));
      await goesOn(page, index, 'one');
      await mirror.offer({ mid: 'one', stopped: true });
      await mirror.offer(mirror.mirror('two'), mirror.mirror('three'));
      await goesOn(page, index, 'two');
      await goesOn(page, index, 'three');

      t.same(
        mirror.peer?.stats().tracks.map(({ mid }) => mid),
        ['two', 'three'],
      );
      t.equal(mirror.peer?.incomingTrack('0')?.receiving, true);
      await page.close();
    });
  });
}
