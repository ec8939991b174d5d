// Sound that comes with copies of what was sent before (RED), that rests while
// nobody talks (DTX), and who talks.
import t from 'tap';
import type { Page } from 'puppeteer-core';
import { BROWSERS, launch, until } from '../support/browser.js';
import { echo, figuresOf } from '../support/player.js';
import { peersOf, testApp } from '../support/test-app.js';

const MICROPHONE = { type: 'audio', capture: true, recv: true };

/** Rewrites what the page will offer. */
async function munge(page: Page, from: string, to: string): Promise<void> {
  await page.evaluateOnNewDocument(
    (pattern, replacement) => {
      const { prototype } = (globalThis as unknown as { RTCPeerConnection: { prototype: RtcPrototype } })
        .RTCPeerConnection;
      const original = prototype.setLocalDescription;
      prototype.setLocalDescription = function (description) {
        if (description?.sdp) description.sdp = description.sdp.replace(new RegExp(pattern), replacement);
        return original.call(this, description);
      };
    },
    from,
    to,
  );
}

interface RtcPrototype {
  setLocalDescription: (this: unknown, description?: { sdp?: string }) => Promise<void>;
}

t.test('chromium', { skip: !BROWSERS.includes('chromium') && 'Firefox has no RED' }, async (t) => {
  const browser = await launch(t, 'chromium');

  t.test('RED comes back as RED, and is heard', async (t) => {
    const app = await testApp(t);
    const page = await browser.newPage();
    await page.goto(app.page);
    const index = await echo(page, app.ws, { audio: true, opusred: true }, [MICROPHONE]);

    const heard = await until('sound', async () => {
      const { audio } = await figuresOf(page, index);
      return (audio.totalAudioEnergy ?? 0) > 0 && (audio.packetsReceived ?? 0) > 100 ? audio : undefined;
    });
    // The browser names the primary encoding; the size tells that the copies came, too.
    const [sent] = (await figuresOf(page, index)).sent;
    const wentOut = (sent?.bytesSent ?? 0) / (sent?.packetsSent ?? 0);
    const cameBack = (heard.bytesReceived ?? 0) / (heard.packetsReceived ?? 0);
    t.ok(cameBack > wentOut * 0.9, `${wentOut.toFixed(0)} bytes a packet went out, ${cameBack.toFixed(0)} came back`);
    const [track] = peersOf(app.gateway).flatMap((peer) => [...peer.incoming]);
    t.equal(track?.negotiated.redPayloadType, 63);
    t.equal(track?.stats()[0]?.invalid, 0);
    await page.close();
  });

  t.test('without opusred there is none', async (t) => {
    const app = await testApp(t);
    const page = await browser.newPage();
    await page.goto(app.page);
    const index = await echo(page, app.ws, { audio: true }, [MICROPHONE]);

    const heard = await until('sound', async () => {
      const { audio } = await figuresOf(page, index);
      return (audio.totalAudioEnergy ?? 0) > 0 ? audio : undefined;
    });
    t.equal(heard.codec, 'audio/opus');
    await page.close();
  });

  t.test('with DTX next to nothing is sent in silence, and talking is told', async (t) => {
    const app = await testApp(t);
    const page = await browser.newPage();
    await munge(page, 'useinbandfec=1', 'useinbandfec=1;usedtx=1');
    await page.goto(app.page);
    const index = await echo(page, app.ws, { audio: true }, [MICROPHONE]);
    const [track] = peersOf(app.gateway).flatMap((peer) => [...peer.incoming]);
    if (track === undefined) throw new Error('there is no track');
    const told: boolean[] = [];
    track.on('talking', ({ talking, level }) => {
      t.comment(`talking: ${String(talking)}, ${level.toFixed(1)} -dBov`);
      told.push(talking);
    });

    // The microphone beeps once a second.
    track.detectTalking({ packets: 50, level: 120 });
    await until('somebody talks', () => told.length === 1);
    t.ok((track.stats()[0]?.audioLevel ?? 0) >= 0);
    t.match(track.negotiated.fmtp, /useinbandfec=1;usedtx=1/);

    const { sent } = await figuresOf(page, index);
    t.ok((sent[0]?.packetsSent ?? 0) > 0);
    await page.evaluate(() => {
      const { handle } =
        (globalThis as unknown as { players: { handle: { muteAudio: () => void } }[] }).players[0] ?? {};
      handle?.muteAudio();
    });
    await until('nobody talks', () => told.length === 2);
    t.same(told, [true, false]);

    const packets = (): number => track.stats()[0]?.packets ?? 0;
    const before = packets();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    t.ok(packets() - before < 50, `${String(packets() - before)} packets in two seconds of silence`);
    await page.close();
  });
});
