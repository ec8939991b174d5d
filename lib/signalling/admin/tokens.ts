/** Requests about stored tokens. */
import { array, optional, string } from '../../plugins/shape.js';
import { API_ERROR, ApiError } from '../../session/api-error.js';
import { show } from '../request.js';
import type { TokenStore } from '../../session/tokens.js';
import type { AdminRequest, AdminRequests, ServerContext } from './request.js';
import { adminRequest } from './request.js';

const TOKEN = { token: string };
const TOKEN_AND_PLUGINS = { ...TOKEN, plugins: optional(array, []) };

/** Verb → request; all of them 490 without stored tokens. */
export const TOKEN_REQUESTS: AdminRequests<ServerContext> = withStore({
  add_token: adminRequest(TOKEN_AND_PLUGINS, (context, { token, plugins }) => {
    const known = knownPlugins(context);
    // As Janus has it: what is no plugin is left out here, and refused below.
    const chosen = plugins.length === 0 ? known : known.filter((plugin) => plugins.includes(plugin));
    return { data: { plugins: storeOf(context).add(token, chosen) } };
  }),
  allow_token: adminRequest(TOKEN_AND_PLUGINS, (context, { token, plugins }) =>
    changed(token, storeOf(context).allow(token, checkedPlugins(context, token, plugins))),
  ),
  disallow_token: adminRequest(TOKEN_AND_PLUGINS, (context, { token, plugins }) =>
    changed(token, storeOf(context).disallow(token, checkedPlugins(context, token, plugins))),
  ),
  list_tokens: adminRequest({}, (context) => ({
    data: {
      tokens: storeOf(context)
        .list()
        .map(({ token, plugins }) => ({ token, allowed_plugins: plugins })),
    },
  })),
  remove_token: adminRequest(TOKEN, (context, { token }) => {
    if (!storeOf(context).remove(token)) throw new ApiError(API_ERROR.UNKNOWN, `there is no token ${show(token)}`);
    return {};
  }),
});

function withStore(requests: AdminRequests<ServerContext>): AdminRequests<ServerContext> {
  const guarded = Object.entries(requests).map(([verb, request]): [string, AdminRequest<ServerContext>] => [
    verb,
    { ...request, permit: (context) => void storeOf(context) },
  ]);
  return Object.fromEntries(guarded);
}

function storeOf({ gateway }: ServerContext): TokenStore {
  const { tokens } = gateway;
  if (tokens === undefined) throw new ApiError(API_ERROR.UNKNOWN, 'this gateway has no stored tokens');
  return tokens;
}

function knownPlugins({ gateway }: ServerContext): string[] {
  return [...gateway.sessions.plugins.keys()];
}

function checkedPlugins(context: ServerContext, token: string, plugins: readonly unknown[]): string[] {
  if (plugins.length === 0) throw new ApiError(API_ERROR.INVALID, '"plugins" must be an array that is not empty');
  if (
    !storeOf(context)
      .list()
      .some((known) => known.token === token)
  )
    throw noSuchToken(token);
  const known = knownPlugins(context);
  return plugins.map((plugin) => {
    if (typeof plugin === 'string' && known.includes(plugin)) return plugin;
    throw new ApiError(API_ERROR.INVALID, `"plugins" must name plugins that are there: ${known.join(', ')}`);
  });
}

function changed(token: string, plugins: readonly string[] | undefined): object {
  if (plugins === undefined) throw noSuchToken(token);
  return { data: { plugins } };
}

function noSuchToken(token: string): ApiError {
  return new ApiError(API_ERROR.NO_TOKEN, `there is no token ${show(token)}`);
}
