/**
 * Configuration files, in both forms. An input is the text of a file and, as its
 * last byte, which file it is. What it says is read, and changed as `permanent: true` does.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { iniEditor, parseIni } from '../../../lib/config/ini.js';
import { libconfigEditor, parseLibconfig } from '../../../lib/config/libconfig.js';
import { readConfiguration } from '../../../lib/config/read.js';
import type { Document, Editor, Item } from '../../../lib/config/tree.js';
import { UsageError } from '../../../lib/errors.js';

const FILES = [
  'janus',
  'janus.plugin.streaming',
  'janus.transport.http',
  'janus.transport.websockets',
  'janus.transport.pfunix',
  'janus.logger.jsonlog',
];
const FORMS: readonly { ending: string; editor: Editor; parse: (text: string) => Document }[] = [
  { ending: 'jcfg', editor: libconfigEditor, parse: (text) => parseLibconfig('a.jcfg', text, () => 'z = 1') },
  { ending: 'cfg', editor: iniEditor, parse: (text) => parseIni('a.cfg', text) },
];
const CHANGES = { description: 'new "one" \\ é', is_private: true, secret: undefined, id: 3_000_000_000 };

const folder = mkdtempSync(join(tmpdir(), 'headgate-fuzz-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

/** @throws what is neither a document nor a {@link UsageError} with a place */
export function fuzz(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  const choice = input.at(-1) ?? 0;
  for (const { editor, parse } of FORMS) {
    take(() => {
      change(parse(text), editor, parse);
    });
  }
  const name = FILES[choice % FILES.length] ?? '';
  const form = FORMS[(choice >> 4) % FORMS.length];
  const main = join(folder, `janus.${form?.ending ?? ''}`);
  const file = join(folder, `${name}.${form?.ending ?? ''}`);
  writeFileSync(main, '');
  // An included file is one of ours, if there is one at all.
  writeFileSync(file, text.replaceAll('@include', '@Include'));
  take(() => {
    readConfiguration({ folder });
  });
  rmSync(file);
  rmSync(main, { force: true });
}

/** Each group, changed: the others are as they were, and it has what it was given. */
function change(document: Document, editor: Editor, parse: (text: string) => Document): void {
  for (const { name, value, at } of document.settings) {
    if (value.kind !== 'group' || at.file !== document.file) continue;
    let text = '';
    if (!take(() => (text = editor.changeGroup(document, name, CHANGES)))) continue;
    const after = parse(text);
    const got = plain(after);
    const wanted = plain(document);
    Object.assign(wanted[name] as object, JSON.parse(JSON.stringify(plainOf(CHANGES, editor))));
    delete (wanted[name] as { secret?: unknown }).secret;
    if (JSON.stringify(sorted(got)) !== JSON.stringify(sorted(wanted))) {
      throw new Error(`${name} was changed to ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
    }
  }
}

/** What the changes are when they are read: the old form has text only. */
function plainOf(changes: typeof CHANGES, editor: Editor): object {
  if (editor === libconfigEditor) return changes;
  const { description, id } = changes;
  return { description, is_private: 'yes', id: String(id) };
}

function plain({ settings }: Document): Record<string, unknown> {
  return Object.fromEntries(settings.map((setting) => [setting.name, valueOf(setting)]));
}

function valueOf({ value }: Item): unknown {
  if ('settings' in value) return Object.fromEntries(value.settings.map((setting) => [setting.name, valueOf(setting)]));
  return 'items' in value ? value.items.map(valueOf) : value.value;
}

/** By name, at every level. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.entries(value)
    .map(([name, inner]) => [name, sorted(inner)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

/** False if it was refused. */
function take(play: () => void): boolean {
  try {
    play();
    return true;
  } catch (error) {
    if (!(error instanceof UsageError) || !/^[^:]+:\d+:\d+: /.test(error.message)) throw error;
    return false;
  }
}
