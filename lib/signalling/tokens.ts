/** The tokens of a gateway, for what steers them over the wire. */
export type { StoredToken, TokenStore } from '../session/tokens.js';
