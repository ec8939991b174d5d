// What the echo page sends: camera and microphone, or a drawn picture and a tone.

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const DRAWN = { width: 640, height: 360, fps: 24 };
const TONE_HZ = 440;

/** @typedef {{ stream: MediaStream, stop: () => void }} Capture */

/**
 * Camera and microphone, or the camera alone where there is no microphone.
 *
 * @returns {Promise<Capture>} rejects as getUserMedia() does
 */
export async function openCamera() {
  const devices = navigator.mediaDevices;
  if (!devices) throw new DOMException('there is no navigator.mediaDevices', 'InsecureContextError');
  const stream = await devices.getUserMedia({ audio: true, video: CAMERA }).catch(async (error) => {
    if (error.name !== 'NotFoundError') throw error;
    // it does not say which of the two is missing
    return devices.getUserMedia({ video: CAMERA });
  });
  return { stream, stop: () => stopTracks(stream) };
}

/** Needs neither devices nor permissions; to be called when the user clicks, or the tone is silent. */
export async function openDrawing() {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [DRAWN.width, DRAWN.height];
  const context = canvas.getContext('2d');
  const start = performance.now();
  draw(context, 0);
  // no animation frames: they stop while the page is hidden
  const timer = setInterval(() => draw(context, performance.now() - start), 1000 / DRAWN.fps);
  const stream = canvas.captureStream(DRAWN.fps);
  const tone = startTone();
  if (tone) stream.addTrack(tone.track);
  const stop = () => {
    clearInterval(timer);
    tone?.stop();
    stopTracks(stream);
  };
  return { stream, stop };
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Undefined where a browser has no sound at all. */
function startTone() {
  try {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: TONE_HZ });
    const gain = new GainNode(context, { gain: 0.1 });
    const output = new MediaStreamAudioDestinationNode(context);
    oscillator.connect(gain).connect(output);
    oscillator.start();
    return { track: output.stream.getAudioTracks()[0], stop: () => context.close() };
  } catch {
    return undefined;
  }
}

/** A ball that rolls, and a clock to compare what is sent with what came back. */
function draw(context, ms) {
  const { width, height } = DRAWN;
  const sky = context.createLinearGradient(0, 0, width, height);
  sky.addColorStop(0, `hsl(${ms / 60} 45% 26%)`);
  sky.addColorStop(1, `hsl(${ms / 60 + 70} 50% 14%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);

  context.strokeStyle = '#4cc9b4';
  context.lineWidth = 5;
  for (const [row, shift] of [
    [0.78, 0],
    [0.88, Math.PI],
  ]) {
    context.beginPath();
    for (let x = 0; x <= width; x += 8) {
      context.lineTo(x, height * row + 9 * Math.sin(x / 46 + ms / 420 + shift));
    }
    context.stroke();
  }
  const travel = (ms / 3000) % 2;
  const x = 60 + (width - 120) * (travel < 1 ? travel : 2 - travel);
  context.fillStyle = '#f4d35e';
  context.beginPath();
  context.arc(x, height * 0.66 - 40 * Math.abs(Math.sin(ms / 500)), 26, 0, 2 * Math.PI);
  context.fill();

  context.fillStyle = '#ffffff';
  context.textAlign = 'center';
  context.font = '600 72px ui-monospace, monospace';
  context.fillText((ms / 1000).toFixed(2), width / 2, height * 0.32);
  context.font = '22px system-ui, sans-serif';
  context.fillText('seconds, drawn by this page', width / 2, height * 0.43);
}
