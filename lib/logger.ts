import { closeSync, openSync, writeSync } from 'node:fs';
import { UsageError } from './errors.js';
import { option, readOptions } from './options.js';

/** `log('text')` or `log({ field: 1 }, 'text')`, as pino has it. */
export interface LogFunction {
  (message: string): void;
  (details: object, message?: string): void;
}

/**
 * Where the library writes what nobody asked for. A pino logger fits as it is.
 *
 * @example
 * const gateway = await Gateway.open({ logger: pino() });
 */
export interface Logger {
  trace: LogFunction;
  debug: LogFunction;
  info: LogFunction;
  warn: LogFunction;
  error: LogFunction;
}

/**
 * What can be changed of a logger while it runs. A logger that has these members
 * is steered by the admin API.
 */
export interface LogControl {
  /** The levels of Janus: 0 none, 1 fatal, 2 error, 3 warning, 4 info, 5 verbose, 6 huge, 7 debug. */
  level: number;
  /** Whether lines begin with the time. */
  timestamps: boolean;
  /** Whether levels are coloured. */
  colors: boolean;
}

/** Where a logger writes. One that has them as its `targets` is told of in `server_info`. */
export interface LogTargets {
  /** To the console of the process. */
  readonly console: boolean;
  /** To this file. */
  readonly file?: string;
}

/** What a logger says of where it writes; undefined: nothing. */
export function targetsOf(logger: Logger): LogTargets | undefined {
  const { targets } = logger as { targets?: Partial<LogTargets> };
  if (typeof targets?.console !== 'boolean') return undefined;
  return { console: targets.console, ...(typeof targets.file === 'string' ? { file: targets.file } : {}) };
}

/** From the most talkative to none at all. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** Says nothing. */
export const silentLogger: Logger = makeLogger('silent', () => undefined);

/**
 * Writes to stderr: time, level, text, then the details as JSON.
 *
 * @param level - the least important level that is written; default `warn`
 */
export function consoleLogger(
  level: LogLevel = 'warn',
  write: (line: string) => void = (line) => process.stderr.write(line),
): Logger & { readonly targets: LogTargets } {
  const logger = makeLogger(level, (name, message, details) => {
    const rest = details === undefined ? '' : ` ${describe(details)}`;
    write(`${new Date().toISOString()} ${name.padEnd(5)} headgate: ${message}${rest}\n`);
  });
  return { ...logger, targets: { console: true } };
}

/** What {@link LeveledLogger} takes. */
export interface LeveledLoggerOptions {
  /** Of Janus: 0 none, 1 fatal, 2 error, 3 warning, 4 info, 5 verbose, 6 huge, 7 debug. Default 4. */
  level?: number | undefined;
  /** Whether lines begin with the time. Default true. */
  timestamps?: boolean | undefined;
  /** Whether levels are coloured on the console. Default false. */
  colors?: boolean | undefined;
  /** Stands before each line. Default: nothing. */
  prefix?: string | undefined;
  /** Writes to stdout; or a function that does. Default true. */
  console?: boolean | ((line: string) => void) | undefined;
  /** A file that lines are added to. */
  file?: string | undefined;
  /** A file that gets each entry as a line of JSON, for machines. */
  jsonFile?: string | undefined;
}

// What is of which level of Janus, how it is written, and its ANSI colour.
const NAMES = {
  error: { level: 2, word: 'ERR', color: 31 },
  warn: { level: 3, word: 'WARN', color: 33 },
  info: { level: 4, word: 'INFO', color: 0 },
  debug: { level: 5, word: 'VERB', color: 0 },
  trace: { level: 6, word: 'HUGE', color: 0 },
} as const;

/** What a line is about, in the order in which it is written. */
const CONTEXT = ['session', 'handle', 'mountpoint', 'plugin', 'mid'] as const;

/**
 * A logger for a program of its own: to the console, to a file, and to a file for
 * machines; with the levels of Janus, which can be changed while it runs.
 *
 * @example
 * const logger = new LeveledLogger({ level: 4, file: '/tmp/headgate.log' });
 * process.on('SIGHUP', () => logger.reopen());
 */
export class LeveledLogger implements Logger, LogControl {
  timestamps: boolean;
  colors: boolean;
  readonly targets: LogTargets;
  readonly #prefix: string;
  readonly #console: ((line: string) => void) | undefined;
  readonly #file: LogFile | undefined;
  readonly #jsonFile: LogFile | undefined;
  #level: number;

  /**
   * @throws {@link UsageError} `HG_ERR_OPTION`; `HG_ERR_LOG` if a file cannot be written
   */
  constructor(options: LeveledLoggerOptions = {}) {
    const text = option.optional(option.string());
    const values = readOptions('LeveledLogger', options, {
      level: option.integer({ min: 0, max: 7, default: 4 }),
      timestamps: option.boolean({ default: true }),
      colors: option.boolean({ default: false }),
      prefix: option.string({ default: '' }),
      console: { read: (_path: string, value: unknown) => value as boolean | ((line: string) => void) | undefined },
      file: text,
      jsonFile: text,
    });
    this.#level = values.level;
    this.timestamps = values.timestamps;
    this.colors = values.colors;
    this.#prefix = values.prefix;
    const { console = true } = values;
    if (console !== false) this.#console = console === true ? (line) => process.stdout.write(line) : console;
    this.targets = { console: console !== false, ...(values.file === undefined ? {} : { file: values.file }) };
    if (values.file !== undefined) this.#file = new LogFile(values.file);
    if (values.jsonFile !== undefined) this.#jsonFile = new LogFile(values.jsonFile);
  }

  get level(): number {
    return this.#level;
  }
  set level(level: number) {
    this.#level = Math.max(0, Math.min(7, Math.trunc(level)));
  }

  /** Lines that no file took: the disk is full, for instance. */
  get lost(): number {
    return (this.#file?.lost ?? 0) + (this.#jsonFile?.lost ?? 0);
  }

  readonly trace: LogFunction = (first: string | object, second?: string) => this.#log('trace', first, second);
  readonly debug: LogFunction = (first: string | object, second?: string) => this.#log('debug', first, second);
  readonly info: LogFunction = (first: string | object, second?: string) => this.#log('info', first, second);
  readonly warn: LogFunction = (first: string | object, second?: string) => this.#log('warn', first, second);
  readonly error: LogFunction = (first: string | object, second?: string) => this.#log('error', first, second);

  /** Opens the files anew, by their names: what rotates logs has renamed them. A file that cannot be opened stays as it is. */
  reopen(): void {
    for (const file of [this.#file, this.#jsonFile]) {
      const problem = file?.reopen();
      if (problem !== undefined) this.warn({ err: problem }, `the log file ${file?.path ?? ''} cannot be opened anew`);
    }
  }

  /** Closes the files; what is logged then goes to the console alone. */
  close(): void {
    this.#file?.close();
    this.#jsonFile?.close();
  }

  #log(name: keyof typeof NAMES, first: string | object, second: string | undefined): void {
    if (NAMES[name].level > this.#level) return;
    const [message, details] = typeof first === 'string' ? [first, {}] : [second ?? '', first];
    const time = new Date().toISOString();
    this.#file?.write(this.#line(name, time, message, details, false));
    this.#jsonFile?.write(`${describe({ time, level: name, message, ...details })}\n`);
    this.#console?.(this.#line(name, time, message, details, this.colors));
  }

  #line(name: keyof typeof NAMES, time: string, message: string, details: object, colors: boolean): string {
    const { word, color } = NAMES[name];
    const rest: Record<string, unknown> = { ...details };
    const context: string[] = [];
    for (const key of CONTEXT) {
      if (!(key in rest)) continue;
      context.push(`${key} ${typeof rest[key] === 'string' ? rest[key] : describe(rest[key] as object)}`);
      delete rest[key];
    }
    const parts = [
      this.timestamps ? `[${time}]` : '',
      colors && color !== 0 ? `\x1b[${String(color)}m[${word}]\x1b[0m` : `[${word}]`,
      context.length > 0 ? `[${context.join(', ')}]` : '',
      message,
      Object.keys(rest).length > 0 ? describe(rest) : '',
    ];
    return `${this.#prefix}${oneLine(parts.filter((part) => part !== '').join(' '))}\n`;
  }
}

/** What clients sent may be in a message: it must not look like lines of its own. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]/g, ' ');
}

/** A file that lines are added to, at once: what was logged before a crash is there. */
class LogFile {
  readonly path: string;
  lost = 0;
  #descriptor: number | null;

  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, 'a', 0o640);
    } catch (error) {
      throw new UsageError('HG_ERR_LOG', { path, reason: (error as Error).message }, { cause: error });
    }
  }

  write(line: string): void {
    if (this.#descriptor === null) return;
    try {
      writeSync(this.#descriptor, line);
    } catch {
      this.lost += 1;
    }
  }

  reopen(): unknown {
    try {
      const next = openSync(this.path, 'a', 0o640);
      this.close();
      this.#descriptor = next;
      return undefined;
    } catch (error) {
      return error;
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

function makeLogger(
  level: LogLevel,
  write: (name: string, message: string, details: object | undefined) => void,
): Logger {
  const from = level === 'silent' ? LEVELS.length : LEVELS.indexOf(level);
  const functions = LEVELS.map((name, index): LogFunction => {
    if (index < from) return () => undefined;
    return (first: string | object, second?: string) => {
      if (typeof first === 'string') write(name, first, undefined);
      else write(name, second ?? '', first);
    };
  });
  return Object.fromEntries(LEVELS.map((name, index) => [name, functions[index]])) as unknown as Logger;
}

function describe(details: object): string {
  try {
    // Errors have no enumerable members, and pino users pass them as `err`.
    return JSON.stringify(details, (_key, value: unknown) => {
      if (value instanceof Error) return value.stack ?? value.message;
      return typeof value === 'bigint' ? String(value) : value;
    });
  } catch {
    return '[details that are no JSON]';
  }
}
