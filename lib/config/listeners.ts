/** The servers that a configuration can turn on; Unix sockets aside, which have a path and no port. */
import type { ListenerSettings, Settings, TlsSettings } from './settings.js';

type Group = 'http' | 'adminHttp' | 'webSocket' | 'adminWebSocket';

/** One of them. */
export interface ServerKind {
  readonly group: Group;
  readonly part: 'plain' | 'secure';
  /** For people. */
  readonly what: string;
  readonly scheme: 'http' | 'https' | 'ws' | 'wss';
  readonly defaultPort: number;
}

const KINDS: readonly ServerKind[] = [
  { group: 'http', part: 'plain', what: 'HTTP', scheme: 'http', defaultPort: 8088 },
  { group: 'http', part: 'secure', what: 'HTTPS', scheme: 'https', defaultPort: 8089 },
  { group: 'adminHttp', part: 'plain', what: 'admin HTTP', scheme: 'http', defaultPort: 7088 },
  { group: 'adminHttp', part: 'secure', what: 'admin HTTPS', scheme: 'https', defaultPort: 7889 },
  { group: 'webSocket', part: 'plain', what: 'WebSocket', scheme: 'ws', defaultPort: 8188 },
  { group: 'webSocket', part: 'secure', what: 'secure WebSocket', scheme: 'wss', defaultPort: 8989 },
  { group: 'adminWebSocket', part: 'plain', what: 'admin WebSocket', scheme: 'ws', defaultPort: 7188 },
  { group: 'adminWebSocket', part: 'secure', what: 'secure admin WebSocket', scheme: 'wss', defaultPort: 7989 },
];

/** One that is turned on. */
export interface ServerPlan extends ServerKind {
  /** Where its settings are: `http.plain`. */
  readonly path: string;
  readonly port: number;
  readonly listen: ListenerSettings;
  readonly tls: TlsSettings | undefined;
}

/** Those that are turned on. */
export function serversOf(settings: Settings): ServerPlan[] {
  return KINDS.flatMap((kind) => {
    const { group, part, defaultPort } = kind;
    const listen = settings[group]?.[part];
    if (listen?.enabled !== true) return [];
    // The admin API shows the same certificate.
    const tls = (group === 'http' || group === 'adminHttp' ? settings.http : settings.webSocket)?.tls ?? {};
    const port = listen.port ?? defaultPort;
    return [{ ...kind, path: `${group}.${part}`, port, listen, tls: part === 'secure' ? tls : undefined }];
  });
}

/** The setting that says most about where a server listens. */
export function placeNames(path: string): string[] {
  return ['port', 'ip', 'interface', 'unix', 'enabled'].map((name) => `${path}.${name}`);
}
