// One tile: plays one mountpoint, shows how that goes, and says what went wrong.
import { Call } from './call.js';
import { Figures } from './figures.js';
import { Graph } from './graph.js';
import * as words from './words.js';

const PLUGIN = 'janus.plugin.streaming';
const SILENT_READINGS = 4; // seconds without a packet until that is said
const SECONDS_TO_RETRY = 10;

const template = document.getElementById('tile-template');

export class Player {
  #connection;
  #id;
  #name;
  #onChange;
  #call;
  #timer;
  #stream = new MediaStream();
  #figures = new Figures();
  #graph;
  #silent = 0;
  #pin;
  #playable; // what to ask for of a stream that this browser can play only in part: { mids, remark }
  #parts;
  /** What is shown: connecting, waiting, playing, silent, offline, gone, failed. */
  state = '';
  wantsSound;
  element;
  #cells;

  /**
   * @param {{ connection: import('./connection.js').Connection, id: number | string, name: string, sound: boolean,
   *   onChange: () => void, onStop: () => void }} options
   */
  constructor({ connection, id, name, sound, onChange, onStop }) {
    this.#connection = connection;
    this.#id = id;
    this.#name = name;
    this.#onChange = onChange;
    this.element = template.content.cloneNode(true).querySelector('.tile');
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = {
      video: part('video'),
      bars: part('.bars'),
      state: part('.state span'),
      veilTitle: part('.veil-title'),
      veilText: part('.veil-text'),
      veilButton: part('.veil-button'),
      pin: part('.pin'),
      tap: part('.tap'),
      soundOff: part('.sound-off'),
      remark: part('.remark'),
      mute: part('.mute'),
      volume: part('.volume'),
      full: part('.full'),
      stop: part('.stop'),
    };
    this.#cells = Object.fromEntries(
      [...this.element.querySelectorAll('[data-figure]')].map((cell) => [cell.dataset.figure, cell]),
    );
    this.#graph = new Graph(this.element);
    part('h3').textContent = part('h3').title = name;
    this.element.setAttribute('aria-label', name);
    this.#label(onStop);
    this.#setSound(sound);
    this.start();
  }

  get name() {
    return this.#name;
  }

  /** It can be heard, or could if the browser let it. */
  get audible() {
    return this.wantsSound && (this.#stream.getAudioTracks().length > 0 || this.state !== 'playing');
  }

  /** Asks the server for the stream, or waits until there is a server. */
  start() {
    this.#leave();
    const { janus } = this.#connection;
    if (!janus) return this.waitForServer();
    this.#show('connecting', { title: 'Connecting' });
    this.#call = new Call(
      janus,
      { plugin: PLUGIN, opaqueId: `demo-${this.#id}` },
      {
        onAttached: () => {
          this.#call.send({ request: 'watch', id: this.#id, pin: this.#pin, media: this.#playable?.mids });
        },
        onMessage: (message, jsep) => this.#onMessage(message, jsep),
        onRefused: (answer) => this.#refused(answer),
        onTrack: (track, on, reason) => this.#onTrack(track, on, reason),
        onIceState: (state) => this.#onIceState(state),
        onUp: () => this.#onUp(),
        onFail: (problem) => this.#fail(problem),
      },
    );
  }

  /** Takes it all away. */
  stop() {
    this.#leave();
    this.#parts.video.srcObject = null;
    this.element.remove();
  }

  waitForServer() {
    this.#leave();
    this.#show('offline', { title: 'Waiting for the server' });
  }

  /** The server says that there is, or is no more, such a stream. */
  onListed(listed) {
    if (!listed && this.state !== 'gone' && this.state !== 'offline') this.#fail(words.gone, 'gone');
    if (listed && this.state === 'gone') {
      this.#playable = undefined; // it may be another stream now
      this.start();
    }
  }

  /** The page was hidden or asleep. */
  wake() {
    if (this.#stream.active && this.#parts.video.paused) this.#play();
  }

  /** Reads the figures; called once a second while the page is visible. */
  async measure() {
    const pc = this.#call?.pc;
    if (!pc || pc.connectionState === 'closed') return;
    const { received, roundTripMs } = await this.#figures.read(pc);
    if (this.#call?.pc !== pc) return;
    if (received) this.#draw(received, roundTripMs);
    const arriving = received?.moving ?? false;
    if (this.state === 'waiting' && arriving && received.decoded !== 0) this.#show('playing');
    if (this.state === 'playing' || this.state === 'waiting' || this.state === 'silent') {
      this.#silent = arriving ? 0 : this.#silent + 1;
      if (this.#silent >= SILENT_READINGS) {
        if (pc.iceConnectionState === 'disconnected') this.#show('waiting', words.interrupted);
        else this.#show('silent', words.silent);
      }
      if (this.#silent === 0 && this.state === 'silent') this.#show('playing');
    }
  }

  #label(onStop) {
    const { mute, volume, full, stop, video, tap, soundOff, pin, veilButton } = this.#parts;
    const name = this.#name;
    mute.setAttribute('aria-label', `Mute ${name}`);
    volume.setAttribute('aria-label', `Volume of ${name}`);
    full.setAttribute('aria-label', `${name}: full screen`);
    full.title = 'Full screen';
    stop.setAttribute('aria-label', `Stop ${name}`);
    stop.title = 'Stop';
    stop.addEventListener('click', onStop);
    mute.addEventListener('click', () => this.#setSound(video.muted));
    volume.addEventListener('input', () => {
      video.volume = volume.valueAsNumber / 100;
      this.#setSound(volume.valueAsNumber > 0);
    });
    video.volume = volume.valueAsNumber / 100;
    full.addEventListener('click', () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else if (video.requestFullscreen) video.parentElement.requestFullscreen();
      else video.webkitEnterFullscreen?.();
    });
    tap.addEventListener('click', () => {
      video.muted = !this.wantsSound;
      this.#play();
    });
    soundOff.addEventListener('click', () => this.#setSound(true));
    pin.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#pin = pin.elements.pin.value;
      this.start();
    });
    veilButton.addEventListener('click', () => this.start());
    // the first picture, sooner than the next reading of the figures
    video.addEventListener('playing', () => {
      if (this.state === 'waiting' && video.videoWidth > 0) this.#show('playing');
    });
  }

  #onMessage(message, jsep) {
    const status = message.result?.status;
    if (status === 'stopped') return this.#fail(words.gone, 'gone');
    if (status === 'kicked_all') return this.#fail(words.endedByServer);
    if (jsep?.type === 'offer') this.#answer(jsep);
  }

  #refused(answer) {
    const problem = words.refused(answer);
    this.#fail(problem, problem === words.gone ? 'gone' : 'failed');
  }

  #answer(jsep) {
    const offered = offeredMedia(jsep.sdp);
    const missing = offered.filter(({ kind, codecs }) => !codecs.some((codec) => canDecode(kind, codec)));
    if (missing.length > 0) {
      const problem = words.cannotDecode([...new Set(missing.map(({ codecs }) => words.codecName(codecs[0])))]);
      const rest = offered.filter((section) => !missing.includes(section));
      if (rest.length === 0) return this.#fail(problem);
      const played = rest.some(({ kind }) => kind === 'video') ? 'the rest plays' : 'sound only';
      this.#playable = { mids: rest.map(({ mid }) => mid), remark: `${problem.title}: ${played}.` };
      return this.start();
    }
    this.#remark(this.#playable?.remark);
    const tracks = jsep.sdp.includes('m=application') ? [{ type: 'data' }] : [];
    this.#call.answer({ jsep, tracks }, (answer) => this.#call.send({ request: 'start' }, answer));
  }

  #onTrack(track, on, reason) {
    if (on && !this.#stream.getTracks().includes(track)) {
      this.#stream.addTrack(track);
      this.#setKind();
      this.#play();
    } else if (!on && reason === 'ended') {
      this.#stream.removeTrack(track);
      this.#setKind();
    } // a muted track stays: it only has nothing to say
  }

  #setKind() {
    const hasVideo = this.#stream.getVideoTracks().length > 0;
    this.#parts.bars.hidden = hasVideo;
    this.#parts.full.hidden = !hasVideo;
    this.#showSound();
    this.#onChange();
  }

  #onUp() {
    if (this.state === 'connecting') {
      this.#show('waiting', { title: 'Waiting for the first picture' });
    }
  }

  #onIceState(state) {
    if (state === 'disconnected' && this.state === 'playing') {
      this.#show('waiting', words.interrupted);
    }
  }

  async #play() {
    const { video, tap } = this.#parts;
    if (video.srcObject !== this.#stream) video.srcObject = this.#stream;
    const { muted } = video;
    try {
      await video.play();
      tap.hidden = true;
    } catch (error) {
      // AbortError: a later call took over
      if (error.name !== 'NotAllowedError' || muted !== video.muted) return;
      if (muted) {
        tap.hidden = false;
      } else {
        video.muted = true; // without sound it may play
        await this.#play();
      }
    }
    this.#showSound();
  }

  /** What the viewer wants; the browser may see it otherwise until somebody touches the page. */
  #setSound(on) {
    const { video, volume } = this.#parts;
    this.wantsSound = on;
    video.muted = !on;
    if (on && video.volume === 0) {
      volume.value = 50;
      video.volume = 0.5;
    }
    if (on && video.paused && video.srcObject) this.#play();
    this.#showSound();
    this.#onChange();
  }

  #showSound() {
    const { video, mute, volume, tap, soundOff } = this.#parts;
    const on = !video.muted;
    mute.setAttribute('aria-pressed', String(!on));
    mute.title = on ? 'Mute' : 'Unmute';
    mute.querySelector('use').setAttribute('href', on ? '#i-sound' : '#i-muted');
    volume.classList.toggle('off', !on);
    const hasAudio = this.#stream.getAudioTracks().length > 0;
    mute.hidden = volume.hidden = !hasAudio;
    soundOff.hidden = !(hasAudio && video.muted && this.wantsSound && tap.hidden);
  }

  #fail(problem, state = 'failed') {
    this.#leave();
    this.#show(state, problem);
    if (problem.again) this.#startIn(SECONDS_TO_RETRY);
  }

  #startIn(seconds) {
    if (seconds === 0) return this.start();
    this.#parts.veilButton.textContent = `Try again (${seconds})`;
    this.#timer = setTimeout(() => this.#startIn(seconds - 1), 1000);
  }

  /** Ends what runs; what is still to come from it is not heard any more. */
  #leave() {
    clearTimeout(this.#timer);
    this.#call?.leave();
    this.#call = undefined;
    for (const track of this.#stream.getTracks()) this.#stream.removeTrack(track);
    this.#figures = new Figures();
    this.#graph.clear();
    this.#silent = 0;
    const { tap, soundOff } = this.#parts;
    tap.hidden = soundOff.hidden = true;
    this.#remark();
    for (const [name, cell] of Object.entries(this.#cells)) cell.textContent = name === 'codec' ? '\u00a0' : '–';
  }

  #show(state, { title = '', text = '', retry = false, pin = false } = {}) {
    const changed = this.state !== state;
    this.state = state;
    this.element.dataset.state = state;
    const { state: label, veilTitle, veilText, veilButton, pin: form } = this.#parts;
    label.textContent = {
      connecting: 'Connecting',
      waiting: 'Connected',
      playing: 'Live',
      silent: 'No data',
      offline: 'Offline',
      gone: 'Removed',
      failed: 'Not playing',
    }[state];
    veilTitle.textContent = title;
    veilText.textContent = text;
    veilButton.textContent = 'Try again';
    veilButton.hidden = !retry;
    form.hidden = !pin;
    if (changed) this.#onChange();
  }

  #remark(text = '') {
    this.#parts.remark.textContent = text;
    this.#parts.remark.hidden = !text;
  }

  #draw(figures, roundTripMs) {
    const { lostShare = 0, lostTotal } = figures;
    const texts = {
      bitrate: words.count(figures.kbps),
      size: words.size(figures),
      fps: words.count(figures.fps),
      decoded: words.count(figures.decoded),
      dropped: words.count(figures.dropped),
      lost: `${words.percent(lostShare)} (${words.count(lostTotal)})`,
      resent: words.resent(figures),
      roundTrip: words.milliseconds(roundTripMs),
      jitter: words.milliseconds(figures.jitterMs),
      codec: figures.codecs.map(words.codecName).join(', ') || '\u00a0',
    };
    for (const [name, text] of Object.entries(texts)) {
      if (this.#cells[name].textContent !== text) this.#cells[name].textContent = text;
    }
    this.#cells.lost.classList.toggle('bad', lostShare >= 0.02);
    this.element.style.setProperty('--level', String(Math.min(1, (figures.audioLevel ?? 0.2) * 3)));
    if (figures.kbps !== undefined) this.#graph.add(figures.kbps);
  }
}

/** What an offer has of audio and video: `[{ kind: 'video', mid: 'v', codecs: ['VP8'] }]` */
function offeredMedia(sdp) {
  return sdp
    .split(/^m=/m)
    .slice(1)
    .filter((section) => /^(audio|video) [1-9]/.test(section))
    .map((section) => ({
      kind: section.slice(0, 5),
      mid: /^a=mid:(\S+)/m.exec(section)?.[1],
      codecs: [...section.matchAll(/^a=rtpmap:\d+ ([^/\s]+)/gm)]
        .map(([, codec]) => codec)
        .filter((codec) => !/^(rtx|red|ulpfec|flexfec.*|telephone-event|CN)$/i.test(codec)),
    }))
    .filter(({ codecs }) => codecs.length > 0);
}

/** Whether this browser says that it can receive a codec. */
export function canDecode(kind, codec) {
  const capabilities = window.RTCRtpReceiver?.getCapabilities?.(kind);
  if (!capabilities) return true; // it does not say; then trying tells
  const wanted = `${kind}/${codec}`.toLowerCase();
  return capabilities.codecs.some(({ mimeType }) => mimeType.toLowerCase() === wanted);
}
