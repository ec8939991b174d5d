// The figures of the echo page: what is sent, what comes back, and the way it takes.
import { Graph } from './graph.js';
import { $, setText } from './shell.js';
import * as words from './words.js';

const BAD_LOSS = 0.02;

const element = $('connection');
const graph = new Graph(element);
const cells = Object.fromEntries(
  [...element.querySelectorAll('[data-figure]')].map((cell) => [cell.dataset.figure, cell]),
);

/**
 * @param {Awaited<ReturnType<import('./figures.js').Figures['read']>> & { limitedSeconds: number }} figures
 * @param {number | undefined} dataTripMs - round trip of the data channel
 */
export function drawFigures(figures, dataTripMs) {
  const { sent, received, roundTripMs, path } = figures;
  const local = path && words.endOfPath(path.local);
  const remote = path && words.endOfPath(path.remote);
  write({
    roundTrip: words.milliseconds(roundTripMs),
    dataTrip: words.milliseconds(dataTripMs),
    ...flow('sent', sent),
    ...flow('back', received),
    localAddress: local?.address,
    localKind: local?.kind,
    remoteAddress: remote?.address,
    remoteKind: remote?.kind,
  });
  for (const [name, share] of [
    ['sentLost', sent?.lostShare],
    ['backLost', received?.lostShare],
  ]) {
    cells[name].classList.toggle('bad', share >= BAD_LOSS);
  }
  if (received?.kbps !== undefined && sent?.kbps !== undefined) {
    graph.add(received.kbps, sent.kbps);
    judge(words.verdict(figures));
  }
}

/** Nothing flows any more. */
export function clearFigures() {
  graph.clear();
  write({});
  for (const cell of Object.values(cells)) cell.classList.remove('bad');
  judge({ grade: '', title: 'Your connection', text: 'Figures show up here as soon as media flows.' });
}

function write(texts) {
  for (const [name, cell] of Object.entries(cells)) {
    setText(cell, texts[name] ?? (name.endsWith('Kind') ? '' : '–'));
  }
}

function flow(direction, figures) {
  if (!figures) return {};
  return Object.fromEntries(
    Object.entries({
      Bitrate: `${words.count(figures.kbps)} kbit/s`,
      Lost: words.percent(figures.lostShare),
      Resent: words.resent(figures),
      Jitter: words.milliseconds(figures.jitterMs),
      Size: words.size(figures),
      Fps: words.count(figures.fps),
      Codecs: figures.codecs.map(words.codecName).join(', ') || '–',
    }).map(([name, text]) => [direction + name, text]),
  );
}

function judge({ grade, title, text }) {
  $('verdict').dataset.grade = grade;
  setText($('verdict-title'), title);
  setText($('verdict-text'), text);
}
