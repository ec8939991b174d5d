/**
 * What a request's body must look like. Fields are checked in the order they
 * are written, and the first that is wrong is reported.
 */

/** A check of one field. */
export interface Check<T> {
  /** What errors say was expected: `a string`. */
  readonly expected: string;
  readonly optional: boolean;
  /** What an absent optional field counts as. */
  readonly fallback?: T;
  accepts(value: unknown): boolean;
}

/** A {@link Check} whose field may be absent. */
export interface OptionalCheck<T> extends Check<T> {
  readonly optional: true;
}

/** Field → check, in the order in which they are checked. */
export type Shape = Record<string, Check<unknown>>;

/** What a body of this shape is in TypeScript. */
export type Shaped<S extends Shape> = {
  -readonly [Name in keyof S]: S[Name] extends Check<infer T> ? T : never;
};

/** The first field that is not as the shape wants it. */
export interface Misfit {
  problem: 'missing' | 'invalid';
  field: string;
  /** For people; names the field and what was expected. */
  text: string;
}

/**
 * Checks a body. The result holds the fields of the shape and no others.
 *
 * JSON `null` is a value of the wrong type, not an absent field.
 */
export function fit<S extends Shape>(
  shape: S,
  body: Readonly<Record<string, unknown>>,
): { body: Shaped<S>; misfit?: never } | { body?: never; misfit: Misfit } {
  const fitted: Record<string, unknown> = {};
  for (const [field, check] of Object.entries(shape)) {
    const value = Object.hasOwn(body, field) ? body[field] : undefined;
    if (value === undefined) {
      if (!check.optional) {
        const text = `"${field}" is missing: it must be ${check.expected}`;
        return { misfit: { problem: 'missing', field, text } };
      }
      fitted[field] = check.fallback;
    } else if (check.accepts(value)) {
      fitted[field] = value;
    } else {
      const text = `"${field}" must be ${check.expected}`;
      return { misfit: { problem: 'invalid', field, text } };
    }
  }
  return { body: fitted as Shaped<S> };
}

function check<T>(expected: string, accepts: (value: unknown) => boolean): Check<T> {
  return { expected, accepts, optional: false };
}

export const string = check<string>('a string', (value) => typeof value === 'string');
/** `true` or `false`; numbers do not count. */
export const boolean = check<boolean>('true or false', (value) => typeof value === 'boolean');
/** A whole number that a double holds exactly; 1.5 is none. */
export const integer = check<number>('an integer', (value) => Number.isSafeInteger(value));
/** What Janus calls positive: zero is accepted. */
export const positiveInteger = check<number>(
  'an integer of at least 0',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);
/** A whole number with bounds. */
export function integerFrom(min: number, max: number): Check<number> {
  return check(
    `an integer from ${String(min)} to ${String(max)}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  );
}
export const array = check<unknown[]>('an array', (value) => Array.isArray(value));
export const object = check<Record<string, unknown>>('an object', isObject);
/** Anything, `null` too. */
export const any = check<unknown>('any value', () => true);

/** An array whose items all pass. */
export function arrayOf<T>(item: Check<T>): Check<T[]> {
  return check(
    `an array in which each item is ${item.expected}`,
    (value) => Array.isArray(value) && value.every((element) => item.accepts(element)),
  );
}

/** The one or the other, for instance an id that may be a number or a string. */
export function either<A, B>(a: Check<A>, b: Check<B>): Check<A | B> {
  return check(`${a.expected} or ${b.expected}`, (value) => a.accepts(value) || b.accepts(value));
}

/** May be absent; is `fallback` then. */
export function optional<T>(of: Check<T>): OptionalCheck<T | undefined>;
export function optional<T>(of: Check<T>, fallback: T): OptionalCheck<T>;
export function optional<T>(of: Check<T>, fallback?: T): OptionalCheck<T | undefined> {
  return { expected: of.expected, accepts: of.accepts, optional: true, fallback };
}

/** A JSON object: neither `null` nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
