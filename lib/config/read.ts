/** Reads a configuration folder of Janus: its files, by the table, into typed settings. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { checkSettings } from './checks.js';
import { parseIni } from './ini.js';
import { parseLibconfig } from './libconfig.js';
import { readMountpoints } from './mountpoints.js';
import type { Configuration, ConfiguredMountpoint, Problem, Settings, Severity } from './settings.js';
import { OTHER_FILES, TABLE, type FileName, type OtherFile, type Row } from './table/index.js';
import { configError, type Document, type Item, type Place, type Setting } from './tree.js';
import { nearest, readValue } from './values.js';

/** Where a configuration is. */
export interface ConfigurationSource {
  /** The folder, as `/etc/janus`. */
  folder?: string | undefined;
  /** The main file, instead of the folder's `janus.jcfg`. */
  file?: string | undefined;
}

/**
 * Reads a folder as it is: files `janus*.jcfg`, or in the older form `janus*.cfg`
 * where there is none. What is wrong inside becomes problems; nothing is thrown for it.
 *
 * @throws {@link UsageError} `HG_ERR_CONFIG` if the folder or its main file is not there
 */
export function readConfiguration(source: ConfigurationSource): Configuration {
  return new Reader().read(source);
}

/** The text of a file, and its form by the ending of its name. */
export function parseFile(file: string): Document {
  const text = readText(file);
  return file.endsWith('.cfg')
    ? parseIni(file, text)
    : parseLibconfig(file, text, (path) => readFileSync(path, 'utf8'));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw configError({ file, line: 1, column: 1 }, `cannot be read: ${(error as Error).message}`);
  }
}

/** What reads one file after the other has in common. */
export class Reader {
  readonly settings: Settings = {};
  readonly #problems: Problem[] = [];
  readonly #places = new Map<string, Place>();

  read({ folder, file }: ConfigurationSource): Configuration {
    const files: string[] = [];
    if (file !== undefined) {
      files.push(file);
      readText(file);
      this.#readKnown('janus', file);
    }
    const place = folder ?? this.settings.configsFolder ?? (file === undefined ? '.' : dirname(resolve(file)));
    const found = listFolder(place);
    if (file === undefined && !found.has('janus')) {
      throw configError(
        { file: place, line: 1, column: 1 },
        'there is no janus.jcfg: give the folder with -F, or the file with -C',
      );
    }
    if (file !== undefined) found.delete('janus');
    let mountpoints: readonly ConfiguredMountpoint[] = [];
    for (const [name, path] of found) {
      files.push(path);
      if (TABLE.some((row) => row.file === name)) {
        const document = this.#readKnown(name as FileName, path);
        if (name === STREAMING && document !== undefined) mountpoints = readMountpoints(this, document);
      } else {
        this.#nameOther(name, path);
      }
    }
    this.#readWhole();
    return {
      settings: this.settings,
      mountpoints: this.settings.gateway?.streaming === false ? [] : mountpoints,
      problems: this.#problems,
      files,
      mountpointFile: found.get(STREAMING) ?? join(place, `${STREAMING}.jcfg`),
      placeOf: this.placeOf,
    };
  }

  readonly report = (severity: Severity, at: Place, text: string): void => {
    this.#problems.push({ severity, at, text });
  };

  readonly placeOf = (path: string): Place | undefined => this.#places.get(path);

  /** Reads a value by its row; says what has to be said. Undefined if it has no effect. */
  readSetting(setting: Item & { readonly name: string }, row: Row): unknown {
    const reading = readValue(setting, row);
    if ('expected' in reading) {
      this.report('error', setting.at, `"${setting.name}" must be ${reading.expected}${shown(setting, row)}`);
      return undefined;
    }
    const { kind, silent, note, guards } = row;
    const isSilent =
      silent === '*' ||
      reading.value === (row.type === 'seconds' && typeof silent === 'number' ? silent * 1000 : silent);
    if (kind !== 'supported' && !isSilent) {
      const because = note === undefined ? '' : `: ${note}`;
      const what = {
        'no use': 'has no effect',
        'not supported yet': 'is not supported yet',
        deprecated: 'is deprecated',
      };
      this.report(kind, setting.at, `"${setting.name}" ${what[kind]}${because}`);
    }
    if (guards === true && reading.value === '') {
      const remedy = 'write a secret, or remove the line';
      this.report('warning', setting.at, `"${setting.name}" is empty, which is the same as none: ${remedy}`);
    }
    return kind === 'supported' || kind === 'deprecated' ? reading.value : undefined;
  }

  /** A name that the table does not have. */
  unknown({ name, at }: Setting, known: readonly string[], what: string): void {
    const meant = nearest(name, known);
    if (meant !== undefined) this.report('error', at, `${what} "${name}": did you mean "${meant}"?`);
    else this.report('not supported yet', at, `${what} "${name}" that is known here; it has no effect`);
  }

  #readKnown(name: FileName, path: string): Document | undefined {
    let document: Document;
    try {
      document = parseFile(path);
    } catch (error) {
      this.#reportError(error);
      return undefined;
    }
    for (const { at, text } of document.doubts ?? []) this.report('warning', at, text);
    const rows = TABLE.filter((row) => row.file === name);
    const groups = [...new Set(rows.map((row) => groupOf(row)))];
    for (const group of document.settings) {
      if (group.value.kind !== 'group') {
        const home = rows.find((row) => row.path.endsWith(`.${group.name}`));
        if (home !== undefined) {
          this.report(
            'error',
            group.at,
            `"${group.name}" stands outside of all groups: put it into "${groupOf(home)}"`,
          );
        } else {
          this.unknown(group, groups, 'there is no group');
        }
      } else if (groups.includes(group.name)) {
        this.#readGroup(group.name, group.value.settings, rows);
      } else if (!groups.includes('*')) {
        this.unknown(group, groups, 'there is no group');
      }
    }
    return document;
  }

  #readGroup(group: string, settings: readonly Setting[], rows: readonly Row[]): void {
    const ofGroup = rows.filter((row) => groupOf(row) === group);
    for (const setting of settings) {
      const row = ofGroup.find(({ path }) => path === `${group}.${setting.name}`);
      if (row === undefined) {
        this.unknown(
          setting,
          ofGroup.map(({ path }) => path.slice(group.length + 1)),
          `"${group}" has no setting`,
        );
        continue;
      }
      const value = this.readSetting(setting, row);
      // An empty text is what people write for none.
      const isEmpty =
        value === undefined ||
        value === '' ||
        value === row.none ||
        (row.type === 'list' && Array.isArray(value) && value.length === 0);
      if (!isEmpty && row.to !== undefined) this.#put(row.to, value, setting.at);
    }
  }

  #put(path: string, value: unknown, at: Place): void {
    this.#places.set(path, at);
    const names = path.split('.');
    const last = names.pop() ?? '';
    let target = this.settings as Record<string, unknown>;
    for (const name of names) target = (target[name] ??= {}) as Record<string, unknown>;
    target[last] = value;
  }

  // ---- what has to be known of the whole --------------------------------------------

  #readWhole(): void {
    this.#takeOutDisabled();
    const { media } = this.settings.gateway ?? {};
    // Named by itself, as people do who try things on one machine.
    if (media?.interfaces?.some((name) => /^(lo$|127\.|::1$)/.test(name)) === true) media.allowLoopback = true;
    const { settings, report, placeOf } = this;
    checkSettings({ settings, report, placeOf });
  }

  /** What is disabled is taken out again. */
  #takeOutDisabled(): void {
    const { settings } = this;
    const has = (list: readonly string[] | undefined, name: string): boolean =>
      list?.includes(`libjanus_${name}.so`) === true;
    const { disabledPlugins, disabledTransports, disabledLoggers, disabledEventHandlers } = settings;
    for (const name of ['streaming', 'echotest'] as const) {
      if (has(disabledPlugins, name)) settings.gateway = { ...settings.gateway, [name]: false };
    }
    const transports = {
      http: ['http', 'adminHttp'],
      websockets: ['webSocket', 'adminWebSocket'],
      pfunix: ['unix', 'adminUnix'],
    } as const;
    for (const [name, members] of Object.entries(transports)) {
      for (const member of members) if (has(disabledTransports, name)) delete settings[member];
    }
    if (has(disabledLoggers, 'jsonlog') && settings.log !== undefined) delete settings.log.jsonEnabled;
    if (has(disabledEventHandlers, 'sampleevh')) delete settings.webhook;
  }

  // ---- other files --------------------------------------------------------------------

  #nameOther(name: string, path: string): void {
    const other = OTHER_FILES.find(
      ({ file }) => file === name || (file.endsWith('*') && name.startsWith(file.slice(0, -1))),
    );
    if (other === undefined) return;
    const at = { file: path, line: 1, column: 1 };
    const { isOn, names } = contents(other, path);
    if (!isOn) {
      this.report('no use', at, `this file turns nothing on (${other.what}, not supported yet)`);
      return;
    }
    const what = names.length === 0 ? '' : `: ${names.join(', ')}`;
    this.report('not supported yet', at, `not supported yet: ${other.what}; this file has no effect${what}`);
  }

  #reportError(error: unknown): void {
    if (!(error instanceof UsageError)) throw error;
    const { file, line, column, problem } = error.details;
    this.report('error', { file: String(file), line: Number(line), column: Number(column) }, String(problem));
  }
}

const STREAMING = 'janus.plugin.streaming';

function groupOf({ path }: Row): string {
  return path.slice(0, path.indexOf('.'));
}

/** What was given, unless it is secret. */
function shown({ value }: Item, { secret }: Row): string {
  if (secret === true || !('value' in value)) return '';
  return `, not ${JSON.stringify(value.value).slice(0, 80)}`;
}

/** Name without ending → path, `.jcfg` before `.cfg`, the main file first. */
function listFolder(folder: string): Map<string, string> {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    throw configError({ file: folder, line: 1, column: 1 }, `the folder cannot be read: ${(error as Error).message}`);
  }
  const found = new Map<string, string>();
  for (const ending of ['.jcfg', '.cfg']) {
    for (const name of names) {
      const base = name.slice(0, -ending.length);
      if (name.endsWith(ending) && /^janus($|\.)/.test(base) && !found.has(base)) found.set(base, join(folder, name));
    }
  }
  return new Map([...found].sort(([a], [b]) => Number(b === 'janus') - Number(a === 'janus')));
}

/** Whether a file that has no effect would have had one, and its rooms and the like. */
function contents(other: OtherFile, path: string): { isOn: boolean; names: string[] } {
  let document: Document;
  try {
    document = parseFile(path);
  } catch {
    // Janus cannot read it either.
    return { isOn: other.always, names: [] };
  }
  const names = document.settings.map(({ name }) => name).filter((name) => name !== 'general' && name !== 'admin');
  const isOn = document.settings.some(
    ({ value }) =>
      value.kind === 'group' &&
      value.settings.some(
        ({ name, value: on }) =>
          /(^|_)enabled$/.test(name) && 'value' in on && /^(true|yes|on|1)$/i.test(String(on.value)),
      ),
  );
  return { isOn: other.always || isOn, names: other.always ? names : [] };
}
