/** The servers that a configuration asks for. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { ResourceError } from '../errors.js';
import type { Gateway } from '../gateway.js';
import { placeNames, serversOf, type ServerPlan } from '../config/listeners.js';
import type { Configuration, Settings } from '../config/settings.js';
import { readCertificate } from '../config/certificate.js';
import { show } from '../config/tree.js';
import { addressOf } from '../routing/udp-source.js';
import { janusAdminHttp } from '../signalling/admin-http.js';
import { janusAdminWebSocket } from '../signalling/admin-websocket.js';
import { janusHttp } from '../signalling/http.js';
import { janusAdminUnix, janusUnix } from '../signalling/unix.js';
import { janusWebSocket } from '../signalling/websocket.js';
import { defined } from './defined.js';
import { listen, urlHost, type Listener } from './listen.js';

/**
 * Starts all servers; if one cannot listen, none is kept.
 *
 * @throws {@link ResourceError} `HG_ERR_LISTEN` names the address and the setting
 */
export async function startListeners(gateway: Gateway, configuration: Configuration): Promise<Listener[]> {
  const { settings } = configuration;
  const listeners: Listener[] = [];
  try {
    for (const plan of serversOf(settings)) listeners.push(await start(gateway, configuration, plan));
    for (const name of ['unix', 'adminUnix'] as const) {
      if (settings[name]?.enabled === true) listeners.push(startUnix(gateway, configuration, name));
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

/** Puts the API on a server; what has to be closed with it is returned. */
function mount(gateway: Gateway, server: Server, { group }: ServerPlan, settings: Settings) {
  const { acl, aclForwarded } = settings[group] ?? {};
  const path = urlPath(group, settings);
  if (group === 'http' || group === 'adminHttp') {
    const { json, allowOrigin, enforceCors } = settings.http ?? {};
    const make = group === 'http' ? janusHttp : janusAdminHttp;
    const options = { path, ...defined({ json, allowOrigin, enforceCors, acl, aclForwarded }) };
    server.on('request', make(gateway, options) as RequestListener);
    const { maxConnections } = settings.http ?? {};
    if (maxConnections !== undefined) server.maxConnections = maxConnections;
    return undefined;
  }
  const { json, allowOrigin, enforceCors, pingInterval, pongTimeout } = settings.webSocket ?? {};
  // As in Janus both must be set.
  const pings = pingInterval && pongTimeout ? { pingInterval, pongTimeout } : {};
  const make = group === 'webSocket' ? janusWebSocket : janusAdminWebSocket;
  return make(gateway, server, { path, ...defined({ json, allowOrigin, enforceCors, acl, aclForwarded }), ...pings });
}

/** As in Janus, the whole of a WebSocket server is the API's. */
function urlPath(group: ServerPlan['group'], settings: Settings): string {
  if (group === 'http') return settings.http?.path ?? '/janus';
  return group === 'adminHttp' ? (settings.adminHttp?.path ?? '/admin') : '/';
}

async function start(gateway: Gateway, configuration: Configuration, plan: ServerPlan): Promise<Listener> {
  const { tls, what, scheme, port, listen: at, group } = plan;
  const { settings } = configuration;
  const secure = tls === undefined ? undefined : createSecureServer(readCertificate(tls));
  const server = secure ?? createServer();
  const mounted = mount(gateway, server, plan, settings);
  const host = at.ip ?? (at.interface === undefined ? undefined : addressOf(at.interface));
  const address =
    at.unix === undefined
      ? `${scheme}://${urlHost(host)}:${String(port)}${urlPath(group, settings)}`
      : `${scheme}+unix://${at.unix}`;
  const target = at.unix === undefined ? { port, ...defined({ host }) } : { path: at.unix };
  const place = placeNames(plan.path)
    .map((name) => configuration.placeOf(name))
    .find((one) => one !== undefined);
  const setting = place === undefined ? '' : ` (${show(place)})`;
  try {
    const listener = await listen(server, { what, address, target, setting });
    return {
      ...listener,
      close: async () => {
        await mounted?.close();
        await listener.close();
      },
      ...(secure === undefined || tls === undefined
        ? {}
        : { reloadCertificate: () => secure.setSecureContext(readCertificate(tls)) }),
    };
  } catch (error) {
    await mounted?.close();
    throw error;
  }
}

function startUnix(gateway: Gateway, configuration: Configuration, name: 'unix' | 'adminUnix'): Listener {
  const { settings } = configuration;
  const what = name === 'unix' ? 'Unix socket' : 'admin Unix socket';
  const { path, type } = settings[name] ?? {};
  if (path === undefined) {
    const at = configuration.placeOf(`${name}.enabled`);
    const reason = `no path is given${at === undefined ? '' : ` (${show(at)})`}`;
    throw new ResourceError('HG_ERR_LISTEN', { what, address: 'nowhere', reason });
  }
  const make = name === 'unix' ? janusUnix : janusAdminUnix;
  const server = make(gateway, { path, ...defined({ type, json: settings.unix?.json }) });
  return { what, address: path, stop: () => undefined, close: () => server.close() };
}
