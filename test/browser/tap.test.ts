// Media that goes through JavaScript, by plugins as a user writes them.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import {
  asyncRequest,
  link,
  Plugin,
  reply,
  type Gateway,
  type Handle,
  type IncomingTrack,
  type Injector,
  type Peer,
} from '../../lib/index.js';
import { BROWSERS, launch, until } from '../support/browser.js';
import { sendVp8 } from '../support/media-sources.js';
import { echo, figuresOf, play } from '../support/player.js';
import { testApp } from '../support/test-app.js';

/** Answers as the streaming plugin does, and shows what is injected. */
class InjectedPlugin extends Plugin {
  static readonly package = 'janus.plugin.streaming';

  constructor(readonly injector: Injector) {
    super();
  }

  readonly requests = {
    watch: asyncRequest({}, async (handle) => {
      const peer = handle.createPeer();
      const media = [{ mid: 'v', codec: this.injector.codec }];
      const sdp = await peer.createOffer({ sessionName: 'injected', media });
      const track = peer.track('v');
      if (track) link(this.injector, track);
      return reply({ result: { status: 'preparing' } }, { type: 'offer', sdp });
    }),
    start: asyncRequest({}, () => ({ result: { status: 'starting' } })),
  };
}

/** Answers as the echo test does; every packet goes through JavaScript. */
class EchoPlugin extends Plugin {
  static readonly package = 'janus.plugin.echotest';
  readonly counts = { packets: 0, levels: 0, keyframes: 0, requests: 0 };
  #gateway: Gateway | null = null;

  readonly requests = {};
  readonly #request = asyncRequest({}, async (handle, _body, { jsep }) => {
    if (jsep?.type === 'offer') return this.#answer(handle, jsep.sdp);
    return { result: 'ok' };
  });

  override requestFor() {
    return this.#request;
  }

  override opened(gateway: Gateway): void {
    this.#gateway = gateway;
  }

  async #answer(handle: Handle, offer: string) {
    const peer = handle.createPeer({ offering: false });
    peer.on('negotiated', () => {
      for (const track of peer.incoming) this.#echo(peer, track);
    });
    const extensions = ['mid', 'audio-level', 'transport-wide-cc'] as const;
    const sdp = await peer.createAnswer(offer, { wishFor: () => ({ extensions }) });
    return reply({ result: 'ok' }, { type: 'answer', sdp });
  }

  #echo(peer: Peer, track: IncomingTrack): void {
    const out = peer.track(track.mid);
    if (!this.#gateway || !out) return;
    const tap = this.#gateway.createTap({ kind: track.kind });
    const injector = this.#gateway.createInjector({ codec: track.codec });
    const levelId = track.negotiated.extensions['audio-level'] ?? 0;
    tap.on('packets', (batch) => {
      for (const packet of batch) {
        ++this.counts.packets;
        if (packet.keyframe) ++this.counts.keyframes;
        if (packet.audioLevel(levelId) !== undefined) ++this.counts.levels;
      }
      injector.write(batch);
    });
    injector.on('keyframerequest', () => {
      ++this.counts.requests;
      track.requestKeyframe();
    });
    track.once('close', () => {
      tap.close();
      injector.close();
    });
    link(injector, out);
    link(track, tap);
  }
}

for (const browserName of BROWSERS) {
  t.test(`${browserName} plays what JavaScript injects`, async (t) => {
    const app = await testApp(t, { streaming: false });
    const injector = app.gateway.createInjector({ codec: 'vp8' });
    let requests = 0;
    injector.on('keyframerequest', () => requests++);
    await app.gateway.use(new InjectedPlugin(injector));
    const socket = createSocket('udp4', (packet) => injector.write([packet]));
    t.teardown(() => socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    sendVp8(t, 'ffmpeg', { port: socket.address().port, payloadType: 96 });
    const browser = await launch(t, browserName);
    const page = await browser.newPage();
    await page.goto(app.page);

    const index = await play(page, app.ws, 1);
    const { picture } = await figuresOf(page, index);
    const figures = await until('a moving picture', async () => {
      const now = await figuresOf(page, index);
      const moves = now.picture.deviation > 5 && now.picture.luma !== picture.luma;
      return moves && (now.video.framesDecoded ?? 0) >= 48 && now;
    });

    t.match(figures.video.codec, /VP8/i);
    t.ok(requests > 0, 'a keyframe was asked for');
    t.match(injector.stats(), { invalid: 0, refused: 0 });
  });

  t.test(`what ${browserName} sends comes back through a user's plugin`, async (t) => {
    const app = await testApp(t, { echotest: false });
    const plugin = new EchoPlugin();
    await app.gateway.use(plugin);
    const browser = await launch(t, browserName);
    const page = await browser.newPage();
    await page.goto(app.page);

    const index = await echo(page, app.ws);
    const figures = await until('pictures and sound', async () => {
      const now = await figuresOf(page, index);
      return (now.video.framesDecoded ?? 0) > 60 && (now.audio.packetsReceived ?? 0) > 50 && now;
    });
    const { picture } = figures;
    await until('another picture', async () => (await figuresOf(page, index)).picture.luma !== picture.luma);

    const { counts } = plugin;
    t.comment(JSON.stringify(counts));
    t.ok(counts.packets > 100 && counts.keyframes > 0 && counts.requests > 0);
    // Firefox and Chromium both offer it, and say how loud they are.
    t.ok(counts.levels > 50, 'audio levels are read');
  });
}
