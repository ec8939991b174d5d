/** A row of the table of settings, and words for writing them. */

/** The files of a folder, without `.jcfg` or `.cfg`. */
export type FileName =
  | 'janus'
  | 'janus.transport.http'
  | 'janus.transport.websockets'
  | 'janus.transport.pfunix'
  | 'janus.plugin.streaming'
  | 'janus.plugin.echotest'
  | 'janus.logger.jsonlog'
  | 'janus.eventhandler.sampleevh';

/**
 * What becomes of a setting: it is `supported`; it is of `no use` here, for a
 * reason that is named; it is `not supported yet`; or it is `deprecated`, and
 * works, but another one should be used.
 */
export type Kind = 'supported' | 'no use' | 'not supported yet' | 'deprecated';

/** How a value is read. Numbers may be texts; booleans may be yes, no, true, false, on, off, 1 and 0. */
export type Type =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'port'
  /** Seconds in the file, milliseconds in the option. */
  | 'seconds'
  | 'milliseconds'
  /** `"20000-40000"` */
  | 'port range'
  /** `"a,b"`, or an array. */
  | 'list'
  /** `"sessions,handles"`, or `"all"`. */
  | 'event kinds'
  /** Of HTTP. */
  | 'URL'
  /** Lists of groups, which are read with their own rows. */
  | 'groups'
  /** Anything: nobody reads it. */
  | 'any'
  | readonly string[];

/** A row of the table. */
export interface Row {
  readonly file: FileName;
  /** `group.setting`; `*` is a group of any name, `media[]` stands for each group of a list. */
  readonly path: string;
  readonly type: Type;
  readonly kind: Kind;
  /** Where it goes in `Settings`; for a mountpoint, the field of the streaming plugin's `create`. */
  readonly to?: string;
  /** Why it is of no use, or what to write instead; for people. */
  readonly note?: string;
  /** With this value nothing needs to be said: headgate does just that. `*`: whatever the value. */
  readonly silent?: string | number | boolean;
  /** This value is the same as none. */
  readonly none?: number;
  /** A lower value is raised to this. */
  readonly atLeast?: number;
  readonly min?: number;
  readonly max?: number;
  /** It keeps people out: empty, it is warned of. */
  readonly guards?: boolean;
  /** Never shown in what is printed. */
  readonly secret?: boolean;
}

/** What a row has besides. */
export type Rest = Omit<Row, 'file' | 'path' | 'type' | 'kind'>;
/** A row of a file; a text alone is where it goes, or why it does not. */
export type Line = readonly [path: string, type: Type, kind: Kind, rest?: Rest | string];

/** The rows of one file. */
export function rows(file: FileName, lines: readonly Line[]): Row[] {
  return lines.map(([path, type, kind, rest]) => ({
    file,
    path,
    type,
    kind,
    ...(typeof rest === 'string' ? (kind === 'supported' ? { to: rest } : { note: rest }) : rest),
  }));
}

export const OK: Kind = 'supported';
export const NO_USE: Kind = 'no use';
export const LATER: Kind = 'not supported yet';
export const OLD: Kind = 'deprecated';

/** How JSON may be written. */
export const JSON_CHOICES = ['indented', 'plain', 'compact'] as const;
