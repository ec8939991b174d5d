// What both pages have around them: the bar on top, the connection to the
// server, and what is said while there is none.
import { Connection, ready } from './connection.js';
import './icons.js';
import * as words from './words.js';

const PAGES = [
  { name: 'streams', title: 'Streams', href: './' },
  { name: 'echo', title: 'Echo', href: 'echo.html' },
];
const BAR = `
  <h1 class="brand">
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path class="posts" d="M5 4v24M27 4v24M5 7h22" />
      <rect class="gate" x="9" y="9" width="14" height="8" rx="1.5" />
      <path class="water" d="M8 22.5q2-2 4 0t4 0 4 0 4 0M8 27q2-2 4 0t4 0 4 0 4 0" />
    </svg>
    <span class="brand-name">headgate</span>
  </h1>
  <nav class="pages" aria-label="Pages">
    ${PAGES.map(({ name, title, href }) => {
      return `<a href="${href}"${name === document.body.dataset.page ? ' aria-current="page"' : ''}>${title}</a>`;
    }).join('')}
  </nav>
  <fieldset class="switch">
    <legend>How this page talks to the server</legend>
    <label><input type="radio" name="transport" value="websocket" checked /><span>WebSocket</span></label>
    <label
      ><input type="radio" name="transport" value="http" /><span>HTTP<span class="wide"> long poll</span></span></label
    >
  </fieldset>
  <p class="link" id="link" role="status" data-state="connecting"><span id="link-text">Connecting</span></p>`;
const NOTICE = `
  <div class="notice" id="notice" hidden>
    <svg aria-hidden="true"><use href="#i-alert" /></svg>
    <p><strong id="notice-title" role="alert"></strong> <span id="notice-text"></span></p>
    <button type="button" class="button" id="notice-button">Try now</button>
  </div>`;

export const $ = (id) => document.getElementById(id);
$('bar').innerHTML = BAR;
$('bar').insertAdjacentHTML('afterend', NOTICE);

let listener;
export const connection = new Connection((state) => {
  show(state);
  listener(state);
});

/** Resolves when janus.js can be used; false: this browser has no WebRTC, which the page then says. */
export async function canPlay() {
  if (!window.RTCPeerConnection) {
    notice('This browser cannot play live media', 'WebRTC is missing or switched off.');
    return false;
  }
  await ready;
  return true;
}

/**
 * Connects with the server, now and whenever the connection was lost.
 *
 * @param {(state: Connection['state']) => void} onChange
 */
export function connect(onChange) {
  listener = onChange;
  const transport = remembered(localStorage, 'transport') === 'http' ? 'http' : 'websocket';
  for (const radio of document.querySelectorAll('[name=transport]')) {
    radio.checked = radio.value === transport;
    radio.addEventListener('change', () => {
      remember(localStorage, 'transport', radio.value);
      connection.open(radio.value);
    });
  }
  $('notice-button').addEventListener('click', () => connection.tryNow());
  addEventListener('pagehide', () => connection.close({ unload: true }));
  addEventListener('pageshow', ({ persisted }) => persisted && connection.open(chosenTransport()));
  addEventListener('online', () => connection.tryNow());
  document.addEventListener('visibilitychange', () => document.hidden || connection.tryNow());
  connection.open(transport);
}

export function chosenTransport() {
  return document.querySelector('[name=transport]:checked').value;
}

/** What is said above everything else; without a title nothing is. */
export function notice(title = '', text = '', button = false) {
  setText($('notice-title'), title);
  setText($('notice-text'), text);
  $('notice-button').hidden = !button;
  $('notice').hidden = !title;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Storage may be switched off or full; then nothing is remembered. */
export function remember(storage, key, value) {
  try {
    storage.setItem(`headgate.${key}`, JSON.stringify(value));
  } catch {}
}

export function remembered(storage, key) {
  try {
    return JSON.parse(storage.getItem(`headgate.${key}`)) ?? undefined;
  } catch {
    return undefined;
  }
}

function show(state) {
  const texts = {
    closed: 'Not connected',
    connecting: 'Connecting',
    up: `Connected by ${{ websocket: 'WebSocket', http: 'HTTP' }[chosenTransport()]}`,
    lost: 'Server not reachable',
  };
  $('link').dataset.state = state.name;
  $('link-text').textContent = texts[state.name];
  if (state.name === 'lost') {
    notice('The server does not answer.', `Trying again in ${words.duration(state.secondsLeft * 1000)}.`, true);
  } else if (state.name === 'connecting' && !$('notice').hidden) {
    notice('The server does not answer.', 'Trying now.');
  } else if (state.name === 'up') {
    notice();
  }
}
