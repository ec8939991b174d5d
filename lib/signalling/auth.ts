import { sameSecret } from '../secrets.js';

/** What a request shows to prove that it may be made. */
export interface Credentials {
  secret: unknown;
  token: unknown;
}

/** Decides who may use the API. */
export interface Authorizer {
  /** Whether requests need an API secret; for `server_info`. */
  readonly needsSecret: boolean;
  /** Whether requests may show a token; for `server_info`. */
  readonly needsToken: boolean;
  allows(credentials: Credentials): boolean;
  /** Whether whoever shows these may attach to a plugin. */
  allowsPlugin(credentials: Credentials, plugin: string): boolean;
}

/** Lets those in who know the secret; without a secret, everybody. */
export function apiSecretAuthorizer(secret: string | undefined): Authorizer {
  return {
    needsSecret: secret !== undefined,
    needsToken: false,
    allows: (credentials) => secret === undefined || sameSecret(credentials.secret, secret),
    allowsPlugin: () => true,
  };
}
