// What went wrong and what can be done, in words for the person who watches.

/**
 * `retry`: the viewer can try again; `again`: it is tried again by itself as well.
 * @typedef {{ title: string, text?: string, retry?: boolean, again?: boolean, pin?: boolean }} Problem
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
