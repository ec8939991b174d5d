// The page: the list of streams on the left, the players on the right.
import { Player, canDecode } from './player.js';
import { $, canPlay, connect, connection, notice, remember, remembered, setText } from './shell.js';
import * as words from './words.js';

const MOST = 6;
const LIST_EVERY_MS = 3000;
const SILENT_MS = 3000;

const rowTemplate = $('row-template');
const collator = new Intl.Collator('en', { numeric: true });

const players = new Map(); // mountpoint id → Player
const rows = new Map(); // mountpoint id → { row, media }: its button in the list, and its codecs once they are known
let directory; // the handle that asks for the list
let listTimer;
let listed; // the latest list; undefined until there is one
let changing = false; // what changed is about to be shown

if (await canPlay()) start();

function start() {
  $('stop-all').addEventListener('click', () => {
    for (const id of [...players.keys()]) stop(id);
  });
  $('welcome-button').addEventListener('click', () => toggle(listed[0].id));
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return clearTimeout(listTimer);
    refresh();
    for (const player of players.values()) player.wake();
  });
  setInterval(() => {
    if (!document.hidden) for (const player of players.values()) player.measure();
  }, 1000);

  connect(onConnection);
  // a reload goes on with what was playing; with sound if the browser lets it
  for (const { id, name, sound } of remembered(sessionStorage, 'playing') ?? []) play(id, name, sound);
  showPlayers();
}

function onConnection(state) {
  if (state.name === 'up') {
    openDirectory();
    for (const player of players.values()) player.start();
  } else {
    directory = undefined;
    clearTimeout(listTimer);
    for (const player of players.values()) if (player.state !== 'offline') player.waitForServer();
    showList();
  }
}

function openDirectory() {
  const { janus } = connection;
  janus.attach({
    plugin: 'janus.plugin.streaming',
    opaqueId: 'demo-list',
    success: (handle) => {
      if (janus !== connection.janus) return;
      directory = handle;
      refresh();
    },
    error: (reason) => notice('The server has no streams to offer.', String(reason)),
  });
}

/** Asks for the list now, and again every few seconds. */
function refresh() {
  clearTimeout(listTimer);
  const handle = directory;
  if (!handle) return;
  listTimer = setTimeout(refresh, LIST_EVERY_MS);
  handle.send({
    message: { request: 'list' },
    success: (answer) => {
      if (handle !== directory || !answer?.list) return;
      listed = [...answer.list].sort((a, b) => collator.compare(a.id, b.id));
      for (const { id } of listed) if (!rows.has(id)) describe(handle, id);
      showList();
      const ids = new Set(listed.map(({ id }) => id));
      for (const [id, player] of players) player.onListed(ids.has(id));
    },
  });
}

/** The list does not tell codecs; they are asked for once. */
function describe(handle, id) {
  const item = rowTemplate.content.cloneNode(true).firstElementChild;
  const row = item.querySelector('.row');
  row.addEventListener('click', () => toggle(id));
  const entry = { item, row, media: undefined };
  rows.set(id, entry);
  handle.send({
    message: { request: 'info', id },
    success: (answer) => {
      entry.media = answer?.info?.media;
      showList();
    },
  });
}

function showList() {
  const list = $('list');
  const there = connection.state.name === 'up' ? (listed ?? []) : [];
  if (listed) {
    const ids = new Set(listed.map(({ id }) => id));
    for (const [id, { item }] of rows) {
      if (ids.has(id)) continue;
      item.remove();
      rows.delete(id);
    }
    listed.forEach(({ id }, i) => {
      const { item } = rows.get(id) ?? {};
      if (item && list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
    });
    for (const stream of listed) showRow(stream);
  }
  $('list-empty').hidden = there.length > 0 || list.children.length > 0;
  $('list-empty').textContent = listed
    ? 'The server has no streams at the moment.'
    : connection.state.name === 'lost'
      ? 'The streams show up here once the server answers.'
      : 'Asking the server what there is…';
  list.classList.toggle('stale', connection.state.name !== 'up');
  showPlayers();
}

function showRow({ id, description, media = [], enabled = true }) {
  const entry = rows.get(id);
  if (!entry) return;
  const { row } = entry;
  const player = players.get(id);
  const known = (entry.media ?? []).filter(({ codec }) => codec);
  const codecs = known.map(({ type, codec }) =>
    type === 'data' || canDecode(type, codec) ? words.codecName(codec) : `${words.codecName(codec)} not playable`,
  );
  const what = codecs.length > 0 ? codecs : media.map(({ type }) => type);
  setText(row.querySelector('.row-name'), description);
  setText(row.querySelector('.row-media'), [...new Set(what)].join(' · '));

  const ages = media.map(({ age_ms: age }) => age).filter((age) => age !== undefined);
  const age = Math.min(...ages);
  const silent = age > SILENT_MS;
  const told = connection.state.name === 'up' && ages.length > 0;
  const signal = !enabled ? 'off' : !told ? '' : silent ? 'silent' : 'live';
  const mark = row.querySelector('.row-signal');
  mark.classList.toggle('live', signal === 'live');
  mark.title = signal === 'silent' ? `Its source has sent nothing for ${words.duration(age)}` : '';
  setText(mark, signal);

  row.setAttribute('aria-pressed', String(Boolean(player)));
  row.dataset.state = player?.state ?? '';
  row.title = player ? 'Stop' : 'Play';
  row.querySelector('use').setAttribute('href', player ? '#i-stop' : '#i-play');
}

function toggle(id) {
  if (players.has(id)) return stop(id);
  const { description } = listed.find((stream) => stream.id === id);
  if (players.size === MOST) {
    setText($('hint'), `${MOST} at once is the most. Stop one first.`);
    return;
  }
  // one stream is heard at a time, unless the viewer wants more
  const sound = ![...players.values()].some((player) => player.audible);
  play(id, description, sound);
  if (matchMedia('(max-width: 899px)').matches) players.get(id).element.scrollIntoView({ block: 'nearest' });
}

function play(id, name, sound) {
  const player = new Player({ connection, id, name, sound, onChange: changed, onStop: () => stop(id) });
  players.set(id, player);
  $('grid').append(player.element);
  changed();
}

function stop(id) {
  players.get(id).stop();
  players.delete(id);
  changed();
}

/** Something about a player is different: shows it, once for all that happens at the same time. */
function changed() {
  if (changing) return;
  changing = true;
  queueMicrotask(() => {
    changing = false;
    showList();
    const names = [...players].map(([id, player]) => ({ id, name: player.name, sound: player.wantsSound }));
    remember(sessionStorage, 'playing', names);
  });
}

function showPlayers() {
  const playing = players.size;
  $('grid').dataset.tiles = String(playing);
  $('grid').hidden = playing === 0;
  $('stop-all').hidden = playing === 0;
  setText($('count'), playing === 0 ? '' : `${playing} of ${MOST}`);
  if (playing < MOST) setText($('hint'), '');
  const first = connection.state.name === 'up' ? listed?.[0] : undefined;
  $('welcome').hidden = playing > 0;
  $('welcome-button').hidden = !first;
  setText($('welcome-button'), first ? `Play ${first.description}` : '');
}
