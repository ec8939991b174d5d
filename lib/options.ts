import { UsageError } from './errors.js';

/** Reads one option; made by the functions of {@link option}. */
export interface Option<T> {
  /** `path` names the option in errors; `value` is undefined when it was not given. */
  read(path: string, value: unknown): T;
}

/** What options an object takes. */
export type OptionSpec = Record<string, Option<unknown>>;

/** The values that come out of a spec. */
export type OptionValues<Spec extends OptionSpec> = {
  [Name in keyof Spec]: Spec[Name] extends Option<infer T> ? T : never;
};

/**
 * Reads an options object once, at the entrance. An unknown key is an error:
 * it is a typing mistake far more often than anything else.
 *
 * @param where - how errors name the object, for instance `Gateway.open`
 * @throws {@link UsageError} `HG_ERR_OPTION`
 * @example
 * const { name } = readOptions('lamp', { name: 'desk' }, { name: option.string() });
 */
export function readOptions<Spec extends OptionSpec>(where: string, given: unknown, spec: Spec): OptionValues<Spec> {
  const source = given === undefined ? {} : given;
  if (!isRecord(source)) throw optionError(where, `an object with options`, source);
  for (const key of Object.keys(source)) {
    if (!Object.hasOwn(spec, key)) {
      const known = Object.keys(spec).join(', ');
      throw new UsageError('HG_ERR_OPTION', {
        option: `${where}.${key}`,
        problem: `there is no such option; there are ${known}`,
      });
    }
  }
  const values: Record<string, unknown> = {};
  for (const [key, reader] of Object.entries(spec)) {
    values[key] = reader.read(`${where}.${key}`, Object.hasOwn(source, key) ? source[key] : undefined);
  }
  return values as OptionValues<Spec>;
}

/** The error of an option whose value is not what it must be. */
export function optionError(path: string, expected: string, got: unknown): UsageError<'HG_ERR_OPTION'> {
  return new UsageError('HG_ERR_OPTION', {
    option: path,
    problem: `expected ${expected}, got ${show(got)}`,
  });
}

interface Default<T> {
  default: T;
}

/** A reader of numbers between two bounds, whole ones if `whole`. */
interface Bounds {
  min?: number;
  max?: number;
}

/**
 * Why a text is no URL of an HTTP server; undefined: it is one.
 *
 * @param home - where user and password belong, since here is not the place
 */
export function problemOfHttpUrl(text: string, home: string): string | undefined {
  if (!URL.canParse(text)) return 'expected an absolute URL';
  const { protocol, username, password } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return 'expected http: or https:';
  return username + password === '' ? undefined : `a user and a password belong in ${home}`;
}

/** A value as an error shows it: short, with its type visible. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${String(value)}n`;
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? `an array of ${String(value.length)}` : 'an object';
  }
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function make<T>(expected: string, accepts: (value: unknown) => boolean, fallback: Default<T> | undefined): Option<T> {
  return {
    read(path, value) {
      if (value === undefined && fallback !== undefined) return fallback.default;
      if (!accepts(value)) throw optionError(path, expected, value);
      return value as T;
    },
  };
}

function bounded(kind: string, { min = -Infinity, max = Infinity }: Bounds): string {
  if (min > -Infinity && max < Infinity) return `${kind} from ${String(min)} to ${String(max)}`;
  if (min > -Infinity) return `${kind} of at least ${String(min)}`;
  return max < Infinity ? `${kind} of at most ${String(max)}` : kind;
}

function within(value: unknown, { min = -Infinity, max = Infinity }: Bounds): value is number {
  return typeof value === 'number' && value >= min && value <= max;
}

/**
 * Readers for {@link readOptions}. One without `default` must be given, unless
 * it is wrapped in `optional`.
 */
export const option = {
  string(settings?: Partial<Default<string>> & { pattern?: RegExp; expected?: string }): Option<string> {
    const { pattern, expected = pattern ? `a string like ${String(pattern)}` : 'a string' } = settings ?? {};
    return make(expected, (value) => typeof value === 'string' && (pattern?.test(value) ?? true), defaultOf(settings));
  },
  boolean(settings?: Partial<Default<boolean>>): Option<boolean> {
    return make('true or false', (value) => typeof value === 'boolean', defaultOf(settings));
  },
  integer(settings: Partial<Default<number>> & Bounds = {}): Option<number> {
    return make(
      bounded('a whole number', settings),
      (value) => Number.isSafeInteger(value) && within(value, settings),
      defaultOf(settings),
    );
  },
  number(settings: Partial<Default<number>> & Bounds = {}): Option<number> {
    return make(bounded('a number', settings), (value) => within(value, settings), defaultOf(settings));
  },
  oneOf<const T extends string | number | boolean>(choices: readonly T[], settings?: Partial<Default<T>>): Option<T> {
    return make(`one of ${choices.map(show).join(', ')}`, (value) => choices.includes(value as T), defaultOf(settings));
  },
  /** `[lowest, highest]`, both usable ports. */
  portRange(settings?: Partial<Default<readonly [number, number]>>): Option<readonly [number, number]> {
    const port = (value: unknown) => Number.isSafeInteger(value) && within(value, { min: 1, max: 65535 });
    return make(
      '[lowest, highest] with ports from 1 to 65535',
      (value) =>
        Array.isArray(value) && value.length === 2 && value.every(port) && (value[0] as number) <= (value[1] as number),
      defaultOf(settings),
    );
  },
  list<T>(of: Option<T>, settings?: Partial<Default<readonly T[]>>): Option<readonly T[]> {
    return {
      read(path, value) {
        if (value === undefined && settings?.default !== undefined) return settings.default;
        if (!Array.isArray(value)) throw optionError(path, 'an array', value);
        return value.map((item, index) => of.read(`${path}[${String(index)}]`, item));
      },
    };
  },
  /** Options within options. Not given is the same as `{}`. */
  object<Spec extends OptionSpec>(spec: Spec): Option<OptionValues<Spec>> {
    return { read: (path, value) => readOptions(path, value, spec) };
  },
  /** An object with these methods, such as a logger. */
  withMethods<T extends object>(
    expected: string,
    methods: readonly (keyof T & string)[],
    settings?: Partial<Default<T>>,
  ): Option<T> {
    return make(
      expected,
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
      defaultOf(settings),
    );
  },
  function<T>(settings?: Partial<Default<T>>): Option<T> {
    return make('a function', (value) => typeof value === 'function', defaultOf(settings));
  },
  /** May be left out, and is undefined then. */
  optional<T>(of: Option<T>): Option<T | undefined> {
    return { read: (path, value) => (value === undefined ? undefined : of.read(path, value)) };
  },
};

function defaultOf<T>(settings: Partial<Default<T>> | undefined): Default<T> | undefined {
  return settings?.default === undefined ? undefined : { default: settings.default };
}
