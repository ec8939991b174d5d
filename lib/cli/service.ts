import { rmSync, writeFileSync } from 'node:fs';
import { GatewayError, ResourceError } from '../errors.js';
import { Gateway } from '../gateway.js';
import type { LeveledLogger } from '../logger.js';
import type { Configuration } from '../config/settings.js';
import { fileStore } from '../config/store.js';
import { show } from '../config/tree.js';
import type { MetricsAddress } from './arguments.js';
import { startEventHandler } from './event-handler.js';
import type { Listener } from './listen.js';
import { startListeners } from './listeners.js';
import { startMetrics } from './metrics.js';

/** A gateway with its servers, as a configuration describes them. */
export class Service {
  readonly #gateway: Gateway;
  readonly #listeners: readonly Listener[];
  readonly #logger: LeveledLogger;
  readonly #pidFile: string | undefined;

  /**
   * Opens the gateway, makes its mountpoints and listens. A mountpoint that
   * cannot be made is an error in the log, and the others are served.
   *
   * @throws {@link GatewayError}
   */
  static async start(
    configuration: Configuration,
    logger: LeveledLogger,
    metrics: MetricsAddress | undefined,
  ): Promise<Service> {
    const { settings, mountpoints, mountpointFile } = configuration;
    const { streaming } = settings.gateway ?? {};
    const gateway = await Gateway.open({
      ...settings.gateway,
      logger,
      streaming: streaming === false ? false : { ...streaming, store: fileStore(mountpointFile) },
    });
    const listeners: Listener[] = [];
    try {
      for (const { at, options } of mountpoints) {
        try {
          await gateway.createMountpoint(options);
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          logger.error(`${show(at)}: mountpoint "${String(options.name)}" is not served: ${error.message}`);
        }
      }
      const webhook = startEventHandler(gateway, settings);
      listeners.push(...(await startListeners(gateway, configuration)));
      if (listeners.length === 0) logger.warn('no transport is turned on: nobody can reach this gateway');
      if (metrics !== undefined)
        listeners.push(await startMetrics(gateway, webhook === null ? [] : [webhook], metrics));
      const { pidFile } = settings;
      if (pidFile !== undefined) writePid(pidFile);
      for (const { what, address } of listeners) logger.info(`${what} on ${address}`);
      return new Service(gateway, listeners, logger, pidFile);
    } catch (error) {
      await gateway.close();
      await Promise.all(listeners.map((listener) => listener.close()));
      throw error;
    }
  }

  private constructor(
    gateway: Gateway,
    listeners: readonly Listener[],
    logger: LeveledLogger,
    pidFile: string | undefined,
  ) {
    this.#gateway = gateway;
    this.#listeners = listeners;
    this.#logger = logger;
    this.#pidFile = pidFile;
  }

  /** Reads the certificates of HTTPS and wss again; one that cannot be used is an error in the log, and the old one stays. */
  reloadCertificates(): void {
    for (const { what, reloadCertificate } of this.#listeners) {
      if (reloadCertificate === undefined) continue;
      try {
        reloadCertificate();
        this.#logger.info(`${what}: the certificate was read again`);
      } catch (error) {
        this.#logger.error(`${what}: the certificate stays as it was: ${(error as Error).message}`);
      }
    }
  }

  /**
   * Takes no new sessions and connections, ends the sessions there are, which
   * closes WebSockets with a goodbye, answers polls and hangs up peers, and then
   * cuts what is left.
   */
  async stop(): Promise<void> {
    this.#gateway.sessions.accepting = false;
    for (const listener of this.#listeners) listener.stop();
    await this.#gateway.close();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    if (this.#pidFile !== undefined) rmSync(this.#pidFile, { force: true });
    this.#logger.info('stopped');
  }
}

function writePid(file: string): void {
  try {
    writeFileSync(file, `${String(process.pid)}\n`);
  } catch (error) {
    throw new ResourceError(
      'HG_ERR_SYSTEM',
      { what: `writing ${file}`, reason: (error as Error).message },
      { cause: error },
    );
  }
}
