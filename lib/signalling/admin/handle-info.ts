import type { Peer } from '../../peer/peer.js';
import { copyOf } from '../../session/plugin-answer.js';
import { monotonicMicroseconds } from './clock.js';
import { agentInfo, flagsOf, inspect, sdpsOf, webrtcInfo } from './peer-info.js';
import type { HandleContext } from './request.js';

/**
 * The tree of `handle_info`. Times are microseconds of the machine's monotonic
 * clock; `pluginOnly` leaves all behind `plugin_specific` out.
 */
export function handleInfo(context: HandleContext, pluginOnly: boolean): object {
  const { gateway, session, handle, settings, captures } = context;
  const { plugin } = handle;
  const timeout = session.timeout ?? gateway.sessions.options.sessionTimeout;
  const about = {
    session_id: session.id,
    session_last_activity: monotonicMicroseconds(session.lastActivity),
    session_timeout: Math.round(timeout / 1000),
    ...(session.owner === null ? {} : { session_transport: session.owner.transport }),
    handle_id: handle.id,
    ...(handle.opaqueId === undefined ? {} : { opaque_id: handle.opaqueId }),
    ...(handle.token === undefined ? {} : { token: handle.token }),
    'loop-running': true,
    created: monotonicMicroseconds(handle.createdAt),
    current_time: monotonicMicroseconds(),
    plugin: plugin.package,
    plugin_specific: pluginInfo(context),
  };
  if (pluginOnly) return about;
  const inspected = isOpen(handle.peer) ? inspect(handle.peer) : null;
  return {
    ...about,
    flags: flagsOf(inspected, handle.endToEndEncrypted),
    ...(inspected === null ? {} : agentInfo(inspected)),
    sdps: sdpsOf(inspected),
    ...(inspected === null ? {} : { 'pending-trickles': handle.earlyCandidates }),
    // What is to be sent leaves at the end of the turn it came in.
    'queued-packets': 0,
    ...captures.info(handle),
    ...(inspected === null ? {} : { webrtc: webrtcInfo(inspected, settings.media.maxNackQueue) }),
  };
}

/** A plugin that fails hides nothing else. */
function pluginInfo({ gateway, handle }: HandleContext): object {
  const { plugin } = handle;
  try {
    return copyOf(plugin, plugin.handleInfo(handle));
  } catch (error) {
    gateway.logger.error({ err: error, handle: handle.id, plugin: plugin.package }, 'handleInfo failed');
    return {};
  }
}

function isOpen(peer: Peer | null): peer is Peer {
  return peer !== null && !peer.closed;
}
