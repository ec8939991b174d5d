// Keeps one janus.js session with the server alive: opens it, notices when it
// is lost, and tries again after a while that grows.
import Janus from './lib/janus.js';

const WAITS = [2, 4, 8, 15]; // seconds; the last one again and again
const OPEN_TIMEOUT_MS = 10_000;

export const ready = new Promise((resolve) => {
  const dependencies = Janus.useDefaultDependencies({ adapter: window.adapter });
  const debug = new URLSearchParams(location.search).has('debug') ? 'all' : ['error'];
  Janus.init({ debug, dependencies, callback: resolve });
});

export class Connection {
  #onChange;
  #transport;
  #attempt = 0;
  #failures = 0;
  #timer;
  /** @type {{ name: 'closed' | 'connecting' | 'up' | 'lost', secondsLeft?: number }} */
  state = { name: 'closed' };
  /** The janus.js session while the state is `up`. */
  janus;

  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @param {'websocket' | 'http'} transport */
  open(transport) {
    this.#transport = transport;
    this.#failures = 0;
    this.#connect();
  }

  tryNow() {
    if (this.state.name === 'lost') this.#connect();
  }

  /** `unload`: the page goes away, there is no time for an answer. */
  close({ unload = false } = {}) {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.janus?.destroy({ cleanupHandles: true, notifyDestroyed: false, unload });
    this.janus = undefined;
    this.#become({ name: 'closed' });
  }

  #connect() {
    this.close();
    const attempt = this.#attempt;
    const mine = (handler) => (argument) => {
      if (attempt === this.#attempt) handler(argument);
    };
    const lost = mine(() => this.#lose());
    this.#become({ name: 'connecting' });
    this.#timer = setTimeout(lost, OPEN_TIMEOUT_MS);
    const janus = new Janus({
      server: serverUrl(this.#transport),
      iceServers: [], // the server is on this machine or network
      destroyOnUnload: false, // shell.js does, when the page really goes
      success: () => {
        if (attempt !== this.#attempt) return janus.destroy({ notifyDestroyed: false });
        clearTimeout(this.#timer);
        this.#failures = 0;
        this.janus = janus;
        this.#become({ name: 'up' });
      },
      error: lost,
      destroyed: lost,
    });
  }

  #lose() {
    this.close();
    let secondsLeft = WAITS[Math.min(this.#failures, WAITS.length - 1)];
    this.#failures += 1;
    const countDown = () => {
      if (secondsLeft === 0) return this.#connect();
      this.#become({ name: 'lost', secondsLeft });
      secondsLeft -= 1;
      this.#timer = setTimeout(countDown, 1000);
    };
    countDown();
  }

  #become(state) {
    this.state = state;
    this.#onChange(state);
  }
}

/** Where the API is: beside this page, at `janus`. */
function serverUrl(transport) {
  const url = new URL('janus', document.baseURI);
  if (transport === 'websocket') url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}
