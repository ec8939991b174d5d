// What went wrong and what can be done, and figures, in words for the person who watches.

/**
 * `retry`: the viewer can try again; `again`: it is tried again by itself as well; `checks`: what to look at.
 * @typedef {{ title: string, text?: string, retry?: boolean, again?: boolean, pin?: boolean, checks?: string[] }} Problem
 */

const NAMES = { vp8: 'VP8', vp9: 'VP9', av1: 'AV1', h264: 'H.264', h265: 'H.265', opus: 'Opus', multiopus: 'Opus 5.1' };
NAMES.pcmu = 'G.711';
NAMES.pcma = 'G.711';
NAMES.g722 = 'G.722';

export function codecName(codec) {
  return NAMES[codec.toLowerCase()] ?? codec.toUpperCase();
}

/** `['H.264', 'Opus']` → `H.264 and Opus` */
export function listOf(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** @returns {Problem} for an answer of the streaming plugin that is an error */
export function refused({ error_code: code, error }) {
  switch (code) {
    case 453:
    case 457:
      return /pin/i.test(error) || code === 457
        ? { title: code === 453 ? 'This stream asks for a PIN' : 'That PIN is not right', pin: true }
        : { title: 'The server did not understand this page', text: error, retry: true };
    case 455:
      return gone;
    default:
      return { title: 'The server refused to play this', text: error, retry: true };
  }
}

/** @type {Problem} */
export const gone = {
  title: 'This stream is no longer there',
  text: 'The server removed it. It plays again here if it comes back.',
};

/** @type {Problem} */
export const endedByServer = { title: 'The server ended this', text: 'It was stopped for everybody.', retry: true };

/** @type {Problem} */
export const noPath = {
  title: 'The media does not get through',
  text: 'This browser and the server found no way to each other. A firewall, VPN or proxy may block UDP.',
  retry: true,
  again: true,
  checks: [
    'Does it work without VPN or proxy, or in another network?',
    'Does a firewall let UDP through to the ports of media.portRange?',
    'Can this device reach the addresses of the server? Behind NAT or in a container it needs media.addresses.',
  ],
};

/** @type {Problem} */
export const interrupted = { title: 'The connection was interrupted', text: 'Trying to get it back' };

/** @type {Problem} */
export const silent = {
  title: 'Nothing is arriving',
  text: 'The connection is up, but the source of this stream sends nothing. It goes on by itself.',
};

/** @returns {Problem} */
export function cannotDecode(codecs) {
  return {
    title: `This browser cannot play ${listOf(codecs)}`,
    text: 'It has no decoder for it. Another browser may have one.',
  };
}

/** @returns {Problem} for why the server hung up */
export function hungUp(reason = '') {
  if (/ice/i.test(reason)) return noPath;
  if (/dtls/i.test(reason)) {
    return {
      title: 'No encrypted connection',
      text: 'The handshake with the server failed.',
      retry: true,
      again: true,
    };
  }
  return { title: 'The server hung up', text: reason && `Its reason: ${reason}.`, retry: true };
}

/** @returns {Problem} */
export function brokeHere(error) {
  const what = typeof error === 'string' ? error : (error?.message ?? 'unknown reason');
  return { title: 'This browser could not set up the player', text: what, retry: true };
}

/** How long: `12 seconds`, `3 minutes` */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  const [value, unit] = seconds < 60 ? [seconds, 'second'] : [Math.round(seconds / 60), 'minute'];
  return `${value} ${unit}${value === 1 ? '' : 's'}`;
}

// ---- the echo page ----------------------------------------------------------

/** @returns {Problem} for why there is no camera, from what getUserMedia() was rejected with */
export function noCamera({ name, message }) {
  switch (name) {
    case 'NotAllowedError':
      return {
        title: 'The camera was refused',
        text: 'Allow camera and microphone for this page in the address bar of the browser, or in the settings of this device. Then try again.',
        retry: true,
      };
    case 'NotFoundError':
    case 'OverconstrainedError':
      return {
        title: 'There is no camera here',
        text: 'Connect one and try again, or send a drawn picture and a tone.',
        retry: true,
      };
    case 'NotReadableError':
    case 'AbortError':
      return {
        title: 'The camera cannot be used',
        text: 'Another program may have it. Close that and try again.',
        retry: true,
      };
    case 'InsecureContextError':
      return {
        title: 'This page may not use a camera',
        text: 'Browsers give cameras only to pages from https:// or from http://localhost.',
      };
    default:
      return { title: 'The camera did not start', text: message, retry: true };
  }
}

/** @returns {Problem} */
export const cameraLost = {
  title: 'The camera is gone',
  text: 'It was taken away from this page, or from this device.',
  retry: true,
};

/** @type {Problem} */
export const noGateway = {
  title: 'The gateway does not answer',
  text: 'Does it run, and is this device online? It goes on by itself once there is an answer.',
};

/** @returns {string} the text of {@link noPath}, with the addresses that the gateway has */
export function noPathTo(candidates) {
  if (candidates.length === 0) return noPath.text;
  const ends = candidates.map(({ protocol, address, port }) => {
    return `${hostAndPort(address, port)} (${protocol.toUpperCase()})`;
  });
  return `This browser got no answer from the gateway's ${listOf([...new Set(ends)])}.`;
}

/** @type {Problem} */
export const nothingBack = {
  title: 'Nothing comes back',
  text: 'The connection is up, but no packet has come back for some seconds. It goes on by itself.',
};

/** @returns {Problem} for an answer of the echo test that is an error */
export function echoRefused({ error_code: code, error }) {
  return { title: 'The gateway refused this', text: `${error} (code ${code}).`, retry: true };
}

/** So long a browser may take to find out how much it can send. */
const STARTING_S = 30;

/**
 * How good a connection is, by its worst figure.
 *
 * @param {Awaited<ReturnType<import('./figures.js').Figures['read']>> & { limitedSeconds?: number }} figures -
 *   `limitedSeconds`: for how long the browser has sent less than it would like to
 * @returns {{ grade: 'good' | 'fair' | 'poor', title: string, text: string }}
 */
export function verdict({ sent, received, roundTripMs, limitedSeconds }) {
  const remarks = [
    judge(sent?.lostShare, 0.01, 0.05, (share) => `${percent(share)} of what you send is lost`),
    judge(received?.lostShare, 0.01, 0.05, (share) => `${percent(share)} of what comes back is lost`),
    judge(roundTripMs, 150, 400, (ms) => `a round trip takes ${milliseconds(ms)}`),
    judge(Math.max(sent?.jitterMs ?? 0, received?.jitterMs ?? 0), 30, 100, (ms) => `jitter is ${milliseconds(ms)}`),
    judge(limitedSeconds, STARTING_S, Infinity, () => 'there is no room for the full picture on the way out'),
    ...(sent?.limitation === 'cpu' ? [{ grade: 1, text: 'this device is too busy for the full picture' }] : []),
  ].filter(({ grade }) => grade > 0);
  const worst = Math.max(0, ...remarks.map(({ grade }) => grade));
  const text = listOf(remarks.map((remark) => remark.text));
  return {
    grade: ['good', 'fair', 'poor'][worst],
    title: ['Good connection', 'Usable connection', 'Poor connection'][worst],
    text: text ? `${text[0].toUpperCase()}${text.slice(1)}.` : 'No loss to speak of, and answers come quickly.',
  };
}

function judge(value = 0, fair, poor, say) {
  return { grade: value >= poor ? 2 : value >= fair ? 1 : 0, text: say(value) };
}

const KINDS = { host: 'direct', srflx: 'behind NAT', prflx: 'as the other side sees it', relay: 'relayed' };

/** @param {import('./figures.js').End} end */
export function endOfPath({ type, protocol, address, port }) {
  const known = address && !address.endsWith('.local');
  return {
    address: known ? hostAndPort(address, port) : 'hidden by the browser',
    kind: `${protocol.toUpperCase()} · ${type}${KINDS[type] ? `: ${KINDS[type]}` : ''}`,
  };
}

function hostAndPort(address, port) {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

// ---- figures ----------------------------------------------------------------

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(value) {
  return value === undefined ? '–' : whole.format(value);
}

export function milliseconds(value) {
  return value === undefined ? '–' : value < 1 ? '< 1 ms' : `${whole.format(value)} ms`;
}

/** @param {number | undefined} share - 0 to 1 */
export function percent(share) {
  if (share === undefined) return '–';
  const value = share * 100;
  return `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} %`;
}

/** Packets that were sent again; where a browser does not count them, those that were asked for. */
export function resent({ resent, asked }) {
  return resent === undefined && asked ? `${count(asked)} asked` : count(resent ?? asked);
}

export function size({ width, height }) {
  return width ? `${width}×${height}` : '–';
}
