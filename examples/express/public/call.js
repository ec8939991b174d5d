// One handle of a plugin and its peer connection, through janus.js. Once it is
// left nothing is heard of it any more, whatever janus.js still has to say.
import * as words from './words.js';

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * What a call tells. One that failed has left; one that was refused goes on, if its owner lets it.
 * @typedef {{
 *   onAttached: () => void,
 *   onMessage: (message: object, jsep?: RTCSessionDescriptionInit) => void,
 *   onRefused: (answer: { error_code: number, error: string }) => void,
 *   onTrack: (track: MediaStreamTrack, on: boolean, reason?: string) => void,
 *   onIceState: (state: RTCIceConnectionState) => void,
 *   onUp: () => void,
 *   onFail: (problem: import('./words.js').Problem) => void,
 *   onData?: (data: string | ArrayBuffer | Blob, label: string) => void,
 * }} Listener
 */

export class Call {
  #handle;
  #listener;
  #over = false;
  #timer;

  /**
   * @param janus - a session of janus.js that is up
   * @param {{ plugin: string, opaqueId: string }} options
   * @param {Listener} listener
   */
  constructor(janus, { plugin, opaqueId }, listener) {
    this.#listener = listener;
    const fail = (problem) => this.#fail(problem);
    this.#timer = setTimeout(() => fail(words.noPath), CONNECT_TIMEOUT_MS);
    janus.attach({
      plugin,
      opaqueId,
      success: (handle) => {
        if (this.#over) return handle.detach();
        this.#handle = handle;
        listener.onAttached();
      },
      error: (error) => fail(words.brokeHere(error)),
      onmessage: this.#heard((message, jsep) => {
        if (message.error_code) listener.onRefused(message);
        else listener.onMessage(message, jsep);
      }),
      onremotetrack: this.#heard((track, mid, on, { reason } = {}) => listener.onTrack(track, on, reason)),
      iceState: this.#heard((state) => (state === 'failed' ? fail(words.noPath) : listener.onIceState(state))),
      webrtcState: this.#heard((up, reason) => {
        if (!up) return fail(words.hungUp(reason));
        clearTimeout(this.#timer);
        listener.onUp();
      }),
      ondata: this.#heard((data, label) => listener.onData?.(data, label)),
      ondetached: () => fail(words.hungUp()),
    });
  }

  /** The peer connection, once there is one. */
  get pc() {
    return this.#handle?.webrtcStuff?.pc ?? undefined;
  }

  send(message, jsep) {
    this.#handle?.send({
      message,
      jsep,
      success: this.#heard((answer) => answer?.error_code && this.#listener.onRefused(answer)),
      error: (error) => this.#fail(words.brokeHere(error)),
    });
  }

  /** Makes an offer, for `done`; options as janus.js has them. */
  offer(options, done) {
    this.#handle.createOffer({ ...options, ...this.#results(done) });
  }

  /** Makes an answer, for `done`; options as janus.js has them. */
  answer(options, done) {
    this.#handle.createAnswer({ ...options, ...this.#results(done) });
  }

  /** The answer to an offer came. */
  accept(jsep) {
    this.#handle.handleRemoteJsep({ jsep, error: this.#results().error });
  }

  /** The data channel of that label, once there is one. */
  channel(label) {
    return this.#handle?.webrtcStuff?.dataChannel?.[label];
  }

  /** Takes it all away. */
  leave() {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#handle?.detach();
  }

  #fail(problem) {
    if (this.#over) return;
    this.leave();
    this.#listener.onFail(problem);
  }

  #results(done) {
    return {
      success: this.#heard(done ?? (() => {})),
      error: (error) => this.#fail(words.brokeHere(error)),
    };
  }

  #heard(handler) {
    return (...values) => {
      if (!this.#over) handler(...values);
    };
  }
}
