/**
 * The format of .jcfg files: libconfig. Groups, lists, arrays, texts, numbers,
 * booleans, three kinds of comments, `@include`. The parser is total: every
 * input gives a document or an error with its place, in linear time.
 */
import { dirname, resolve } from 'node:path';
import {
  configError,
  Places,
  splice,
  wholeLines,
  type Document,
  type Editor,
  type Entries,
  type Item,
  type Place,
  type Scalar,
  type Setting,
  type Span,
  type Value,
} from './tree.js';

/** Groups and lists within each other. */
const MAX_DEPTH = 64;
/** Files that include each other; in all, and within each other. */
const MAX_INCLUDES = 100;
const MAX_INCLUDE_DEPTH = 10;
/** Characters in all files together. */
const MAX_SIZE = 16 * 1024 * 1024;

/** Reads a file that another one includes. */
export type ReadFile = (path: string) => string;

type Token =
  | { readonly kind: 'name' | 'punctuation' | 'end'; readonly text: string; readonly span: Span; readonly at: Place }
  | { readonly kind: 'value'; readonly text: string; readonly value: Value; readonly span: Span; readonly at: Place };

/**
 * Reads a libconfig text.
 *
 * @param file - names it in errors; what it includes is looked for beside it
 * @param read - reads included files. Default: including is an error
 * @throws {@link UsageError} `HG_ERR_CONFIG`
 */
export function parseLibconfig(file: string, text: string, read?: ReadFile): Document {
  const includes: Includes = { read, files: 0, size: text.length };
  return { file, text, settings: new Parser(file, text, includes, 0).parseFile() };
}

/** What all files of a configuration have in common. */
interface Includes {
  readonly read: ReadFile | undefined;
  files: number;
  size: number;
}

const BLANK = /[\s\uFEFF]*/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const BLOCK_COMMENT = /\/\*[^]*?\*\//y;
const NAME = /[A-Za-z*][-\w*]*/y;
const NUMBER = /[-+]?(?:0[xX][0-9A-Fa-f]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)/y;
const SUFFIX = /L{1,2}/y;
const INCLUDE = /@include[ \t]+"((?:[^"\\\n]|\\.)*)"/y;
const PLAIN = /[^"\\\n]+/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

class Parser {
  readonly #file: string;
  readonly #text: string;
  readonly #includes: Includes;
  readonly #includeDepth: number;
  readonly #places: Places;
  #offset = 0;
  #token: Token;
  /** The last text that has a line break in it: seldom meant. */
  #longText: Place | undefined;

  constructor(file: string, text: string, includes: Includes, includeDepth: number) {
    this.#file = file;
    this.#text = text;
    this.#includes = includes;
    this.#includeDepth = includeDepth;
    this.#places = new Places(file, text);
    if (includes.size > MAX_SIZE) {
      throw configError({ file, line: 1, column: 1 }, `the configuration has more than ${String(MAX_SIZE)} characters`);
    }
    this.#token = this.#next();
  }

  parseFile(): Setting[] {
    const settings = this.#settings(0);
    if (this.#is('}')) throw configError(this.#token.at, 'there is one "}" too many: no group is open here');
    if (this.#token.kind !== 'end') throw this.#unexpected('a setting: name = value');
    return settings;
  }

  // ---- grammar --------------------------------------------------------------------

  #settings(depth: number): Setting[] {
    const settings: Setting[] = [];
    const seen = new Map<string, Setting>();
    const add = (setting: Setting): void => {
      const before = seen.get(setting.name);
      if (before !== undefined) {
        const line = `${before.at.file === setting.at.file ? '' : `${before.at.file} `}line ${String(before.at.line)}`;
        throw configError(setting.at, `"${setting.name}" is there already, in ${line}: remove one of the two`);
      }
      seen.set(setting.name, setting);
      settings.push(setting);
    };
    for (;;) {
      if (this.#token.kind === 'punctuation' && this.#token.text === '@') {
        for (const setting of this.#included()) add(setting);
      } else if (this.#token.kind === 'name') {
        add(this.#setting(depth));
      } else {
        return settings;
      }
    }
  }

  #setting(depth: number): Setting {
    const { text: name, at, span } = this.#take();
    if (!this.#is('=') && !this.#is(':')) throw this.#unexpected(`"=" after "${name}"`);
    this.#take();
    const item = this.#item(depth, `a value for "${name}"`);
    if (this.#is(';') || this.#is(',')) this.#take();
    return { ...item, name, at, whole: { start: span.start, end: item.span.end } };
  }

  #item(depth: number, expected: string): Item {
    const { at, span } = this.#token;
    if (depth >= MAX_DEPTH) throw configError(at, `more than ${String(MAX_DEPTH)} levels within each other`);
    if (this.#token.kind === 'value') return this.#scalar();
    if (this.#is('{')) {
      this.#take();
      const settings = this.#settings(depth + 1);
      if (this.#token.kind === 'end') {
        const text = `the file ends, but the group that begins in line ${String(at.line)} does not: "}" is missing`;
        throw configError(this.#token.at, text);
      }
      return { at, span: this.#close(span, '}', 'a setting, or "}"'), value: { kind: 'group', settings } };
    }
    if (this.#is('(')) {
      const { items, end } = this.#items(')', depth, 'a value, or ")"');
      return { at, span: { start: span.start, end }, value: { kind: 'list', items } };
    }
    if (this.#is('[')) {
      const { items, end } = this.#items(']', depth, 'a value, or "]"');
      const odd = items.find(
        ({ value }) => value.kind !== items[0]?.value.kind || 'items' in value || 'settings' in value,
      );
      if (odd) throw configError(odd.at, 'values in [ ] must be plain and of one kind: use ( ) for a mixture');
      return { at, span: { start: span.start, end }, value: { kind: 'array', items } };
    }
    throw this.#unexpected(expected);
  }

  #items(closing: string, depth: number, expected: string): { items: Item[]; end: number } {
    const { span } = this.#take();
    const items: Item[] = [];
    while (!this.#is(closing)) {
      items.push(this.#item(depth + 1, expected));
      if (!this.#is(',')) break;
      this.#take();
    }
    return { items, end: this.#close(span, closing, `"," or "${closing}"`).end };
  }

  /** A value that is none of several; texts that follow each other are one. */
  #scalar(): Item {
    const first = this.#take();
    if (first.kind !== 'value') throw configError(first.at, 'a value was expected');
    let { value } = first;
    let { end } = first.span;
    const parts: string[] = value.kind === 'string' ? [value.value] : [];
    while (value.kind === 'string' && this.#token.kind === 'value' && this.#token.value.kind === 'string') {
      parts.push(this.#token.value.value);
      end = this.#take().span.end;
    }
    if (value.kind === 'string') value = { kind: 'string', value: parts.join('') };
    if (value.kind === 'string' && value.value.includes('\n')) this.#longText = first.at;
    return { at: first.at, span: { start: first.span.start, end }, value };
  }

  #included(): Setting[] {
    const { text, at } = this.#token;
    const name = this.#includeName;
    if (text !== '@' || name === null) throw this.#unexpected('@include "file"');
    const { read } = this.#includes;
    if (read === undefined) throw configError(at, 'this file may not include others');
    if (this.#includeDepth >= MAX_INCLUDE_DEPTH || ++this.#includes.files > MAX_INCLUDES) {
      throw configError(at, 'too many files include each other: is there a circle?');
    }
    const path = resolve(dirname(this.#file), name);
    let content: string;
    try {
      content = read(path);
    } catch (error) {
      throw configError(at, `${path} cannot be read: ${(error as Error).message}`);
    }
    this.#includes.size += content.length;
    const settings = new Parser(path, content, this.#includes, this.#includeDepth + 1).parseFile();
    this.#take();
    return settings;
  }

  // ---- tokens ---------------------------------------------------------------------

  #is(text: string): boolean {
    return this.#token.kind === 'punctuation' && this.#token.text === text;
  }

  #take(): Token {
    const token = this.#token;
    this.#token = this.#next();
    return token;
  }

  #close(from: Span, closing: string, expected: string): Span {
    if (!this.#is(closing)) throw this.#unexpected(expected);
    return { start: from.start, end: this.#take().span.end };
  }

  #unexpected(expected: string): Error {
    const { kind, text, at } = this.#token;
    if (kind === 'end') return configError(at, `the file ends, but ${expected} was expected`);
    return configError(at, `${expected} was expected, not ${JSON.stringify(text.slice(0, 40))}${this.#hint(expected)}`);
  }

  /** What may have been meant. */
  #hint(expected: string): string {
    const { kind, text } = this.#token;
    if (this.#longText !== undefined) {
      return `; the text that begins in line ${String(this.#longText.line)} goes on over its end: is a " missing there?`;
    }
    if (!expected.startsWith('a value') || (kind !== 'name' && !/^[/.\w]/.test(text))) return '';
    const choice = kind === 'name' ? 'write true or false, or a text, which needs quotes' : 'a text needs quotes';
    return `; ${choice}: "${this.#rawWord()}"`;
  }

  /** From the current token to the next blank, as somebody wrote it who forgot the quotes. */
  #rawWord(): string {
    return /^[^\s;,"]{0,60}/.exec(this.#text.slice(this.#token.span.start, this.#token.span.start + 60))?.[0] ?? '';
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  #skip(): void {
    for (;;) {
      this.#match(BLANK);
      if (this.#match(LINE_COMMENT) !== undefined) continue;
      if (!this.#text.startsWith('/*', this.#offset)) return;
      if (this.#match(BLOCK_COMMENT) === undefined) {
        throw configError(this.#places.at(this.#offset), 'this comment does not end: "*/" is missing');
      }
    }
  }

  #includeName: string | null = null;

  #next(): Token {
    this.#skip();
    const start = this.#offset;
    const at = this.#places.at(start);
    const span = (): Span => ({ start, end: this.#offset });
    const first = this.#text[start];
    if (first === undefined) return { kind: 'end', text: '', span: span(), at };
    if (first === '"') {
      const value = this.#string(at);
      return { kind: 'value', text: first, value: { kind: 'string', value }, span: span(), at };
    }
    const number = this.#match(NUMBER);
    if (number !== undefined) return { kind: 'value', text: number, value: this.#number(number, at), span: span(), at };
    const name = this.#match(NAME);
    if (name !== undefined) {
      const lower = name.toLowerCase();
      // `true = 1` is a setting of that name to nobody: these are values.
      if (lower !== 'true' && lower !== 'false') return { kind: 'name', text: name, span: span(), at };
      return { kind: 'value', text: name, value: { kind: 'boolean', value: lower === 'true' }, span: span(), at };
    }
    if (first === '@') {
      INCLUDE.lastIndex = start;
      this.#includeName = INCLUDE.exec(this.#text)?.[1]?.replace(/\\(.)/g, '$1') ?? null;
      this.#match(INCLUDE);
    }
    if (this.#offset === start) this.#offset += 1;
    return { kind: 'punctuation', text: first, span: span(), at };
  }

  #string(at: Place): string {
    const parts: string[] = [];
    this.#offset += 1;
    for (;;) {
      const plain = this.#match(PLAIN);
      if (plain !== undefined) parts.push(plain);
      const next = this.#text[this.#offset];
      this.#offset += 1;
      if (next === '"') return parts.join('');
      if (next === '\n') {
        parts.push(next);
      } else if (next === '\\') {
        parts.push(this.#escape());
      } else {
        this.#offset = this.#text.length;
        throw configError(at, 'this text does not end: the second " is missing');
      }
    }
  }

  #escape(): string {
    const letter = this.#text[this.#offset] ?? '';
    if (letter === 'x') {
      const digits = this.#text.slice(this.#offset + 1, this.#offset + 3);
      if (/^[0-9A-Fa-f]{2}$/.test(digits)) {
        this.#offset += 3;
        return String.fromCharCode(Number.parseInt(digits, 16));
      }
    }
    this.#offset += letter.length;
    // An escape that nobody knows stands for itself, as libconfig has it.
    return ESCAPES[letter] ?? `\\${letter}`;
  }

  #number(text: string, at: Place): Value {
    const isFloat = !/^[-+]?0[xX]/.test(text) && /[.eE]/.test(text);
    const suffix = isFloat ? undefined : this.#match(SUFFIX);
    const after = this.#text[this.#offset] ?? '';
    if (/[\w.]/.test(after)) {
      const word = /^[^\s;,"]{0,60}/.exec(
        this.#text.slice(this.#offset - text.length - (suffix?.length ?? 0), this.#offset + 60),
      );
      throw configError(at, `this is no number; a text needs quotes: "${word?.[0] ?? text}"`);
    }
    if (isFloat) return { kind: 'float', value: Number(text) };
    const digits = text.replace(/^[-+]/, '');
    const value = (text.startsWith('-') ? -1 : 1) * Number(digits);
    if (!Number.isSafeInteger(value))
      throw configError(at, `the number ${text.slice(0, 40)} is too large: it must be less than 2^53`);
    return { kind: 'integer', value };
  }
}

// ---- writing ----------------------------------------------------------------------

const VALID_NAME = /^[A-Za-z*][-\w*]*$/;

/** Changes .jcfg files. */
export const libconfigEditor: Editor = {
  putGroup(document, name, entries) {
    if (!VALID_NAME.test(name)) {
      throw configError(
        { file: document.file, line: 1, column: 1 },
        `${JSON.stringify(name.slice(0, 60))} cannot be the name of a group: it must begin with a letter and have letters, digits, - and _`,
      );
    }
    const group = `${name}: ${writeGroup(entries, '')}`;
    const before = find(document, name);
    if (before !== undefined) return splice(document.text, [{ ...before.whole, by: group }]);
    const gap = document.text === '' || document.text.endsWith('\n') ? '' : '\n';
    return `${document.text}${gap}\n${group}\n`;
  },
  removeGroup(document, name) {
    const group = find(document, name);
    return group === undefined
      ? document.text
      : splice(document.text, [{ ...withSeparator(document.text, group), by: '' }]);
  },
  changeGroup(document, name, changes) {
    const group = find(document, name);
    if (group?.value.kind !== 'group') {
      throw configError({ file: document.file, line: 1, column: 1 }, `there is no group "${name}"`);
    }
    const { settings } = group.value;
    const { text } = document;
    const parts: (Span & { by: string })[] = [];
    const added: string[] = [];
    for (const [key, value] of Object.entries(changes)) {
      const before = settings.find((setting) => setting.name === key);
      if (before !== undefined && before.at.file !== document.file) throw elsewhere(before);
      if (before === undefined && value !== undefined) added.push(`${key} = ${writeScalar(value)}`);
      else if (before !== undefined && value === undefined) parts.push({ ...withSeparator(text, before), by: '' });
      else if (before !== undefined && value !== undefined) parts.push({ ...before.span, by: writeScalar(value) });
    }
    if (added.length > 0) parts.push(insertion(text, group, added));
    return splice(text, parts);
  },
};

function find(document: Document, name: string): Setting | undefined {
  const found = document.settings.find((setting) => setting.name === name);
  if (found !== undefined && found.at.file !== document.file) throw elsewhere(found);
  return found;
}

function elsewhere({ name, at }: Setting): Error {
  return configError(at, `"${name}" stands in a file that is included, which is not changed: change it by hand`);
}

/** With the separator behind it, and the lines if nothing else stands on them. */
function withSeparator(text: string, { whole }: Setting): Span {
  const separator = /^[ \t]*[;,]/.exec(text.slice(whole.end, whole.end + 200))?.[0].length ?? 0;
  return wholeLines(text, { start: whole.start, end: whole.end + separator });
}

/** New lines before the brace that ends a group, indented as its first setting is. */
function insertion(text: string, group: Setting, lines: readonly string[]): Span & { by: string } {
  const brace = group.span.end - 1;
  const lineStart = text.lastIndexOf('\n', brace - 1) + 1;
  const indent = /(?:^|\n)([ \t]+)[A-Za-z]/.exec(text.slice(group.span.start, brace))?.[1] ?? '\t';
  const alone = text.slice(lineStart, brace).trim() === '';
  const at = alone ? lineStart : brace;
  const block = lines.map((line) => `${indent}${line}\n`).join('');
  return { start: at, end: at, by: alone ? block : `\n${block}` };
}

function writeGroup(entries: Entries, indent: string): string {
  const inner = `${indent}\t`;
  const lines = Object.entries(entries).map(([name, value]) => {
    if (typeof value !== 'object') return `${inner}${name} = ${writeScalar(value)}\n`;
    const groups = value.map((one) => `${inner}\t${writeGroup(one, `${inner}\t`)}`);
    return `${inner}${name} = (\n${groups.join(',\n')}\n${inner})\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

function writeScalar(value: Scalar): string {
  if (typeof value === 'number') return Math.abs(value) > 0x7fff_ffff ? `${String(value)}L` : String(value);
  if (typeof value === 'boolean') return String(value);

  return `"${value.replace(/[\\"]/g, '\\$&').replace(/[\x00-\x1f\x7f]/g, escapeControl)}"`;
}

function escapeControl(character: string): string {
  const known = Object.entries(ESCAPES).find(([, meant]) => meant === character)?.[0];
  return `\\${known ?? `x${character.charCodeAt(0).toString(16).padStart(2, '0')}`}`;
}
