/**
 * The older format of .cfg files: `[section]`, `key = value`, comments after `;`
 * and on lines that begin with `#`; `\;` in a value is a semicolon. Every value
 * is a text. The parser is total and linear, as that of libconfig.
 */
import {
  configError,
  splice,
  type Document,
  type Editor,
  type Place,
  type Scalar,
  type Setting,
  type Span,
} from './tree.js';

interface Section {
  name: string;
  at: Place;
  start: number;
  /** Where its last setting ends, or its head: what is added goes behind. */
  end: number;
  settings: Setting[];
}

/**
 * Reads an INI text. Settings before the first section are at the top level.
 *
 * @param file - names it in errors
 * @throws {@link UsageError} `HG_ERR_CONFIG`
 */
export function parseIni(file: string, text: string): Document {
  const top: Setting[] = [];
  const sections = new Map<string, Section>();
  let section: Section | undefined;
  let seen = new Map<string, Setting>();
  const doubts: { at: Place; text: string }[] = [];
  let offset = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const start = offset;
    offset += line.length + 1;
    const place = (column: number): Place => ({ file, line: index + 1, column: column + 1 });
    const content = line.replace(/^\uFEFF/, ' ');
    const indent = content.length - content.trimStart().length;
    const first = content[indent];
    if (first === undefined || first === ';' || first === '#') continue;
    if (first === '[') {
      section = readSection(content, indent, start, place(indent));
      const before = sections.get(section.name);
      if (before !== undefined) {
        throw configError(
          section.at,
          `[${section.name}] is there already, in line ${String(before.at.line)}: put the two together`,
        );
      }
      sections.set(section.name, section);
      seen = new Map();
      continue;
    }
    const setting = readSetting(content, indent, start, place);
    const before = seen.get(setting.name);
    if (before !== undefined) {
      throw configError(
        setting.at,
        `"${setting.name}" is there already, in line ${String(before.at.line)}: remove one of the two`,
      );
    }
    seen.set(setting.name, setting);
    // No space before or behind it: rather of the value than of a comment.
    if (/^;[^\s;]/.test(text.slice(setting.span.end, setting.span.end + 2))) {
      const remedy = 'if that was not meant, write \\; for each semicolon in it';
      doubts.push({ at: setting.at, text: `what stands behind ; is not part of "${setting.name}": ${remedy}` });
    }
    (section?.settings ?? top).push(setting);
    if (section !== undefined) section.end = setting.whole.end;
  }
  const groups = [...sections.values()].map(({ name, at, start, end, settings }): Setting => {
    return { name, at, span: { start, end }, whole: { start, end }, value: { kind: 'group', settings } };
  });
  return { file, text, settings: [...top, ...groups], doubts };
}

function readSection(line: string, indent: number, offset: number, at: Place): Section {
  const found = /^\[([^\]]*)\]\s*(?:[;#].*)?$/.exec(line.slice(indent).trimEnd());
  const name = found?.[1]?.trim() ?? '';
  if (found === null || name === '') throw configError(at, 'a section is written [name], alone on its line');
  const head = line.indexOf(']', indent) + 1;
  return { name, at, start: offset + indent, end: offset + head, settings: [] };
}

function readSetting(line: string, indent: number, offset: number, place: (column: number) => Place): Setting {
  const equals = line.indexOf('=', indent);
  if (equals < 0) {
    const isNewer = /^[\w-]+\s*:\s*\{/.test(line.slice(indent));
    const hint = isNewer ? '; this is the newer form: name the file .jcfg' : '; a comment begins with ;';
    throw configError(place(indent), `a setting is written name = value${hint}`);
  }
  const name = line.slice(indent, equals).trim();
  if (name === '') throw configError(place(indent), 'the name before "=" is missing');
  // `key => value` is the same.
  let from = line[equals + 1] === '>' ? equals + 2 : equals + 1;
  while (line[from] === ' ' || line[from] === '\t') from += 1;
  let to = from;
  while (to < line.length && line[to] !== ';') to += line[to] === '\\' ? 2 : 1;
  to = Math.min(to, line.length);
  while (to > from && /\s/.test(line[to - 1] ?? '')) to -= 1;
  const text = line.slice(from, to).replace(/\\([;#])/g, '$1');
  const quoted = /^"(.*)"$/.exec(text)?.[1];
  const span = { start: offset + from, end: offset + to };
  return {
    name,
    at: place(indent),
    span,
    whole: { start: offset + indent, end: span.end },
    value: { kind: 'string', value: quoted ?? text },
  };
}

// ---- writing ----------------------------------------------------------------------

/** Changes .cfg files. */
export const iniEditor: Editor = {
  putGroup(document, name, entries) {
    const { file, text } = document;
    if (!/^[^\][\n\r;#]+$/.test(name) || name.trim() !== name) {
      throw configError(
        { file, line: 1, column: 1 },
        `${JSON.stringify(name.slice(0, 60))} cannot be the name of a section`,
      );
    }
    const lines = Object.entries(entries).map(([key, value]) => {
      if (typeof value === 'object') {
        throw configError(
          { file, line: 1, column: 1 },
          `"${key}" cannot be written in this old format: rename the file to .jcfg and rewrite it`,
        );
      }
      return `${key} = ${writeScalar(file, value)}`;
    });
    const section = [`[${name}]`, ...lines].join('\n');
    const before = find(document, name);
    if (before !== undefined) return splice(text, [{ ...before.whole, by: section }]);
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}\n${section}\n`;
  },
  removeGroup(document, name) {
    const group = find(document, name);
    if (group?.value.kind !== 'group') return document.text;
    // Comments between the settings stay.
    const { text } = document;
    const head = { start: group.whole.start, end: text.indexOf(']', group.whole.start) + 1 };
    const spans = [head, ...group.value.settings.map(({ whole }) => whole)];
    return splice(
      text,
      spans.map((span) => ({ ...lineOf(text, span), by: '' })),
    );
  },
  changeGroup(document, name, changes) {
    const group = find(document, name);
    const { file, text } = document;
    if (group?.value.kind !== 'group') throw configError({ file, line: 1, column: 1 }, `there is no section [${name}]`);
    const parts: (Span & { by: string })[] = [];
    const added: string[] = [];
    for (const [key, value] of Object.entries(changes)) {
      const before = group.value.settings.find((setting) => setting.name === key);
      if (before === undefined && value !== undefined) added.push(`${key} = ${writeScalar(file, value)}\n`);
      else if (before !== undefined && value === undefined) parts.push({ ...lineOf(text, before.whole), by: '' });
      else if (before !== undefined && value !== undefined)
        parts.push({ ...before.span, by: writeScalar(file, value) });
    }
    if (added.length > 0) {
      const at = lineOf(text, { start: group.whole.end, end: group.whole.end }).end;
      const gap = at > 0 && text[at - 1] !== '\n' ? '\n' : '';
      parts.push({ start: at, end: at, by: gap + added.join('') });
    }
    return splice(text, parts);
  },
};

function find({ settings }: Document, name: string): Setting | undefined {
  return settings.find((setting) => setting.name === name && setting.value.kind === 'group');
}

/** The whole line, with a comment behind the value. */
function lineOf(text: string, { start, end }: Span): Span {
  const next = text.indexOf('\n', end);
  return { start: start === 0 ? 0 : text.lastIndexOf('\n', start - 1) + 1, end: next < 0 ? text.length : next + 1 };
}

function writeScalar(file: string, value: Scalar): string {
  if (typeof value !== 'string') return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);

  if (/[\x00-\x1f\x7f]|^\s|\s$|^".*"$|\\$|\\[;#]/.test(value)) {
    throw configError(
      { file, line: 1, column: 1 },
      `${JSON.stringify(value.slice(0, 40))} cannot be written in this old format`,
    );
  }
  return value.replace(/[;#]/g, '\\$&');
}
