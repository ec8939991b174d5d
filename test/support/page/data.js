// Data channels of a peer connection with the echo test or another plugin, which has nothing else.
import Janus from '/janus.js';

const GREETING = 'The echo test got: ';
const MANY = 1 << 20;
let janus;
let handle;
let pc;

/** Connects by janus.js, with a data channel and no media. */
window.openData = async (server, plugin = 'janus.plugin.echotest') => {
  await new Promise((resolve) => {
    Janus.init({
      debug: ['error'],
      dependencies: Janus.useDefaultDependencies({ adapter: window.adapter }),
      callback: resolve,
    });
  });
  await new Promise((resolve, reject) => {
    janus = new Janus({ server, success: resolve, error: reject, destroyed: () => undefined });
  });
  await new Promise((resolve, reject) => {
    janus.attach({
      plugin,
      success: (attached) => {
        handle = attached;
        handle.createOffer({
          tracks: [{ type: 'data' }],
          success: (jsep) => handle.send({ message: { request: 'open', audio: false, video: false }, jsep }),
          error: reject,
        });
      },
      error: reject,
      onmessage: (message, jsep) => {
        if (message.error) reject(new Error(message.error));
        if (jsep) handle.handleRemoteJsep({ jsep, error: reject });
      },
      ondataopen: () => resolve(),
    });
  });
  pc = handle.webrtcStuff.pc;
};

window.closeData = () => new Promise((resolve) => janus.destroy({ success: resolve, error: resolve }));

function openChannel(label, options) {
  const channel = pc.createDataChannel(label, options);
  channel.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    channel.onopen = () => resolve(channel);
    channel.onerror = ({ error }) => reject(error);
  });
}

/** Waits until little is buffered: browsers close a channel that has too much. */
async function room(channel) {
  while (channel.bufferedAmount > MANY) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function echo(label, options, messages) {
  const channel = await openChannel(label, options);
  const start = performance.now();
  const got = [];
  const all = new Promise((resolve, reject) => {
    channel.onmessage = ({ data }) => {
      got.push(data);
      if (got.length === messages.length) resolve();
    };
    channel.onclose = () => reject(new Error(`${label} closed after ${got.length} messages`));
  });
  for (const message of messages) {
    await room(channel);
    channel.send(message);
  }
  await all;
  channel.onclose = null;
  channel.close();
  return { got, seconds: (performance.now() - start) / 1000 };
}

window.echoTexts = async (label, options, texts) => {
  const { got, seconds } = await echo(label, options, texts);
  return { texts: got, seconds };
};

window.echoBinary = async (label, options, sizes) => {
  const messages = sizes.map((size) => Uint8Array.from({ length: size }, (_, index) => (index * 31 + size) >> 3));
  const { got, seconds } = await echo(label, options, messages);
  const same = messages.map((message, index) => {
    const bytes = new Uint8Array(got[index]);
    return bytes.length === message.length && bytes.every((byte, at) => byte === message[at]);
  });
  return { same, seconds };
};

/** Sends numbers; ends when all came back or, if `quiet` is not 0, so many milliseconds after the last. */
window.countTexts = async (label, options, count, quiet) => {
  const channel = await openChannel(label, options);
  const got = [];
  let last = performance.now();
  channel.onmessage = ({ data }) => {
    got.push(Number(data.slice(GREETING.length)));
    last = performance.now();
  };
  for (let i = 0; i < count; ++i) {
    if (i % 100 === 0) await room(channel);
    // At once they would overrun sockets, and nobody sends these again.
    if (quiet > 0 && i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    channel.send(String(i));
  }
  last = performance.now();
  while (got.length < count && (quiet === 0 || performance.now() - last < quiet)) {
    if (performance.now() - last > 30_000) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  channel.close();
  return { got: got.length, inOrder: got.every((number, index) => number === index) };
};

window.manyChannels = async (count) => {
  const labels = Array.from({ length: count }, (_, index) => `channel ${index}`);
  const channels = await Promise.all(labels.map((label) => openChannel(label, {})));
  const echoes = channels.map(
    (channel) =>
      new Promise((resolve) => {
        channel.onmessage = ({ data }) => resolve(data === `${GREETING}${channel.label}` ? 1 : 0);
      }),
  );
  for (const channel of channels) channel.send(channel.label);
  const echoed = (await Promise.all(echoes)).reduce((sum, one) => sum + one, 0);
  const closings = channels.map((channel) => new Promise((resolve) => (channel.onclose = resolve)));
  for (const channel of channels) channel.close();
  await Promise.all(closings);
  return { echoed, closed: channels.filter(({ readyState }) => readyState === 'closed').length };
};

/** Offers with new ICE credentials; resolves when the answer was taken. */
window.restartIce = () =>
  new Promise((resolve, reject) => {
    handle.createOffer({
      iceRestart: true,
      success: (jsep) => {
        pc.addEventListener('signalingstatechange', () => pc.signalingState === 'stable' && resolve());
        handle.send({ message: { request: 'open', audio: false }, jsep });
      },
      error: reject,
    });
  });

let kept;

/** Opens a channel and keeps what comes by it: texts as numbers, of binary messages the length and the first 4 bytes. */
window.keepChannel = async (label) => {
  const channel = await openChannel(label, {});
  kept = { channel, got: [] };
  channel.onmessage = ({ data }) => {
    if (typeof data === 'string') kept.got.push(Number(data));
    else kept.got.push([data.byteLength, new DataView(data).getUint32(0)]);
  };
};

window.sendKept = async (count) => {
  for (let i = 0; i < count; ++i) {
    await room(kept.channel);
    kept.channel.send(String(i));
  }
};

/** What came until now. */
window.keptMessages = () => kept.got;
