/** Requests about the server. */
import { boolean, object, optional, positiveInteger, string } from '../../plugins/shape.js';
import { API_ERROR, ApiError } from '../../session/api-error.js';
import { answerWithoutHandle } from '../../session/plugin-answer.js';
import { show } from '../request.js';
import { writeLogLine } from './log-line.js';
import { resolveAddress, testStun } from './network.js';
import type { AdminRequests, ServerContext } from './request.js';
import { adminRequest } from './request.js';
import { TOKEN_REQUESTS } from './tokens.js';
import { queryTransport } from './transport-query.js';

/** As Janus has it: a longer queue is cut to this, milliseconds. */
const LONGEST_NACK_QUEUE = 1_000;
/** Longest silence that can be asked for, seconds. */
const LONGEST_NO_MEDIA = 3_600;
const MAX_SLOW_LINK = 1_000_000;

const QUERY = { request: optional(object) };

/** Verb → request. `info` and `ping` are the core's. */
export const SERVER_REQUESTS: AdminRequests<ServerContext> = {
  get_status: adminRequest({}, (context) => ({ status: statusOf(context) })),

  // ---- sessions -----------------------------------------------------------------

  list_sessions: adminRequest({}, ({ gateway }) => ({
    sessions: [...gateway.sessions.values()].filter(({ internal }) => !internal).map(({ id }) => id),
  })),
  set_session_timeout: adminRequest({ timeout: positiveInteger }, ({ gateway }, { timeout }) => {
    gateway.sessions.options.sessionTimeout = timeout * 1000;
    return { timeout };
  }),
  accept_new_sessions: adminRequest({ accept: boolean }, ({ gateway }, { accept }) => {
    gateway.sessions.accepting = accept;
    return { accept };
  }),

  // ---- log and debugging --------------------------------------------------------

  set_log_level: adminRequest({ level: positiveInteger }, ({ settings }, { level }) => {
    atMost(7, level, 'level');
    settings.log.level = level;
    return { level };
  }),
  set_log_timestamps: adminRequest({ timestamps: boolean }, ({ settings }, { timestamps }) => {
    settings.log.timestamps = timestamps;
    return { log_timestamps: timestamps };
  }),
  set_log_colors: adminRequest({ colors: boolean }, ({ settings }, { colors }) => {
    settings.log.colors = colors;
    return { log_colors: colors };
  }),
  custom_logline: adminRequest(
    { line: string, level: optional(positiveInteger, 4) },
    ({ gateway }, { line, level }) => {
      writeLogLine(gateway.logger, line, level);
      return {};
    },
  ),
  set_locking_debug: adminRequest({ debug: boolean }, ({ settings }, { debug }) => {
    settings.lockingDebug = debug;
    return { locking_debug: debug };
  }),
  set_refcount_debug: adminRequest({ debug: boolean }, ({ settings }, { debug }) => {
    settings.refcountDebug = debug;
    return { refcount_debug: debug };
  }),
  set_libnice_debug: adminRequest({ debug: boolean }, ({ settings }, { debug }) => {
    settings.media.iceDebug = debug;
    return { libnice_debug: debug };
  }),

  // ---- media --------------------------------------------------------------------

  set_min_nack_queue: adminRequest({ min_nack_queue: positiveInteger }, ({ settings }, body) => {
    const milliseconds = Math.min(body.min_nack_queue, LONGEST_NACK_QUEUE);
    settings.media.maxNackQueue = milliseconds;
    return { min_nack_queue: milliseconds };
  }),
  set_nack_optimizations: adminRequest({ nack_optimizations: boolean }, ({ settings }, body) => {
    settings.nackOptimizations = body.nack_optimizations;
    return { 'nack-optimizations': body.nack_optimizations };
  }),
  set_no_media_timer: adminRequest({ no_media_timer: positiveInteger }, ({ settings }, { no_media_timer: seconds }) => {
    atMost(LONGEST_NO_MEDIA, seconds, 'no_media_timer');
    settings.media.noMediaTimeout = seconds * 1000;
    return { no_media_timer: seconds };
  }),
  set_slowlink_threshold: adminRequest({ slowlink_threshold: positiveInteger }, ({ settings }, body) => {
    atMost(MAX_SLOW_LINK, body.slowlink_threshold, 'slowlink_threshold');
    settings.media.slowLinkThreshold = body.slowlink_threshold;
    return { slowlink_threshold: body.slowlink_threshold };
  }),

  // ---- plugins, transports, handlers --------------------------------------------

  message_plugin: adminRequest({ plugin: string, ...QUERY }, async ({ gateway }, { plugin, request = {} }) => {
    const found = gateway.sessions.plugins.get(plugin);
    if (found === undefined) throw new ApiError(API_ERROR.NO_PLUGIN, `there is no plugin ${show(plugin)}`);
    return { response: await answerWithoutHandle(found, request, gateway.logger) };
  }),
  query_transport: adminRequest({ transport: string, ...QUERY }, ({ core }, { transport, request = {} }) => {
    const mounts = core.mountsOf(transport);
    if (mounts === undefined) throw new ApiError(API_ERROR.NO_PLUGIN, `there is no transport ${show(transport)}`);
    return { response: queryTransport(mounts, request) };
  }),
  query_eventhandler: adminRequest({ handler: string, ...QUERY }, ({ gateway }, { handler, request = {} }) => {
    const found = gateway.events?.handlers.get(handler);
    if (found === undefined) throw new ApiError(API_ERROR.NO_PLUGIN, `there is no event handler ${show(handler)}`);
    if (found.query === undefined) throw new ApiError(API_ERROR.UNKNOWN, `${handler} takes no requests`);
    return { response: found.query(request) };
  }),
  query_logger: adminRequest({ logger: string, ...QUERY }, (_context, { logger }) => {
    throw new ApiError(API_ERROR.NO_PLUGIN, `there is no logger ${show(logger)}`);
  }),
  custom_event: adminRequest({ schema: string, data: object }, ({ gateway }, { schema, data }) => {
    gateway.customEvent?.(schema, data);
    return {};
  }),

  // ---- tokens -------------------------------------------------------------------

  ...TOKEN_REQUESTS,

  // ---- the network --------------------------------------------------------------

  resolve_address: adminRequest({ address: string }, (_context, { address }) => resolveAddress(address)),
  test_stun: adminRequest(
    { address: string, port: positiveInteger, localport: optional(positiveInteger, 0) },
    (_context, { address, port, localport }) => testStun(address, port, localport),
  ),
  // Media threads are no loops that handles could be moved between.
  loops_info: adminRequest({}, () => ({ loops: [] })),
};

function statusOf({ gateway, settings }: ServerContext): object {
  const { sessionTimeout, reclaimSessionTimeout, candidatesTimeout } = gateway.sessions.options;
  const { log, media } = settings;
  return {
    token_auth: gateway.tokens !== undefined,
    session_timeout: seconds(sessionTimeout),
    reclaim_session_timeout: seconds(reclaimSessionTimeout),
    candidates_timeout: seconds(candidatesTimeout),
    log_level: log.level,
    log_timestamps: log.timestamps,
    log_colors: log.colors,
    log_rotate_sig: 0,
    locking_debug: settings.lockingDebug,
    refcount_debug: settings.refcountDebug,
    libnice_debug: media.iceDebug,
    min_nack_queue: media.maxNackQueue,
    'nack-optimizations': settings.nackOptimizations,
    no_media_timer: seconds(media.noMediaTimeout),
    slowlink_threshold: media.slowLinkThreshold,
  };
}

function atMost(most: number, value: number, field: string): void {
  if (value > most) throw new ApiError(API_ERROR.INVALID, `"${field}" must be an integer from 0 to ${String(most)}`);
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 1000);
}
