/** The files of the transports. */
import { JSON_CHOICES, NO_USE, OK, OLD, rows, type Kind, type Line } from './row.js';

/** One server for plain connections and one for TLS; `p` is `admin_` for those of the admin API. */
function httpServers(group: string, p: '' | 'admin_', to: string, kind: Kind): Line[] {
  return [
    [`${group}.${p}base_path`, 'text', kind, { to: `${to}.path`, silent: '*' }],
    [`${group}.${p}http`, 'boolean', kind, { to: `${to}.plain.enabled`, silent: false }],
    [`${group}.${p}port`, 'port', kind, { to: `${to}.plain.port`, silent: '*' }],
    [`${group}.${p}interface`, 'text', kind, { to: `${to}.plain.interface` }],
    [`${group}.${p}ip`, 'text', kind, { to: `${to}.plain.ip` }],
    [`${group}.${p}https`, 'boolean', kind, { to: `${to}.secure.enabled`, silent: false }],
    [`${group}.${p}secure_port`, 'port', kind, { to: `${to}.secure.port`, silent: '*' }],
    [`${group}.${p}secure_interface`, 'text', kind, { to: `${to}.secure.interface` }],
    [`${group}.${p}secure_ip`, 'text', kind, { to: `${to}.secure.ip` }],
    [`${group}.${p}acl`, 'list', kind, { to: `${to}.acl` }],
    [`${group}.${p}acl_forwarded`, 'boolean', kind, { to: `${to}.aclForwarded`, silent: false }],
  ];
}

export const HTTP = rows('janus.transport.http', [
  ['general.events', 'boolean', OK, 'events.transport.http'],
  ['general.json', JSON_CHOICES, OK, 'http.json'],
  ...httpServers('general', '', 'http', OK),
  ['general.mhd_connection_limit', 'integer', OK, { to: 'http.maxConnections', min: 1, max: 1_000_000 }],
  ['general.mhd_debug', 'boolean', NO_USE, { note: 'there is no libmicrohttpd', silent: false }],
  ['general.threads', 'any', OLD, { note: 'remove it: requests need no threads' }],
  ...httpServers('admin', 'admin_', 'adminHttp', OK),
  ['cors.allow_origin', 'text', OK, 'http.allowOrigin'],
  ['cors.enforce_cors', 'boolean', OK, 'http.enforceCors'],
  ['certificates.cert_pem', 'text', OK, 'http.tls.cert'],
  ['certificates.cert_key', 'text', OK, 'http.tls.key'],
  ['certificates.cert_pwd', 'text', OK, { to: 'http.tls.password', secret: true }],
  [
    'certificates.ciphers',
    'text',
    NO_USE,
    'the syntax is that of GnuTLS; without it, TLS 1.2 is the oldest that is taken',
  ],
]);

function webSocketServers(group: string, p: '' | 'admin_', to: string, kind: Kind): Line[] {
  const server = (name: 'ws' | 'wss', part: 'plain' | 'secure'): Line[] => [
    [`${group}.${p}${name}`, 'boolean', kind, { to: `${to}.${part}.enabled`, silent: false }],
    [`${group}.${p}${name}_port`, 'port', kind, { to: `${to}.${part}.port`, silent: '*' }],
    [`${group}.${p}${name}_interface`, 'text', kind, { to: `${to}.${part}.interface` }],
    [`${group}.${p}${name}_ip`, 'text', kind, { to: `${to}.${part}.ip` }],
    [`${group}.${p}${name}_unix`, 'text', kind, { to: `${to}.${part}.unix` }],
  ];
  return [
    ...server('ws', 'plain'),
    ...server('wss', 'secure'),
    [`${group}.${p}ws_acl`, 'list', kind, { to: `${to}.acl` }],
    [`${group}.${p}ws_acl_forwarded`, 'boolean', kind, { to: `${to}.aclForwarded`, silent: false }],
  ];
}

export const WEBSOCKETS = rows('janus.transport.websockets', [
  ['general.events', 'boolean', OK, 'events.transport.websockets'],
  ['general.json', JSON_CHOICES, OK, 'webSocket.json'],
  [
    'general.pingpong_trigger',
    'seconds',
    OK,
    { to: 'webSocket.pingInterval', max: 3600, note: 'how often clients are pinged, idle or not' },
  ],
  ['general.pingpong_timeout', 'seconds', OK, { to: 'webSocket.pongTimeout', max: 3600 }],
  ...webSocketServers('general', '', 'webSocket', OK),
  ['general.ws_logging', 'text', NO_USE, 'there is no libwebsockets'],
  ...webSocketServers('admin', 'admin_', 'adminWebSocket', OK),
  ['cors.allow_origin', 'text', OK, 'webSocket.allowOrigin'],
  ['cors.enforce_cors', 'boolean', OK, 'webSocket.enforceCors'],
  ['certificates.cert_pem', 'text', OK, 'webSocket.tls.cert'],
  ['certificates.cert_key', 'text', OK, 'webSocket.tls.key'],
  ['certificates.cert_pwd', 'text', OK, { to: 'webSocket.tls.password', secret: true }],
  ['certificates.ciphers', 'text', OK, 'webSocket.tls.ciphers'],
]);

const SOCKET_TYPES = ['SOCK_SEQPACKET', 'SOCK_DGRAM'] as const;
export const UNIX = rows('janus.transport.pfunix', [
  ['general.enabled', 'boolean', OK, { to: 'unix.enabled', silent: false }],
  ['general.events', 'boolean', OK, 'events.transport.pfunix'],
  ['general.json', JSON_CHOICES, OK, { to: 'unix.json', silent: '*' }],
  ['general.path', 'text', OK, { to: 'unix.path' }],
  ['general.type', SOCKET_TYPES, OK, { to: 'unix.type', silent: '*' }],
  ['admin.admin_enabled', 'boolean', OK, { to: 'adminUnix.enabled', silent: false }],
  ['admin.admin_path', 'text', OK, { to: 'adminUnix.path' }],
  ['admin.admin_type', SOCKET_TYPES, OK, { to: 'adminUnix.type', silent: '*' }],
]);
