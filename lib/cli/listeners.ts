/** The servers that a configuration asks for. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { ResourceError } from '../errors.js';
import type { Gateway } from '../gateway.js';
import type { Configuration, ListenerSettings, ServerSettings, Settings, TlsSettings } from '../config/settings.js';
import { show } from '../config/tree.js';
import { addressOf } from '../routing/udp-source.js';
import { janusAdminHttp } from '../signalling/admin-http.js';
import { janusAdminWebSocket } from '../signalling/admin-websocket.js';
import { janusHttp } from '../signalling/http.js';
import { janusAdminUnix, janusUnix } from '../signalling/unix.js';
import { janusWebSocket } from '../signalling/websocket.js';

/** A server that listens. */
export interface Listener {
  /** `HTTP`, `wss`, …; for people. */
  readonly what: string;
  /** `http://[::]:8088/janus`; for people. */
  readonly address: string;
  /** Takes no new connections and lets go of those that wait for nothing. */
  stop(): void;
  /** Cuts what is left. */
  close(): Promise<void>;
}

/** A server to start. */
interface Plan {
  what: string;
  scheme: string;
  /** Where its settings are: `http.plain`. */
  path: string;
  defaultPort: number;
  listen: ListenerSettings;
  tls: TlsSettings | undefined;
  maxConnections?: number | undefined;
  urlPath: string;
  /** Puts the API on it. */
  mount: (server: Server) => { close(): Promise<void> } | undefined;
}

/**
 * Starts all servers; if one cannot listen, none is kept.
 *
 * @throws {@link ResourceError} `HG_ERR_LISTEN` names the address and the setting
 */
export async function startListeners(gateway: Gateway, configuration: Configuration): Promise<Listener[]> {
  const { settings } = configuration;
  const plans = [...httpPlans(gateway, settings), ...webSocketPlans(gateway, settings)].filter(
    ({ listen }) => listen.enabled === true,
  );
  const listeners: Listener[] = [];
  try {
    for (const plan of plans) listeners.push(await start(plan, configuration));
    for (const name of ['unix', 'adminUnix'] as const) {
      if (settings[name]?.enabled === true) listeners.push(startUnix(gateway, configuration, name));
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

function httpPlans(gateway: Gateway, { http = {}, adminHttp = {} }: Settings): Plan[] {
  const { json, allowOrigin, enforceCors, tls = {}, maxConnections } = http;
  const plansOf = (
    what: string,
    name: 'http' | 'adminHttp',
    { path, plain = {}, secure = {}, acl, aclForwarded }: ServerSettings,
    at: { path: string; ports: readonly [number, number] },
  ): Plan[] => {
    const urlPath = path ?? at.path;
    const mount = (server: Server): undefined => {
      const options = { path: urlPath, ...defined({ json, allowOrigin, enforceCors, acl, aclForwarded }) };
      const make = name === 'http' ? janusHttp : janusAdminHttp;
      server.on('request', make(gateway, options) as RequestListener);
    };
    const common = { maxConnections, urlPath, mount };
    const [port, securePort] = at.ports;
    return [
      { ...common, what, scheme: 'http', path: `${name}.plain`, defaultPort: port, listen: plain, tls: undefined },
      {
        ...common,
        what: `${what}S`,
        scheme: 'https',
        path: `${name}.secure`,
        defaultPort: securePort,
        listen: secure,
        tls,
      },
    ];
  };
  return [
    ...plansOf('HTTP', 'http', http, { path: '/janus', ports: [8088, 8089] }),
    ...plansOf('admin HTTP', 'adminHttp', adminHttp, { path: '/admin', ports: [7088, 7889] }),
  ];
}

function webSocketPlans(gateway: Gateway, { webSocket = {}, adminWebSocket = {} }: Settings): Plan[] {
  const { json, pingInterval, pongTimeout, tls = {} } = webSocket;
  // As in Janus both must be set, and the whole server is the API's.
  const pings = pingInterval && pongTimeout ? { pingInterval, pongTimeout } : {};
  const plansOf = (
    what: string,
    name: 'webSocket' | 'adminWebSocket',
    { plain = {}, secure = {}, acl, aclForwarded }: ServerSettings,
    [port, securePort]: readonly [number, number],
  ): Plan[] => {
    const make = name === 'webSocket' ? janusWebSocket : janusAdminWebSocket;
    const mount = (server: Server): { close(): Promise<void> } =>
      make(gateway, server, { path: '/', ...defined({ json, acl, aclForwarded }), ...pings });
    const common = { urlPath: '/', mount };
    return [
      { ...common, what, scheme: 'ws', path: `${name}.plain`, defaultPort: port, listen: plain, tls: undefined },
      {
        ...common,
        what: `secure ${what}`,
        scheme: 'wss',
        path: `${name}.secure`,
        defaultPort: securePort,
        listen: secure,
        tls,
      },
    ];
  };
  return [
    ...plansOf('WebSocket', 'webSocket', webSocket, [8188, 8989]),
    ...plansOf('admin WebSocket', 'adminWebSocket', adminWebSocket, [7188, 7989]),
  ];
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

async function start(plan: Plan, configuration: Configuration): Promise<Listener> {
  const { listen, tls, what, scheme } = plan;
  const { port = plan.defaultPort, unix } = listen;
  const server = tls === undefined ? createServer() : createSecureServer(tlsOptions(tls));
  if (plan.maxConnections !== undefined) server.maxConnections = plan.maxConnections;
  const mounted = plan.mount(server);
  const host = listen.ip ?? (listen.interface === undefined ? undefined : addressOf(listen.interface));
  const target = unix === undefined ? { port, ...defined({ host }) } : { path: unix };
  const shownHost = host === undefined ? '[::]' : host.includes(':') ? `[${host}]` : host;
  const address =
    unix === undefined ? `${scheme}://${shownHost}:${String(port)}${plan.urlPath}` : `${scheme}+unix://${unix}`;
  try {
    if (unix !== undefined) await removeStale(unix);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(target, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    await mounted?.close();
    const at = ['port', 'ip', 'interface', 'unix', 'enabled']
      .map((name) => configuration.placeOf(`${plan.path}.${name}`))
      .find((place) => place !== undefined);
    const reason = `${(error as Error).message}${at === undefined ? '' : ` (${show(at)})`}`;
    throw new ResourceError('HG_ERR_LISTEN', { what, address, reason }, { cause: error });
  }
  return {
    what,
    address,
    stop: () => {
      server.close();
      server.closeIdleConnections();
    },
    close: async () => {
      await mounted?.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function tlsOptions({ cert = '', key = '', password, ciphers }: TlsSettings): object {
  return { cert: readFileSync(cert), key: readFileSync(key), ...defined({ passphrase: password, ciphers }) };
}

/** A socket that nobody listens on any more is in the way of the next who wants to. */
async function removeStale(path: string): Promise<void> {
  const isSocket = statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  if (!isSocket) return;
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => (probe.destroy(), resolve(true)));
    probe.once('error', () => resolve(false));
  });
  if (!answers) rmSync(path, { force: true });
}

/** Without the members that are undefined. */
function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
