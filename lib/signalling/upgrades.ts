/** Shares a server's WebSocket upgrades with whoever else wants some. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes over an upgrade. */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Mount {
  /** Without the slash at its end; `` is everywhere. */
  path: string;
  handler: UpgradeHandler;
}

const routers = new WeakMap<Server, UpgradeRouter>();

/**
 * Gives the upgrades of `path`, and of what is below it, to a handler.
 *
 * @returns a function that takes it back
 */
export function onUpgrade(server: Server, path: string, handler: UpgradeHandler): () => void {
  let router = routers.get(server);
  if (router === undefined) {
    router = new UpgradeRouter(server);
    routers.set(server, router);
  }
  return router.add({ path: path.replace(/\/+$/, ''), handler });
}

/**
 * One per server. It stands before the listeners of `upgrade`: a listener cannot
 * keep an upgrade from the others, and among these others may be a `ws` server
 * with a path of its own, which refuses all it does not know.
 */
class UpgradeRouter {
  readonly #server: Server;
  #mounts: Mount[] = [];
  #uninstall: (() => void) | null = null;

  constructor(server: Server) {
    this.#server = server;
  }

  add(mount: Mount): () => void {
    this.#mounts.push(mount);
    this.#mounts.sort((a, b) => b.path.length - a.path.length);
    this.#uninstall ??= this.#install();
    return () => {
      this.#mounts = this.#mounts.filter((other) => other !== mount);
      if (this.#mounts.length > 0) return;
      this.#uninstall?.();
      this.#uninstall = null;
    };
  }

  #install(): () => void {
    const server = this.#server;
    const take = (req: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
      const path = (req.url ?? '/').replace(/[?#].*$/s, '');
      const mount = this.#mounts.find((each) => path === each.path || path.startsWith(`${each.path}/`));
      mount?.handler(req, socket, head);
      return mount !== undefined;
    };
    const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
    const routed = (event: string | symbol, ...args: unknown[]): boolean =>
      (event === 'upgrade' && take(...(args as Parameters<UpgradeHandler>))) || emit(event, ...args);
    const before = Object.getOwnPropertyDescriptor(server, 'emit');
    server.emit = routed;

    // Without a listener Node does not emit the event. Nobody else there to answer: then it is for us to do.
    const refuse: UpgradeHandler = (_req, socket) => {
      if (server.listenerCount('upgrade') === 1) refuseUpgrade(socket, '404 Not Found', 'no WebSocket here');
    };
    server.on('upgrade', refuse);
    return () => {
      server.off('upgrade', refuse);
      if (server.emit !== routed) return;
      if (before === undefined) delete (server as Partial<Server>).emit;
      else Object.defineProperty(server, 'emit', before);
    };
  }
}

/** Answers an upgrade with an HTTP error. */
export function refuseUpgrade(socket: Duplex, status: string, reason: string): void {
  // The client may be gone already, which is its own affair.
  socket.on('error', () => undefined);
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${String(reason.length)}\r\n\r\n`;
  socket.end(head + reason, () => socket.destroy());
}
