/** What the parsers of configuration files give: named values, each with its place. */
import { UsageError } from '../errors.js';

/** Where something stands; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A part of a file's text: `[start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One value. A group holds settings, an array and a list hold values. */
export type Value =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'integer' | 'float'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'array' | 'list'; readonly items: readonly Item[] }
  | { readonly kind: 'group'; readonly settings: readonly Setting[] };

/** A value with its place. */
export interface Item {
  readonly at: Place;
  readonly span: Span;
  readonly value: Value;
}

/** A value with its place and its name; `span` covers the value alone. */
export interface Setting extends Item {
  readonly name: string;
  /** From the name to the end of the value. */
  readonly whole: Span;
}

/** A text that was read. */
export interface Document {
  readonly file: string;
  readonly text: string;
  /** The top level: groups, and settings that are in none. */
  readonly settings: readonly Setting[];
  /** What can be read, but is hardly what was meant. */
  readonly doubts?: readonly { readonly at: Place; readonly text: string }[];
}

/** A value that an editor can write. */
export type Scalar = string | number | boolean;

/** What goes into a new group; an array of such is a list of groups. */
export type Entries = Readonly<Record<string, Scalar | readonly Readonly<Record<string, Scalar>>[]>>;

/** Changes files of one format. Each function returns the new text; all that it does not name stays as it was, byte for byte. */
export interface Editor {
  /** Adds a group behind all others, or puts it in the place of the one with that name. */
  putGroup(document: Document, name: string, entries: Entries): string;
  /** Takes a group out. Without such a group the text stays. */
  removeGroup(document: Document, name: string): string;
  /** Changes settings of a group; `undefined` takes one out. */
  changeGroup(document: Document, name: string, changes: Readonly<Record<string, Scalar | undefined>>): string;
}

/** `file:12:3`, which editors and terminals make a link of. */
export function show({ file, line, column }: Place): string {
  return `${file}:${String(line)}:${String(column)}`;
}

/** The error of a file that cannot be used as it is. */
export function configError(at: Place, problem: string): UsageError<'HG_ERR_CONFIG'> {
  return new UsageError('HG_ERR_CONFIG', { where: show(at), problem, file: at.file, line: at.line, column: at.column });
}

/** Tells line and column of offsets of one text; the offsets must not go back. */
export class Places {
  readonly #file: string;
  readonly #text: string;
  #line = 1;
  #lineStart = 0;
  #lineEnd: number;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#lineEnd = this.#endFrom(0);
  }

  at(offset: number): Place {
    while (this.#lineEnd < offset) {
      this.#line += 1;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = this.#endFrom(this.#lineStart);
    }
    return { file: this.#file, line: this.#line, column: offset - this.#lineStart + 1 };
  }

  #endFrom(start: number): number {
    const end = this.#text.indexOf('\n', start);
    return end < 0 ? this.#text.length : end;
  }
}

/** Replaces parts of a text; they must not overlap. */
export function splice(text: string, parts: readonly (Span & { readonly by: string })[]): string {
  let result = '';
  let from = 0;
  for (const { start, end, by } of [...parts].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(from, start) + by;
    from = end;
  }
  return result + text.slice(from);
}

/** Widens a span to whole lines if nothing else but blanks stands on them. */
export function wholeLines(text: string, { start, end }: Span): Span {
  let first = start;
  while (first > 0 && (text[first - 1] === ' ' || text[first - 1] === '\t')) first -= 1;
  let last = end;
  while (text[last] === ' ' || text[last] === '\t' || text[last] === '\r') last += 1;
  const alone = (first === 0 || text[first - 1] === '\n') && (last === text.length || text[last] === '\n');
  return alone ? { start: first, end: Math.min(text.length, last + 1) } : { start, end };
}
