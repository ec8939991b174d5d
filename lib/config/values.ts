/** Reads values as Janus does: numbers may be texts, booleans may be words. */
import { problemOfHttpUrl } from '../options.js';
import { EVENT_WORDS, readEventKinds } from './event-kinds.js';
import type { Row, Type } from './table/index.js';
import type { Item } from './tree.js';

/** The value, or what must be written instead. */
export type Reading = { readonly value: unknown } | { readonly expected: string };

const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];

/** The largest time of a timer, 24.8 days, in milliseconds. */
const MAX_TIME = 2 ** 31 - 1;

/** Reads one setting as its row wants it. */
export function readValue(item: Item, { type, min = 0, max, atLeast }: Row): Reading {
  const reading = read(item, type, min, max);
  if (atLeast === undefined || !('value' in reading)) return reading;
  return { value: Math.max(atLeast, reading.value as number) };
}

function read(item: Item, type: Type, min: number, max: number | undefined): Reading {
  if (typeof type !== 'string') {
    const text = textOf(item);
    return text !== undefined && type.includes(text)
      ? { value: text }
      : { expected: `one of ${type.map((choice) => `"${choice}"`).join(', ')}` };
  }
  switch (type) {
    case 'any':
      return { value: 'value' in item.value ? item.value.value : undefined };
    case 'text': {
      const text = textOf(item);
      return text === undefined ? { expected: 'a text in quotes' } : { value: text };
    }
    case 'boolean': {
      const text = textOf(item)?.trim().toLowerCase() ?? '';
      if (TRUE.includes(text)) return { value: true };
      return FALSE.includes(text) ? { value: false } : { expected: 'true or false' };
    }
    case 'integer':
      return readInteger(
        item,
        type === 'integer' && max === undefined ? -Infinity : min,
        max ?? Infinity,
        'a whole number',
      );
    case 'port':
      return readInteger(item, 0, 65535, 'a port');
    case 'milliseconds':
      return readInteger(item, min, max ?? MAX_TIME, 'a number of milliseconds');
    case 'seconds': {
      const reading = readInteger(item, min, max ?? Math.floor(MAX_TIME / 1000), 'a number of seconds');
      return 'value' in reading ? { value: (reading.value as number) * 1000 } : reading;
    }
    case 'port range':
      return readPortRange(item);
    case 'list':
      return readList(item);
    case 'event kinds': {
      const kinds = readEventKinds(textOf(item) ?? '');
      return kinds === undefined ? { expected: EVENT_WORDS } : { value: kinds };
    }
    case 'URL': {
      const text = textOf(item) ?? '';
      const problem = problemOfHttpUrl(text, 'settings of their own');
      return problem === undefined
        ? { value: text }
        : { expected: `an address as "http://host:9000/path" (${problem})` };
    }
    case 'groups':
      return item.value.kind === 'list' && item.value.items.every(({ value }) => value.kind === 'group')
        ? { value: item.value.items }
        : { expected: 'a list of groups: ( { … }, { … } )' };
  }
}

function textOf({ value }: Item): string | undefined {
  return 'value' in value ? String(value.value) : undefined;
}

function readInteger(item: Item, min: number, max: number, what: string): Reading {
  const text = textOf(item)?.trim() ?? '';
  const value = /^[-+]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return { value };
  const bounds =
    min === -Infinity
      ? ''
      : max === Infinity
        ? ` of at least ${String(min)}`
        : ` from ${String(min)} to ${String(max)}`;
  return { expected: what + bounds };
}

function readPortRange(item: Item): Reading {
  const [, low, high] = /^\s*(\d{1,5})\s*-\s*(\d{1,5})\s*$/.exec(textOf(item) ?? '') ?? [];
  const range = [Number(low), Number(high)] as const;
  const good = range[0] >= 1 && range[0] <= range[1] && range[1] <= 65535;
  return good ? { value: range } : { expected: 'two ports, the lower one first, as "20000-40000"' };
}

function readList(item: Item): Reading {
  const texts = 'items' in item.value ? item.value.items.map(textOf) : textOf(item)?.split(',');
  if (texts === undefined || texts.includes(undefined)) return { expected: 'texts with commas between them, as "a,b"' };
  return { value: texts.map((text) => text?.trim()).filter((text) => text !== '') };
}

/** The name that is most like a wrong one, if one is. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = name.length < 5 ? 1 : 2;
  const [best] = known
    .map((candidate) => ({ candidate, distance: distanceOf(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** How many letters must be put in, taken out or changed (Levenshtein); names that cannot be alike are far. */
function distanceOf(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; ++j) {
      next.push(Math.min((row[j] ?? 0) + (letter === b[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? Infinity;
}
