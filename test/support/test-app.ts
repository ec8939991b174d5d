import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import {
  Gateway,
  janusHttp,
  janusWebSocket,
  silentLogger,
  type GatewayOptions,
  type Logger,
  type Mountpoint,
  type MountpointOptions,
  type Peer,
} from '../../lib/index.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const FILES: Record<string, { file: string; type: string }> = {
  '/': { file: at('page/index.html'), type: 'text/html' },
  '/page.js': { file: at('page/page.js'), type: 'text/javascript' },
  '/data.js': { file: at('page/data.js'), type: 'text/javascript' },
  '/janus.js': { file: at('../../node_modules/janus-gateway/npm/dist/janus.es.js'), type: 'text/javascript' },
  '/adapter.js': { file: at('../../node_modules/webrtc-adapter/out/adapter.js'), type: 'text/javascript' },
};

/** A gateway for a test, with loopback candidates; closed with the test. */
export async function testGateway(t: Test, options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await Gateway.open({
    logger: silentLogger,
    ...options,
    media: { allowLoopback: true, threads: Number(process.env['HEADGATE_TEST_THREADS'] ?? 1), ...options.media },
  });
  t.teardown(() => gateway.close());
  return gateway;
}

/** The peers of all handles. */
export function peersOf(gateway: Gateway): Peer[] {
  return [...gateway.sessions.values()]
    .flatMap((session) => [...session.handles.values()])
    .flatMap(({ peer }) => peer ?? []);
}

export interface TestApp {
  gateway: Gateway;
  server: Server;
  /** `http://127.0.0.1:port`, where the test page is. */
  page: string;
  http: string;
  ws: string;
}

/**
 * A server on any port with the test page and the Janus API over HTTP and
 * WebSocket; with a certificate, over HTTPS and wss.
 */
export async function testApp(
  t: Test,
  options: GatewayOptions = {},
  certificate?: { cert: string; key: string },
): Promise<TestApp> {
  const gateway = await testGateway(t, options);
  const api = janusHttp(gateway);
  const serve: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const found = FILES[pathname];
    if (found === undefined) return void api(request, response);
    readFile(found.file).then(
      (body) => response.writeHead(200, { 'content-type': found.type }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  };
  const server = certificate === undefined ? createServer(serve) : createSecureServer(certificate, serve);
  janusWebSocket(gateway, server, { path: '/janus' });
  await listen(t, server);
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${String(port)}`;
  return { gateway, server, ...addressesAt(host, certificate !== undefined) };
}

/** Where the page and the API are. */
export function addressesAt(host: string, secure: boolean): Pick<TestApp, 'page' | 'http' | 'ws'> {
  const [web, sockets] = secure ? ['https', 'wss'] : ['http', 'ws'];
  return { page: `${web}://${host}/`, http: `${web}://${host}/janus`, ws: `${sockets}://${host}/janus` };
}

/** Listens on any port of loopback; closed with the test. */
export async function listen(t: Test, server: Server): Promise<number> {
  // Those that were upgraded to WebSockets too, which the server lets go of.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** VP8 and Opus on any two ports. */
export function audioAndVideo(gateway: Gateway, options: Partial<MountpointOptions> = {}): Promise<Mountpoint> {
  return gateway.createMountpoint({
    media: [
      { type: 'audio', mid: 'a', codec: 'opus', port: 0, payloadType: 111 },
      { type: 'video', mid: 'v', codec: 'vp8', port: 0, payloadType: 100 },
    ],
    ...options,
  });
}

/** A logger that keeps what it is told. */
export function recordingLogger(): Logger & { lines: string[] } {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (first: string | object, second?: string): void => {
      lines.push(`${level} ${typeof first === 'string' ? first : `${second ?? ''} ${JSON.stringify(first)}`}`);
    };
  return {
    lines,
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
}

/** The UDP port of one of a mountpoint's tracks. */
export function portOf(mountpoint: Mountpoint, mid: string): number {
  const found = mountpoint.media.find((media) => media.mid === mid);
  if (!found) throw new Error(`no mid ${mid}`);
  return found.source.port;
}
