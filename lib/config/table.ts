/**
 * Every setting of a configuration folder, what it becomes here, and what is
 * said when it has no effect. This is data: the reader follows it, and
 * docs/configuration.md is written from it.
 */

/** The files of a folder, without `.jcfg` or `.cfg`. */
export type FileName =
  | 'janus'
  | 'janus.transport.http'
  | 'janus.transport.websockets'
  | 'janus.transport.pfunix'
  | 'janus.plugin.streaming'
  | 'janus.plugin.echotest'
  | 'janus.logger.jsonlog';

/**
 * What becomes of a setting: it is `supported`; it is of `no use` here, for a
 * reason that is named; it is `not supported yet`; or it is `deprecated`, and
 * works, but another one should be used.
 */
export type Kind = 'supported' | 'no use' | 'not supported yet' | 'deprecated';

/** How a value is read. Numbers may be texts; booleans may be yes, no, true, false, on, off, 1 and 0. */
export type Type =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'port'
  /** Seconds in the file, milliseconds in the option. */
  | 'seconds'
  | 'milliseconds'
  /** `"20000-40000"` */
  | 'port range'
  /** `"a,b"`, or an array. */
  | 'list'
  /** Lists of groups, which are read with their own rows. */
  | 'groups'
  /** Anything: nobody reads it. */
  | 'any'
  | readonly string[];

/** A row of the table. */
export interface Row {
  readonly file: FileName;
  /** `group.setting`; `*` is a group of any name, `media[]` stands for each group of a list. */
  readonly path: string;
  readonly type: Type;
  readonly kind: Kind;
  /** Where it goes in `Settings`; for a mountpoint, the field of the streaming plugin's `create`. */
  readonly to?: string;
  /** Why it is of no use, or what to write instead; for people. */
  readonly note?: string;
  /** With this value nothing needs to be said: headgate does just that. `*`: whatever the value. */
  readonly silent?: string | number | boolean;
  /** This value is the same as none. */
  readonly none?: number;
  /** A lower value is raised to this. */
  readonly atLeast?: number;
  readonly min?: number;
  readonly max?: number;
  /** It keeps people out: as long as it is not supported, nothing is started with it. */
  readonly guards?: boolean;
  /** Never shown in what is printed. */
  readonly secret?: boolean;
}

type Rest = Omit<Row, 'file' | 'path' | 'type' | 'kind'>;
type Line = readonly [path: string, type: Type, kind: Kind, rest?: Rest | string];

function rows(file: FileName, lines: readonly Line[]): Row[] {
  return lines.map(([path, type, kind, rest]) => ({
    file,
    path,
    type,
    kind,
    // A text alone is where it goes, or why it does not.
    ...(typeof rest === 'string' ? (kind === 'supported' ? { to: rest } : { note: rest }) : rest),
  }));
}

const OK: Kind = 'supported';
const NO_USE: Kind = 'no use';
const LATER: Kind = 'not supported yet';
const OLD: Kind = 'deprecated';

const BUILT_IN = 'what headgate has is built in';
const EVENTS = 'there are no event handlers yet';
const JSON_FORMATS = ['indented', 'plain', 'compact'] as const;

const JANUS = rows('janus', [
  ['general.configs_folder', 'text', OK, { to: 'configsFolder', note: 'used with `--config` alone' }],
  ['general.plugins_folder', 'text', NO_USE, { note: BUILT_IN, silent: '*' }],
  ['general.transports_folder', 'text', NO_USE, { note: BUILT_IN, silent: '*' }],
  ['general.events_folder', 'text', NO_USE, { note: BUILT_IN, silent: '*' }],
  ['general.loggers_folder', 'text', NO_USE, { note: BUILT_IN, silent: '*' }],
  ['general.log_to_stdout', 'boolean', OK, 'log.console'],
  ['general.log_to_file', 'text', OK, 'log.file'],
  ['general.debug_level', 'integer', OK, { to: 'log.level', min: 0, max: 7 }],
  ['general.debug_timestamps', 'boolean', OK, 'log.timestamps'],
  ['general.debug_colors', 'boolean', OK, 'log.colors'],
  ['general.log_prefix', 'text', OK, 'log.prefix'],
  ['general.debug_locks', 'boolean', NO_USE, { note: 'media threads share no locks', silent: false }],
  ['general.daemonize', 'boolean', NO_USE, { note: 'let systemd run it: examples/systemd', silent: false }],
  ['general.pid_file', 'text', OK, 'pidFile'],
  ['general.api_secret', 'text', OK, { to: 'gateway.apiSecret', secret: true }],
  ['general.token_auth', 'boolean', OK, { to: 'gateway.tokenAuth', silent: false }],
  ['general.token_auth_secret', 'text', OK, { to: 'gateway.tokenAuthSecret', secret: true }],
  ['general.admin_secret', 'text', OK, { to: 'gateway.adminSecret', secret: true }],
  ['general.interface', 'text', NO_USE, 'addresses in SDP are those of the candidates: use nat.ice_enforce_list'],
  ['general.server_name', 'text', OK, 'gateway.serverName'],
  ['general.session_timeout', 'seconds', OK, 'gateway.sessionTimeout'],
  ['general.candidates_timeout', 'seconds', OK, { to: 'gateway.candidatesTimeout', silent: 45 }],
  ['general.reclaim_session_timeout', 'seconds', OK, 'gateway.reclaimSessionTimeout'],
  ['general.recordings_tmp_ext', 'text', OK, 'gateway.recordingsTmpExtension'],
  [
    'general.event_loops',
    'integer',
    OK,
    { to: 'gateway.media.threads', min: 0, max: 256, none: 0, note: '0: as many as there are processors, less one' },
  ],
  [
    'general.allow_loop_indication',
    'boolean',
    NO_USE,
    { note: 'media threads share sources, so it does not matter where a viewer is', silent: false },
  ],
  ['general.task_pool_size', 'integer', NO_USE, { note: 'requests need no threads', silent: 0 }],
  ['general.opaqueid_in_api', 'boolean', OK, 'gateway.opaqueIdInApi'],
  ['general.hide_dependencies', 'boolean', LATER, { silent: false }],
  ['general.exit_on_dl_error', 'boolean', NO_USE, { note: BUILT_IN, silent: '*' }],
  ['general.no_webrtc_encryption', 'boolean', NO_USE, { note: 'media is always encrypted', silent: false }],
  [
    'general.protected_folders',
    'list',
    NO_USE,
    { note: 'clients record nowhere but in folders that are named for it', silent: '*' },
  ],

  ['certificates.cert_pem', 'text', OK, 'gateway.media.certificate.cert'],
  ['certificates.cert_key', 'text', OK, 'gateway.media.certificate.key'],
  ['certificates.cert_pwd', 'text', OK, { to: 'gateway.media.certificate.password', secret: true }],
  ['certificates.dtls_accept_selfsigned', 'boolean', LATER, { silent: true }],
  ['certificates.dtls_ciphers', 'text', LATER],
  [
    'certificates.rsa_private_key',
    'boolean',
    LATER,
    { note: 'the certificate that is made at start is ECDSA P-256', silent: false },
  ],

  ['media.ipv6', 'boolean', OK, 'gateway.media.ipv6'],
  ['media.ipv6_linklocal', 'boolean', LATER, { silent: false }],
  [
    'media.min_nack_queue',
    'milliseconds',
    OK,
    {
      to: 'gateway.media.maxNackQueue',
      max: 5000,
      atLeast: 1000,
      note: 'packets are kept 1000 ms unless this is more',
    },
  ],
  [
    'media.max_nack_queue',
    'milliseconds',
    OLD,
    { to: 'gateway.media.maxNackQueue', min: 0, max: 5000, note: 'use min_nack_queue' },
  ],
  ['media.rtp_port_range', 'port range', OK, 'gateway.media.portRange'],
  ['media.dtls_mtu', 'integer', OK, { to: 'gateway.media.dtlsMtu', min: 256, max: 1500 }],
  ['media.no_media_timer', 'seconds', OK, { to: 'gateway.media.noMediaTimeout', max: 3600 }],
  ['media.slowlink_threshold', 'integer', OK, { to: 'gateway.media.slowLinkThreshold', min: 0, max: 1_000_000 }],
  ['media.twcc_period', 'milliseconds', LATER],
  [
    'media.dtls_timeout',
    'milliseconds',
    NO_USE,
    'it is for BoringSSL; OpenSSL waits 1 s and then twice as long each time',
  ],
  [
    'media.nack_optimizations',
    'boolean',
    NO_USE,
    { note: 'what is sent again is bounded by its age and by the bitrate', silent: false },
  ],
  ['media.dscp', 'integer', LATER, { min: 0, max: 63, silent: 0 }],
  ['media.force-bundle', 'boolean', OLD, { note: 'remove it: bundle is always used' }],
  ['media.force-rtcp-mux', 'boolean', OLD, { note: 'remove it: RTCP multiplexing is always used' }],

  ['nat.stun_server', 'text', LATER, 'server-reflexive candidates are not gathered yet'],
  ['nat.stun_port', 'port', LATER, 'server-reflexive candidates are not gathered yet'],
  ['nat.nice_debug', 'boolean', OK, 'gateway.media.iceDebug'],
  ['nat.full_trickle', 'boolean', LATER, { silent: false }],
  ['nat.ice_nomination', ['regular', 'aggressive'], LATER, { silent: 'aggressive' }],
  ['nat.ice_consent_freshness', 'boolean', NO_USE, { note: 'consent is always checked (RFC 7675)', silent: '*' }],
  ['nat.ice_keepalive_conncheck', 'boolean', NO_USE, { note: 'consent is always checked (RFC 7675)', silent: '*' }],
  ['nat.hangup_on_failed', 'boolean', OK, 'gateway.media.hangupOnFailed'],
  ['nat.ice_lite', 'boolean', LATER, { silent: false }],
  ['nat.ice_tcp', 'boolean', LATER, { silent: false }],
  [
    'nat.ignore_mdns',
    'boolean',
    NO_USE,
    { note: '.local candidates are never resolved; peer-reflexive ones do their work', silent: true },
  ],
  ['nat.nat_1_1_mapping', 'list', LATER],
  ['nat.keep_private_host', 'boolean', LATER, { silent: false }],
  ['nat.turn_server', 'text', LATER],
  ['nat.turn_port', 'port', LATER],
  ['nat.turn_type', ['udp', 'tcp', 'tls'], LATER],
  ['nat.turn_user', 'text', LATER],
  ['nat.turn_pwd', 'text', LATER, { secret: true }],
  ['nat.turn_rest_api', 'text', LATER],
  ['nat.turn_rest_api_key', 'text', LATER, { secret: true }],
  ['nat.turn_rest_api_method', ['GET', 'POST'], LATER],
  ['nat.turn_rest_api_timeout', 'seconds', LATER],
  ['nat.allow_force_relay', 'boolean', LATER, { silent: false }],
  ['nat.ice_enforce_list', 'list', OK, { to: 'gateway.media.interfaces', note: 'loopback only if it is named' }],
  ['nat.ice_ignore_list', 'list', OK, 'gateway.media.ignoreInterfaces'],
  ['nat.ignore_unreachable_ice_server', 'boolean', NO_USE, { note: 'no server is waited for', silent: '*' }],

  ['plugins.disable', 'list', OK, { to: 'disabledPlugins', note: 'file names, as `libjanus_echotest.so`' }],
  ['transports.disable', 'list', OK, { to: 'disabledTransports', note: 'file names, as `libjanus_websockets.so`' }],
  ['loggers.disable', 'list', OK, { to: 'disabledLoggers', note: 'file names, as `libjanus_jsonlog.so`' }],
  ['events.broadcast', 'boolean', LATER, { note: EVENTS, silent: false }],
  ['events.combine_media_stats', 'boolean', LATER, { note: EVENTS, silent: false }],
  ['events.disable', 'list', NO_USE, { note: EVENTS, silent: '*' }],
  ['events.stats_period', 'seconds', LATER, { note: EVENTS, silent: 0 }],
]);

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

const HTTP = rows('janus.transport.http', [
  ['general.events', 'boolean', NO_USE, { note: EVENTS, silent: '*' }],
  ['general.json', JSON_FORMATS, OK, 'http.json'],
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

const WEBSOCKETS = rows('janus.transport.websockets', [
  ['general.events', 'boolean', NO_USE, { note: EVENTS, silent: '*' }],
  ['general.json', JSON_FORMATS, OK, 'webSocket.json'],
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
  ['cors.allow_origin', 'text', NO_USE, 'browsers need no CORS for WebSockets'],
  ['cors.enforce_cors', 'boolean', LATER, { silent: false, guards: true }],
  ['certificates.cert_pem', 'text', OK, 'webSocket.tls.cert'],
  ['certificates.cert_key', 'text', OK, 'webSocket.tls.key'],
  ['certificates.cert_pwd', 'text', OK, { to: 'webSocket.tls.password', secret: true }],
  ['certificates.ciphers', 'text', OK, 'webSocket.tls.ciphers'],
]);

const SOCKET_TYPES = ['SOCK_SEQPACKET', 'SOCK_DGRAM'] as const;
const UNIX = rows('janus.transport.pfunix', [
  ['general.enabled', 'boolean', OK, { to: 'unix.enabled', silent: false }],
  ['general.events', 'boolean', NO_USE, { note: EVENTS, silent: '*' }],
  ['general.json', JSON_FORMATS, OK, { to: 'unix.json', silent: '*' }],
  ['general.path', 'text', OK, { to: 'unix.path' }],
  ['general.type', SOCKET_TYPES, OK, { to: 'unix.type', silent: '*' }],
  ['admin.admin_enabled', 'boolean', OK, { to: 'adminUnix.enabled', silent: false }],
  ['admin.admin_path', 'text', OK, { to: 'adminUnix.path' }],
  ['admin.admin_type', SOCKET_TYPES, OK, { to: 'adminUnix.type', silent: '*' }],
]);

/** A field that goes to the streaming plugin under its own name. */
function field(path: string, type: Type, rest: Rest = {}): Line {
  return [path, type, OK, { to: path.slice(path.lastIndexOf('.') + 1), ...rest }];
}

function legacyTrack(kind: 'audio' | 'video'): Line[] {
  return [
    field(`*.${kind}`, 'boolean'),
    field(`*.${kind}port`, 'port'),
    field(`*.${kind}pt`, 'integer'),
    field(`*.${kind}codec`, 'text'),
    [`*.${kind}rtpmap`, 'text', OLD, { to: `${kind}rtpmap`, note: `use ${kind}codec`, silent: '*' }],
    field(`*.${kind}fmtp`, 'text'),
    field(`*.${kind}mcast`, 'text'),
    field(`*.${kind}iface`, 'text'),
    field(`*.${kind}rtcpport`, 'port'),
    [`*.${kind}skew`, 'boolean', LATER, { silent: false }],
  ];
}

const FILES = 'mountpoints of this type are not made yet';
const later = (...names: readonly string[]): Line[] => names.map((name) => [`*.${name}`, 'any', LATER, FILES]);

const STREAMING = rows('janus.plugin.streaming', [
  ['general.admin_key', 'text', OK, { to: 'gateway.streaming.adminKey', secret: true }],
  ['general.rtp_port_range', 'port range', OK, 'gateway.streaming.portRange'],
  ['general.events', 'boolean', NO_USE, { note: EVENTS, silent: '*' }],
  ['general.string_ids', 'boolean', OK, 'gateway.streaming.stringIds'],
  field('*.type', ['rtp', 'live', 'ondemand', 'rtsp'], { note: 'only `rtp` yet' }),
  field('*.id', 'any', { note: 'a number, or a text with string_ids' }),
  field('*.description', 'text'),
  field('*.metadata', 'text'),
  field('*.is_private', 'boolean'),
  field('*.secret', 'text', { secret: true }),
  field('*.pin', 'text', { secret: true }),
  field('*.collision', 'integer'),
  field('*.bufferkf_ms', 'integer'),
  field('*.bufferkf_bytes', 'integer'),
  field('*.e2ee', 'boolean'),
  field('*.playoutdelay_ext', 'boolean'),
  ['*.threads', 'integer', NO_USE, { note: 'all viewers of a media thread are served by it', silent: '*' }],
  ['*.abscapturetime_src_ext_id', 'integer', LATER, { silent: 0 }],
  field('*.srtpsuite', 'integer', { note: 'such mountpoints are not made yet' }),
  field('*.srtpcrypto', 'text', { secret: true, note: 'such mountpoints are not made yet' }),
  ...legacyTrack('audio'),
  ...legacyTrack('video'),
  ['*.videobufferkf', 'boolean', OLD, { note: 'use bufferkf_ms, which says how much is kept' }],
  field('*.videosimulcast', 'boolean', { note: 'such mountpoints are not made yet' }),
  field('*.videoport2', 'port', { note: 'such mountpoints are not made yet' }),
  field('*.videoport3', 'port', { note: 'such mountpoints are not made yet' }),
  ['*.videosvc', 'boolean', NO_USE, { note: 'layers go on as they come', silent: '*' }],
  ['*.h264sps', 'text', LATER],
  field('*.data', 'boolean', { note: 'such mountpoints are not made yet' }),
  field('*.dataport', 'port', { note: 'such mountpoints are not made yet' }),
  ['*.datamcast', 'text', LATER],
  ['*.dataiface', 'text', LATER],
  ['*.datatype', ['text', 'binary'], LATER],
  ['*.databuffermsg', 'boolean', LATER],
  field('*.media', 'groups'),
  field('*.media[].type', ['audio', 'video', 'data'], { note: '`data` not yet' }),
  field('*.media[].mid', 'text'),
  field('*.media[].label', 'text'),
  field('*.media[].msid', 'text'),
  field('*.media[].port', 'port'),
  field('*.media[].rtcpport', 'port'),
  field('*.media[].pt', 'integer'),
  field('*.media[].codec', 'text'),
  ['*.media[].rtpmap', 'text', OLD, { to: 'rtpmap', note: 'use codec', silent: '*' }],
  field('*.media[].fmtp', 'text'),
  field('*.media[].mcast', 'text'),
  field('*.media[].iface', 'text'),
  ['*.media[].skew', 'boolean', LATER, { silent: false }],
  field('*.media[].simulcast', 'boolean', { note: 'such mountpoints are not made yet' }),
  ['*.media[].videosimulcast', 'boolean', OLD, { to: 'simulcast', note: 'use simulcast' }],
  field('*.media[].port2', 'port', { note: 'such mountpoints are not made yet' }),
  field('*.media[].port3', 'port', { note: 'such mountpoints are not made yet' }),
  ['*.media[].svc', 'boolean', NO_USE, { note: 'layers go on as they come', silent: '*' }],
  ['*.media[].videosvc', 'boolean', NO_USE, { note: 'layers go on as they come', silent: '*' }],
  ['*.media[].h264sps', 'text', LATER],
  ['*.media[].datatype', ['text', 'binary'], LATER],
  ['*.media[].databuffermsg', 'boolean', LATER],
  ['*.media[].buffermsg', 'boolean', LATER],
  field('*.filename', 'text', { note: 'mountpoints that play files are not made yet' }),
  field('*.url', 'text', { note: 'RTSP mountpoints are not made yet' }),
  field('*.rtsp_user', 'text', { note: 'RTSP mountpoints are not made yet' }),
  field('*.rtsp_pwd', 'text', { secret: true, note: 'RTSP mountpoints are not made yet' }),
  ...later(
    'rtsp_quirk',
    'rtsp_failcheck',
    'rtsp_check',
    'rtspiface',
    'rtsp_reconnect_delay',
    'rtsp_session_timeout',
    'rtsp_timeout',
    'rtsp_conn_timeout',
    'rtsp_notify_changes',
  ),
]);

const ECHOTEST = rows('janus.plugin.echotest', [['general.events', 'boolean', NO_USE, { note: EVENTS, silent: '*' }]]);

const JSONLOG = rows('janus.logger.jsonlog', [
  ['general.enabled', 'boolean', OK, 'log.jsonEnabled'],
  ['general.json', JSON_FORMATS, NO_USE, { note: 'each entry is one line', silent: '*' }],
  ['general.filename', 'text', OK, 'log.jsonFile'],
]);

/** All settings of the files that are read. */
export const TABLE: readonly Row[] = [...JANUS, ...HTTP, ...WEBSOCKETS, ...UNIX, ...STREAMING, ...ECHOTEST, ...JSONLOG];

/** A file whose settings are not read: what it is for, and what is said if it turns something on. */
export interface OtherFile {
  /** The name without ending; `*` at its end stands for anything. */
  readonly file: string;
  readonly what: string;
  /** It does something even if nothing in it says `enabled`. */
  readonly always: boolean;
}

/** What else is in a folder, the more special first. */
export const OTHER_FILES: readonly OtherFile[] = [
  { file: 'janus.plugin.videoroom', what: 'video rooms', always: true },
  { file: 'janus.plugin.audiobridge', what: 'audio rooms', always: true },
  { file: 'janus.plugin.textroom', what: 'text rooms', always: true },
  { file: 'janus.plugin.sip', what: 'the SIP gateway', always: true },
  { file: 'janus.plugin.nosip', what: 'the NoSIP gateway', always: true },
  { file: 'janus.plugin.videocall', what: 'video calls', always: true },
  { file: 'janus.plugin.recordplay', what: 'recording and playing by clients', always: true },
  { file: 'janus.plugin.voicemail', what: 'voice mail', always: true },
  { file: 'janus.plugin.lua', what: 'plugins in Lua', always: true },
  { file: 'janus.plugin.duktape', what: 'plugins in Duktape', always: true },
  { file: 'janus.plugin.*', what: 'this plugin', always: true },
  { file: 'janus.transport.mqtt', what: 'MQTT', always: false },
  { file: 'janus.transport.nanomsg', what: 'Nanomsg', always: false },
  { file: 'janus.transport.rabbitmq', what: 'RabbitMQ', always: false },
  { file: 'janus.transport.*', what: 'this transport', always: false },
  { file: 'janus.eventhandler.*', what: 'this event handler', always: false },
  { file: 'janus.logger.*', what: 'this logger', always: false },
];
