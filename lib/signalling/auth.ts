/** Who may use the API, and what of it. */
import type { Logger } from '../logger.js';
import { sameSecret } from '../secrets.js';
import type { AuthDecision, Authenticate, AuthRequest } from '../session/authenticate.js';
import type { TokenStore } from '../session/tokens.js';
import { API_REALM, checkToken } from '../signed-token.js';

/** What a gateway says about who may use it. Without any of these everybody may do everything. */
export interface AuthSettings {
  /** Lets in who shows it as `apisecret`. */
  readonly apiSecret?: string | undefined;
  /** Lets in who shows one of them as `token`, to the plugins it is good for. */
  readonly tokens?: TokenStore | undefined;
  /** Lets in who shows a token signed with it; there are no stored tokens then. */
  readonly tokenAuthSecret?: string | undefined;
  /** Is asked when the others found no fault: it can refuse more, and not less. */
  readonly authenticate?: Authenticate | undefined;
}

/** What somebody who was let in may do. */
export interface Grant {
  allowsPlugin(plugin: string): boolean;
}

/** What the wait for a decision came to when it is no decision. */
const LATE = Symbol('late');
const EVERYTHING: Grant = { allowsPlugin: () => true };

/** Decides who may use the API. */
export class Authorizer {
  /** Whether requests may have to show an API secret; for `server_info`. */
  readonly needsSecret: boolean;
  /** Whether requests may show a token; for `server_info`. */
  readonly needsToken: boolean;
  readonly #settings: AuthSettings;
  readonly #logger: Logger;

  constructor(settings: AuthSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    this.needsSecret = settings.apiSecret !== undefined;
    this.needsToken = settings.tokens !== undefined || settings.tokenAuthSecret !== undefined;
  }

  /**
   * Undefined: refused. A promise, which never rejects, only if the application decides later.
   *
   * @param patience - how long its decision may take, in milliseconds
   */
  authorize(request: AuthRequest, patience: number): Grant | undefined | Promise<Grant | undefined> {
    const shown = this.#check(request);
    const { authenticate } = this.#settings;
    if (shown === undefined || authenticate === undefined) return shown;
    try {
      const decision = authenticate(request);
      if (!isPromise(decision)) return this.#both(shown, decision);
      return this.#inTime(decision, patience).then((decided) => this.#both(shown, decided));
    } catch (error) {
      this.#logger.error({ err: error }, 'authenticate failed: the request is refused');
      return undefined;
    }
  }

  /** What the secret and the token say; one of them is enough. */
  #check({ secret, token }: AuthRequest): Grant | undefined {
    const { apiSecret } = this.#settings;
    if (!this.needsSecret && !this.needsToken) return EVERYTHING;
    if (apiSecret !== undefined && sameSecret(secret, apiSecret)) return EVERYTHING;
    const plugins = this.#pluginsOf(token);
    return plugins && onlyPlugins(plugins);
  }

  #pluginsOf(token: unknown): readonly string[] | undefined {
    const { tokens, tokenAuthSecret } = this.#settings;
    if (typeof token !== 'string') return undefined;
    if (tokenAuthSecret !== undefined) return checkToken(tokenAuthSecret, token, { realm: API_REALM })?.items;
    return tokens?.pluginsOf(token);
  }

  #both(shown: Grant, decision: AuthDecision): Grant | undefined {
    // The application may be JavaScript, whose undefined must not let anybody in.
    const decided: unknown = decision;
    if (decided === true) return shown;
    if (decided === false) return undefined;
    const plugins = (decided as { plugins?: unknown } | null | undefined)?.plugins;
    if (!Array.isArray(plugins)) {
      this.#logger.error('authenticate returned neither true, false nor { plugins: […] }: the request is refused');
      return undefined;
    }
    const list = onlyPlugins(plugins as string[]);
    return { allowsPlugin: (plugin) => shown.allowsPlugin(plugin) && list.allowsPlugin(plugin) };
  }

  async #inTime(pending: Promise<AuthDecision>, patience: number): Promise<AuthDecision> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(resolve, patience, LATE);
    });
    try {
      const decided = await Promise.race([pending, late]);
      if (decided !== LATE) return decided;
      this.#logger.error({ patience }, 'authenticate took too long: the request is refused');
    } catch (error) {
      this.#logger.error({ err: error }, 'authenticate failed: the request is refused');
    } finally {
      clearTimeout(timer);
    }
    return false;
  }
}

function onlyPlugins(plugins: readonly string[]): Grant {
  return { allowsPlugin: (plugin) => plugins.includes(plugin) };
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
