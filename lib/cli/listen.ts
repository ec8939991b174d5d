import { rmSync, statSync } from 'node:fs';
import { connect, type ListenOptions } from 'node:net';
import type { Server } from 'node:http';
import { ResourceError } from '../errors.js';

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
  /**
   * Reads its certificate again; connections that are there go on. Absent: it has none.
   *
   * @throws Error for people, and nothing is changed
   */
  reloadCertificate?(): void;
}

/** Where a server is to listen, and how errors name it. */
export interface ListenPlan {
  what: string;
  address: string;
  target: ListenOptions;
  /** Behind the reason of an error: ` (janus.transport.http.jcfg:3:5)`. */
  setting: string;
}

/** @throws {@link ResourceError} `HG_ERR_LISTEN` */
export async function listen(server: Server, { what, address, target, setting }: ListenPlan): Promise<Listener> {
  try {
    if (target.path !== undefined) await removeStale(target.path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(target, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const reason = (error as Error).message + setting;
    throw new ResourceError('HG_ERR_LISTEN', { what, address, reason }, { cause: error });
  }
  return {
    what,
    address,
    stop: () => {
      server.close();
      server.closeIdleConnections();
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      return Promise.resolve();
    },
  };
}

/** As it stands in a URL; undefined: all addresses. */
export function urlHost(host: string | undefined): string {
  if (host === undefined) return '[::]';
  return host.includes(':') ? `[${host}]` : host;
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
