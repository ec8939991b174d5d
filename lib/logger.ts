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
): Logger {
  return makeLogger(level, (name, message, details) => {
    const rest = details === undefined ? '' : ` ${describe(details)}`;
    write(`${new Date().toISOString()} ${name.padEnd(5)} headgate: ${message}${rest}\n`);
  });
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
