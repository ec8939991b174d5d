// The echo page: sends camera and microphone to the gateway and shows what comes
// back, how it does, and what is in the way if it does not.
import { Call } from './call.js';
import { openCamera, openDrawing } from './capture.js';
import { clearFigures, drawFigures } from './echo-panel.js';
import { Figures } from './figures.js';
import { $, canPlay, connect, connection, setText } from './shell.js';
import * as words from './words.js';

const PLUGIN = 'janus.plugin.echotest';
const CHANNEL = 'JanusDataChannel'; // which janus.js opens
const SILENT_READINGS = 4; // seconds without a packet until that is said
const SECONDS_TO_RETRY = 10;
const REMARK_MS = 6000;

/** What each state is called, and the step of the way that it waits for. */
const STATES = {
  idle: { label: 'Not started' },
  asking: { label: 'Asking for the camera', step: 'camera' },
  offline: { label: 'Offline', step: 'gateway' },
  gathering: { label: 'Gathering addresses', step: 'addresses' },
  connecting: { label: 'Connecting', step: 'path' },
  waiting: { label: 'Connected', step: 'picture' },
  playing: { label: 'Live', step: 'end' },
  silent: { label: 'Nothing comes back', step: 'picture' },
  lost: { label: 'Interrupted', step: 'path' },
  failed: { label: 'Failed' },
};

const back = $('back');
const wanted = { audio: true, video: true }; // what is to come back
let state = 'idle';
let step; // of the way, that it is at
let open = openCamera; // where pictures come from
let capture; // while there are
let attempt = 0;
let call;
let answer; // of the gateway to the offer
let figures = new Figures();
let silent = 0;
let limitedSeconds = 0; // since the browser began to hold the picture back
let dataTripMs;
let timer;
let remarkTimer;
let recording = false;
let layersBefore = 'off';

if (await canPlay()) {
  for (const id of ['with-camera', 'with-drawing']) {
    $(id).addEventListener('click', () => start(id === 'with-camera' ? openCamera : openDrawing));
  }
  $('retry').addEventListener('click', () => (capture ? dial() : start(open)));
  $('toggle').addEventListener('click', () => (isRunning() ? stop() : start(open)));
  $('mute-audio').addEventListener('click', () => setWanted('audio', !wanted.audio));
  $('mute-video').addEventListener('click', () => setWanted('video', !wanted.video));
  $('hear').addEventListener('click', () => setHeard(back.muted));
  $('record').addEventListener('click', () => setRecording(!recording));
  $('bitrate').addEventListener('change', () => call?.send({ bitrate: bitrate() }));
  $('layers').addEventListener('change', changeLayers);
  back.addEventListener('playing', () => {
    if (state === 'waiting' && back.videoWidth > 0) show('playing');
  });
  setInterval(() => document.hidden || measure(), 1000);
  showControls();
  connect(onConnection);
  const settings = await fetch('settings.json').then((response) => response.json());
  $('record').hidden = !settings.recordings;
}

function isRunning() {
  return state !== 'idle' && (state !== 'failed' || capture !== undefined);
}

/** Asks for pictures and sound, then sends them. */
async function start(source) {
  stop();
  open = source;
  const mine = attempt;
  show('asking', { title: 'Asking for the camera', text: 'Allow it where the browser asks.' });
  try {
    const opened = await source();
    if (mine !== attempt) return opened.stop();
    capture = opened;
  } catch (error) {
    if (mine === attempt) show('failed', words.noCamera(error));
    return;
  }
  for (const track of capture.stream.getTracks()) {
    track.enabled = wanted[track.kind];
    track.addEventListener('ended', () => {
      if (mine !== attempt) return;
      stop();
      show('failed', words.cameraLost);
    });
  }
  $('own-video').srcObject = capture.stream;
  $('own-video')
    .play()
    .catch(() => {}); // a later one took over
  dial();
}

function stop() {
  attempt += 1;
  hangUp();
  capture?.stop();
  capture = undefined;
  $('own-video').srcObject = null;
  show('idle', {
    title: 'See yourself through the gateway',
    text: 'The gateway sends back what it gets of you. On the way, your connection is measured.',
  });
}

function hangUp() {
  clearTimeout(timer);
  call?.leave();
  call = undefined;
  answer = undefined;
  recording = false;
  figures = new Figures();
  dataTripMs = undefined;
  silent = 0;
  limitedSeconds = 0;
  showLevel(0);
  back.srcObject = null;
  remark();
  clearFigures();
}

/** Sends what is captured to the gateway, as soon as there is one. */
function dial() {
  hangUp();
  if (!connection.janus) return waitForGateway();
  show('gathering', { title: 'Looking for addresses' });
  const stream = new MediaStream();
  back.srcObject = stream;
  call = new Call(
    connection.janus,
    { plugin: PLUGIN, opaqueId: 'demo-echo' },
    {
      onAttached: offer,
      onMessage: (message, jsep) => jsep && accept(jsep),
      onRefused: (refusal) => {
        const problem = words.echoRefused(refusal);
        if (!answer) return fail(problem);
        remark(problem.text);
        recording = false;
        showControls();
      },
      onTrack: (track, on) => {
        if (!on || stream.getTracks().includes(track)) return;
        stream.addTrack(track);
        back.play().catch(() => {}); // a later one took over
      },
      onIceState: (ice) => {
        if (ice === 'disconnected') show('lost', words.interrupted);
        else if (state === 'lost') show('playing');
      },
      onUp: () => {
        if (hasPicture()) show('waiting', { title: 'Waiting for the first picture' });
        else show('playing');
      },
      onFail: fail,
      onData: (text) => {
        // behind the greeting, what measure() sent
        const sentAt = Number(/[\d.]+$/.exec(text)?.[0]);
        if (sentAt <= performance.now()) dataTripMs = performance.now() - sentAt;
      },
    },
  );
}

function offer() {
  const simulcast = $('layers').value !== 'off';
  const tracks = capture.stream.getTracks().map((track) => ({
    type: track.kind,
    capture: track,
    recv: true,
    dontStop: true, // it is sent again by the next call
    simulcast: simulcast && track.kind === 'video',
  }));
  call.offer({ tracks: [...tracks, { type: 'data' }] }, (jsep) => {
    call.pc.addEventListener('icegatheringstatechange', settle);
    call.send({ ...wanted, bitrate: bitrate(), ...layer() }, jsep);
  });
}

function accept(jsep) {
  answer = jsep;
  call.accept(jsep);
  settle();
}

/** Both sides know their addresses and each other's. */
function settle() {
  if (state !== 'gathering' || !answer || call?.pc?.iceGatheringState !== 'complete') return;
  show('connecting', { title: 'Looking for a path to the gateway' });
}

function onConnection({ name }) {
  if (!capture) return showControls();
  if (name === 'up') return dial();
  if (call || state === 'failed') hangUp();
  waitForGateway();
}

function waitForGateway() {
  const isLost = connection.state.name === 'lost';
  show('offline', isLost ? words.noGateway : { title: 'Connecting with the gateway' });
}

/** What runs has ended; what was captured is kept for another try. */
function fail(problem) {
  const { sdp } = answer ?? {};
  hangUp();
  show('failed', problem === words.noPath && sdp ? { ...problem, text: words.noPathTo(candidatesOf(sdp)) } : problem);
  if (problem.again) dialIn(SECONDS_TO_RETRY);
}

function dialIn(seconds) {
  if (seconds === 0) return dial();
  $('retry').textContent = `Try again (${seconds})`;
  timer = setTimeout(() => dialIn(seconds - 1), 1000);
}

/** Reads the figures; called once a second while the page is visible. */
async function measure() {
  const pc = call?.pc;
  if (!pc || pc.connectionState !== 'connected') return;
  const channel = call.channel(CHANNEL);
  if (channel?.readyState === 'open') channel.send(String(performance.now()));
  const read = await figures.read(pc);
  if (call?.pc !== pc) return;
  const limited = read.sent?.limitation === 'bandwidth' && bitrate() === 0;
  limitedSeconds = limited ? limitedSeconds + 1 : 0;
  drawFigures({ ...read, limitedSeconds }, dataTripMs);
  showLevel(read.received?.audioLevel ?? 0);
  if (state === 'waiting' && read.received?.decoded > 0) show('playing');
  silent = read.received?.moving || !(hasPicture() || wanted.audio) ? 0 : silent + 1;
  if (silent >= SILENT_READINGS && ['playing', 'waiting'].includes(state)) show('silent', words.nothingBack);
  if (silent === 0 && state === 'silent') show('playing');
}

// ---- controls -----------------------------------------------------------------

function hasPicture() {
  return wanted.video && capture?.stream.getVideoTracks().length > 0;
}

function bitrate() {
  return Number($('bitrate').value);
}

function layer() {
  const { value } = $('layers');
  return value === 'off' ? {} : { substream: Number(value) };
}

/** Muted, it is neither sent by this page nor sent back by the gateway. */
function setWanted(kind, on) {
  wanted[kind] = on;
  for (const track of capture?.stream.getTracks() ?? []) if (track.kind === kind) track.enabled = on;
  call?.send({ [kind]: on });
  if (!on && kind === 'video' && state === 'waiting') show('playing');
  showControls();
}

function setHeard(on) {
  back.muted = !on;
  if (on) back.play().catch(() => {}); // a later one took over
  showControls();
}

function setRecording(on) {
  recording = on;
  call.send({ record: on });
  showControls();
}

/** Another size is chosen by the gateway; whether there are several is for a new call. */
function changeLayers() {
  const { value } = $('layers');
  const isSame = (value === 'off') === (layersBefore === 'off');
  layersBefore = value;
  if (!capture) return;
  if (isSame) call?.send(layer());
  else dial();
}

/** How loud what comes back is, whether it is heard or not; 0 to 1. */
function showLevel(level) {
  $('hear').style.setProperty('--level', String(Math.min(1, level * 3)));
}

function remark(text = '') {
  clearTimeout(remarkTimer);
  setText($('remark'), text);
  $('remark').hidden = !text;
  if (text) remarkTimer = setTimeout(remark, REMARK_MS);
}

// ---- what is shown ------------------------------------------------------------

function show(next, { title = '', text = '', retry = false, checks = [] } = {}) {
  step = STATES[next].step ?? (next === 'idle' ? undefined : step);
  state = next;
  $('echo').dataset.state = state;
  setText($('state'), STATES[state].label);
  setText($('veil-title'), title);
  setText($('veil-text'), text);
  $('checks').replaceChildren(
    ...checks.map((check) => Object.assign(document.createElement('li'), { textContent: check })),
  );
  $('retry').textContent = 'Try again';
  $('retry').hidden = !retry;
  $('with-camera').hidden = state !== 'idle';
  // instead of a camera that there is not, or not for this page
  $('with-drawing').hidden = !(state === 'idle' || (state === 'failed' && !capture && open === openCamera));
  showSteps();
  showControls();
}

function showSteps() {
  const items = [...$('steps').children];
  const at = step === 'end' ? items.length : items.findIndex((item) => item.dataset.step === step);
  items.forEach((item, i) => {
    item.dataset.is = i < at ? 'done' : i > at || at < 0 ? 'ahead' : state === 'failed' ? 'failed' : 'now';
  });
}

function showControls() {
  const running = isRunning();
  const connected = call !== undefined && ['waiting', 'playing', 'silent', 'lost'].includes(state);
  label($('toggle'), running ? 'Stop' : 'Start', running ? 'stop' : 'play');
  $('toggle').classList.toggle('strong', !running);
  press($('mute-audio'), wanted.audio, wanted.audio ? 'mic' : 'mic-off');
  press($('mute-video'), wanted.video, wanted.video ? 'camera' : 'camera-off');
  press($('hear'), !back.muted, back.muted ? 'muted' : 'sound');
  press($('record'), recording, 'record');
  $('record').disabled = !connected;
  $('echo').dataset.picture = wanted.video ? 'on' : 'off';
  $('own').hidden = !capture;
}

function label(button, text, icon) {
  setText(button.querySelector('span'), text);
  button.querySelector('use').setAttribute('href', `#i-${icon}`);
}

function press(button, on, icon) {
  button.setAttribute('aria-pressed', String(on));
  label(button, button.querySelector('span').textContent, icon);
}

/** Where the gateway says that it can be reached. */
function candidatesOf(sdp) {
  const found = sdp.matchAll(/^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+)/gim);
  return [...found].map(([, protocol, address, port]) => ({ protocol, address, port }));
}
