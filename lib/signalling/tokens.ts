/** A stored token, as `list_tokens` shows it. */
export interface StoredToken {
  readonly token: string;
  /** Package names of the plugins that it may attach to. */
  readonly plugins: readonly string[];
}

/** The tokens that clients may show instead of the API secret; the admin API changes them. */
export interface TokenStore {
  /** Adds a token, or more plugins to one that is known. Returns the plugins it is good for now. */
  add(token: string, plugins: readonly string[]): readonly string[];
  /** Undefined if there is no such token. */
  allow(token: string, plugins: readonly string[]): readonly string[] | undefined;
  /** Undefined if there is no such token. */
  disallow(token: string, plugins: readonly string[]): readonly string[] | undefined;
  /** False if there was none. */
  remove(token: string): boolean;
  list(): readonly StoredToken[];
}
