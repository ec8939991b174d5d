import type { Server } from 'node:http';

import { adminApiOf } from './admin-api.js';
import type { SignallingGateway } from './janus-api.js';
import type { JanusWebSocketOptions } from './websocket.js';
import { JanusWebSocketServer } from './websocket.js';

/**
 * The admin API over WebSocket, with the subprotocol `janus-admin-protocol`.
 *
 * @throws {@link UsageError} `HG_ERR_OPTION`, also if the gateway has no `adminSecret`
 * @example
 * const gateway = await Gateway.open({ adminSecret: 'of your choice' });
 * janusAdminWebSocket(gateway, createServer().listen(8088)); // ws://localhost:8088/admin
 */
export function janusAdminWebSocket(
  gateway: SignallingGateway,
  server: Server,
  options: JanusWebSocketOptions = {},
): JanusWebSocketServer {
  const name = 'janusAdminWebSocket';
  const api = adminApiOf(gateway, name);
  return new JanusWebSocketServer(
    { api, sessions: gateway.sessions, name, path: '/admin', subprotocol: 'janus-admin-protocol' },
    server,
    options,
  );
}
