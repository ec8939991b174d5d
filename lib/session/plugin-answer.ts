/** What plugins answer, whoever asked: made JSON, and their failures made errors that a client may see. */
import { GatewayError, UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Handle } from '../plugins/handle.js';
import type { Plugin } from '../plugins/plugin.js';
import { PluginError } from '../plugins/plugin.js';
import { isObject } from '../plugins/shape.js';

/** A plugin may change its data later, and it may be no JSON at all. */
export function copyOf(plugin: Plugin, data: unknown): object {
  let reason = 'it is no object';
  try {
    const copy: unknown = JSON.parse(JSON.stringify(data) ?? 'null');
    if (isObject(copy)) return copy;
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  throw new UsageError('HG_ERR_PLUGIN_DATA', { plugin: plugin.package, reason });
}

/**
 * What a client is told of an error; what it must not know goes to the log.
 *
 * @param handle - its id, if there is one that is not closed yet
 */
export function errorDataOf(plugin: Plugin, error: unknown, logger: Logger, handle: number | undefined): object {
  if (error instanceof PluginError) return plugin.errorData(error);
  const code = plugin.errorCodes.unknownError;
  const where = { err: error, handle, plugin: plugin.package };
  if (error instanceof GatewayError && !(error instanceof UsageError)) {
    logger.warn(where, 'a request failed');
    return plugin.errorData(new PluginError(code, error.message));
  }
  logger.error(where, 'a plugin failed');
  return plugin.errorData(new PluginError(code, 'the plugin failed'));
}

/** Stands in for the handle where no client asks. */
const NO_HANDLE: Handle = {
  id: 0,
  opaqueId: undefined,
  token: undefined,
  closed: true,
  peer: null,
  data: undefined,
  createPeer: () => {
    throw new UsageError('HG_ERR_CLOSED', { what: 'Handle 0' });
  },
  push: () => undefined,
  hangup: () => undefined,
};

/** Gives a plugin one of its {@link Plugin.adminRequests}; any other is unknown. Never rejects. */
export async function answerWithoutHandle(
  plugin: Plugin,
  body: Readonly<Record<string, unknown>>,
  logger: Logger,
): Promise<object> {
  try {
    const request = plugin.requestFor(body);
    const verb = body['request'];
    if (request.kind !== 'sync' || typeof verb !== 'string' || !plugin.adminRequests.includes(verb)) {
      throw new PluginError(plugin.errorCodes.unknownRequest, 'there is no such request without a handle');
    }
    const context = { transaction: '', jsep: undefined, body };
    return copyOf(plugin, await request.run({ ...NO_HANDLE }, plugin.check(request.shape, body), context));
  } catch (error) {
    return errorDataOf(plugin, error, logger, undefined);
  }
}
