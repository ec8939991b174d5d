// Plays mountpoints with an unmodified janus.js and tells the test how it goes.
import Janus from '/janus.js';

const players = [];
window.players = players;
window.broken = 0;

function init() {
  return new Promise((resolve) => {
    Janus.init({
      debug: ['error'],
      dependencies: Janus.useDefaultDependencies({ adapter: window.adapter }),
      callback: resolve,
    });
  });
}

function connect(server) {
  return new Promise((resolve, reject) => {
    const janus = new Janus({
      server,
      success: () => resolve(janus),
      // Also later, when the connection breaks.
      error: (problem) => {
        window.broken += 1;
        reject(new Error(problem));
      },
      destroyed: () => undefined,
    });
  });
}

/** A player on the page, with nothing to play yet. */
async function addPlayer(server) {
  await init();
  const janus = await connect(server);
  const player = { events: [], tracks: [], handle: null, janus };
  const index = players.push(player) - 1;
  const video = document.createElement('video');
  Object.assign(video, { autoplay: true, playsInline: true, width: 320, height: 180 });
  video.srcObject = new MediaStream();
  document.body.append(video);
  player.video = video;
  player.callbacks = {
    onremotetrack: (track, mid, on) => {
      if (!on) return;
      player.tracks.push({ mid, kind: track.kind });
      video.srcObject.addTrack(track);
      video.play().catch(() => undefined);
    },
    oncleanup: () => player.events.push('cleanup'),
    detached: () => player.events.push('detached'),
    mediaState: (medium, on, mid) => player.events.push(`${medium} ${mid} ${on ? 'comes' : 'stopped'}`),
  };
  return { player, index };
}

/** Sends camera and microphone to a plugin, whose offers are answered; resolves when the peer connection is up. */
window.echo = async (server, body, tracks, plugin = 'janus.plugin.echotest') => {
  const { player, index } = await addPlayer(server);
  const message = body ?? { audio: true, video: true };
  await new Promise((resolve, reject) => {
    player.janus.attach({
      plugin,
      success: (handle) => {
        player.handle = handle;
        handle.createOffer({
          tracks: tracks ?? [
            { type: 'audio', capture: true, recv: true },
            { type: 'video', capture: { width: 640, height: 360 }, recv: true },
          ],
          success: (jsep) => handle.send({ message, jsep }),
          error: reject,
        });
      },
      error: reject,
      onmessage: (data, jsep) => {
        player.events.push(data.result ?? data.error ?? JSON.stringify(data));
        if (data.error) reject(new Error(data.error));
        if (jsep?.type === 'answer') player.handle.handleRemoteJsep({ jsep, error: reject });
        if (jsep?.type !== 'offer') return;
        player.handle.createAnswer({
          jsep,
          tracks: [],
          success: (answer) => player.handle.send({ message: { request: 'start' }, jsep: answer }),
          error: reject,
        });
      },
      webrtcState: (up) => {
        player.events.push(up ? 'webrtcup' : 'webrtcdown');
        if (up) resolve();
      },
      ...player.callbacks,
    });
  });
  return index;
};

/** Plays one mountpoint; resolves when the peer connection is up. */
window.play = async (server, id) => {
  const { player, index } = await addPlayer(server);
  await new Promise((resolve, reject) => {
    player.janus.attach({
      plugin: 'janus.plugin.streaming',
      success: (handle) => {
        player.handle = handle;
        handle.send({ message: { request: 'watch', id } });
      },
      error: reject,
      onmessage: (message, jsep) => {
        player.events.push(message.result?.status ?? message.error ?? JSON.stringify(message));
        if (message.error) reject(new Error(message.error));
        if (!jsep) return;
        player.handle.createAnswer({
          jsep,
          tracks: [],
          success: (answer) => player.handle.send({ message: { request: 'start' }, jsep: answer }),
          error: reject,
        });
      },
      webrtcState: (up) => {
        player.events.push(up ? 'webrtcup' : 'webrtcdown');
        if (up) resolve();
      },
      ...player.callbacks,
    });
  });
  return index;
};

/** Offers anew, with what janus.js's createOffer() takes; resolves with the answer. */
window.renegotiate = (index, options) =>
  new Promise((resolve, reject) => {
    const { handle } = players[index];
    const { pc } = handle.webrtcStuff;
    const settle = () => {
      if (pc.signalingState !== 'stable') return;
      pc.removeEventListener('signalingstatechange', settle);
      resolve(pc.remoteDescription.sdp);
    };
    handle.createOffer({
      ...options,
      success: (jsep) => {
        pc.addEventListener('signalingstatechange', settle);
        handle.send({ message: { audio: true }, jsep });
      },
      error: reject,
    });
  });
/** Another camera, without an offer. */
window.changeCamera = (index, mid, capture) =>
  new Promise((resolve, reject) => {
    players[index].handle.replaceTracks({
      tracks: [{ type: 'video', mid, capture }],
      success: resolve,
      error: reject,
    });
  });

/** Claims the session anew after its connection broke. */
window.reconnect = (index) =>
  new Promise((resolve, reject) => players[index].janus.reconnect({ success: resolve, error: reject }));

window.events = (index) => players[index].events;
window.request = (index, message) => players[index].handle.send({ message });
window.leave = (index) => new Promise((resolve) => players[index].janus.destroy({ success: resolve, error: resolve }));

/** Mean and deviation of luma, and a few pixels to tell pictures apart. */
function look(video) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [64, 36];
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 64, 36);
  const { data } = context.getImageData(0, 0, 64, 36);
  const luma = [];
  for (let i = 0; i < data.length; i += 4) luma.push(0.3 * data[i] + 0.6 * data[i + 1] + 0.1 * data[i + 2]);
  const mean = luma.reduce((a, b) => a + b) / luma.length;
  const deviation = Math.sqrt(luma.reduce((a, b) => a + (b - mean) ** 2, 0) / luma.length);
  return { mean, deviation, luma: luma.map(Math.round).join(' ') };
}

/** What getStats says of a player, and what its picture looks like. */
window.figures = async (index) => {
  const { video, handle, tracks } = players[index];
  const { pc } = handle.webrtcStuff;
  const figures = { tracks, picture: look(video), video: {}, audio: {}, sent: [], received: {}, pair: null };
  figures.remote = pc.remoteDescription?.sdp;
  const reports = await pc.getStats();
  const pairs = [];
  reports.forEach((report) => {
    if (report.type === 'inbound-rtp') {
      const codec = reports.get(report.codecId)?.mimeType;
      figures[report.kind ?? report.mediaType] = { ...report, codec };
      figures.received[report.mid] = { ...report, codec };
    }
    if (report.type === 'outbound-rtp') figures.sent.push(report);
    if (report.type === 'candidate-pair' && (report.selected || (report.nominated && report.state === 'succeeded')))
      pairs.push(report);
  });
  const [pair] = pairs;
  if (pair) {
    const local = reports.get(pair.localCandidateId);
    const remote = reports.get(pair.remoteCandidateId);
    figures.pair = { localPort: local.port, remotePort: remote.port, local: local.address, remote: remote.address };
  }
  return figures;
};
window.ready = true;
