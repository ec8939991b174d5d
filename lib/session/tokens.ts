import { createHash } from 'node:crypto';

/** A stored token, as `list_tokens` shows it. */
export interface StoredToken {
  readonly token: string;
  /** Package names of the plugins that it may attach to. */
  readonly plugins: readonly string[];
}

/**
 * The tokens that clients may show instead of the API secret; the application
 * and the admin API change them.
 *
 * @example
 * const gateway = await Gateway.open({ tokenAuth: true });
 * gateway.tokens.add('a1b2c3', ['janus.plugin.streaming']);
 */
export interface TokenStore {
  /** Adds a token, or more plugins to one that is known. Returns the plugins it is good for now. */
  add(token: string, plugins: readonly string[]): readonly string[];
  /** Undefined if there is no such token. */
  allow(token: string, plugins: readonly string[]): readonly string[] | undefined;
  /** Undefined if there is no such token. */
  disallow(token: string, plugins: readonly string[]): readonly string[] | undefined;
  /** False if there was none. What its clients have attached to already stays. */
  remove(token: string): boolean;
  list(): readonly StoredToken[];
  /** The plugins a token is good for; undefined if there is no such token. */
  pluginsOf(token: string): readonly string[] | undefined;
}

/** Tokens in memory: they are gone with the process. */
export class MemoryTokens implements TokenStore {
  /** By their hash: how long it takes to find none tells nothing about those there are. */
  readonly #tokens = new Map<string, { token: string; plugins: Set<string> }>();

  add(token: string, plugins: readonly string[]): readonly string[] {
    const hash = hashOf(token);
    const stored = this.#tokens.get(hash) ?? { token, plugins: new Set<string>() };
    this.#tokens.set(hash, stored);
    for (const plugin of plugins) stored.plugins.add(plugin);
    return [...stored.plugins];
  }

  allow(token: string, plugins: readonly string[]): readonly string[] | undefined {
    return this.#tokens.has(hashOf(token)) ? this.add(token, plugins) : undefined;
  }

  disallow(token: string, plugins: readonly string[]): readonly string[] | undefined {
    const stored = this.#tokens.get(hashOf(token));
    for (const plugin of plugins) stored?.plugins.delete(plugin);
    return stored && [...stored.plugins];
  }

  remove(token: string): boolean {
    return this.#tokens.delete(hashOf(token));
  }

  list(): readonly StoredToken[] {
    return [...this.#tokens.values()].map(({ token, plugins }) => ({ token, plugins: [...plugins] }));
  }

  pluginsOf(token: string): readonly string[] | undefined {
    const stored = this.#tokens.get(hashOf(token));
    return stored && [...stored.plugins];
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
