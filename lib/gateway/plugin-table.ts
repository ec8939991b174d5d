import { UsageError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Plugin, PluginHost } from '../plugins/plugin.js';

/** The plugins of a gateway, by package name. */
export class PluginTable {
  readonly #plugins = new Map<string, Plugin>();
  readonly #host: PluginHost;
  readonly #logger: Logger;

  constructor(host: PluginHost, logger: Logger) {
    this.#host = host;
    this.#logger = logger;
  }

  get byPackage(): ReadonlyMap<string, Plugin> {
    return this.#plugins;
  }

  /**
   * Clients can attach to it once this has resolved.
   *
   * @throws {@link UsageError} `HG_ERR_PLUGIN` if its package is used already; whatever its `opened` throws
   */
  async add(plugin: Plugin): Promise<void> {
    const name = plugin.package;
    if (typeof name !== 'string' || name === '') {
      throw new UsageError('HG_ERR_PLUGIN', {
        plugin: plugin.constructor.name,
        reason: 'its class has no static member "package"',
      });
    }
    if (this.#plugins.has(name)) {
      throw new UsageError('HG_ERR_PLUGIN', { plugin: name, reason: 'a plugin of that package is used already' });
    }
    await plugin.opened(this.#host);
    this.#plugins.set(name, plugin);
  }

  /** Ends them all, one after the other. */
  async close(): Promise<void> {
    for (const plugin of this.#plugins.values()) {
      try {
        await plugin.closed();
      } catch (error) {
        this.#logger.error({ err: error, plugin: plugin.package }, 'a plugin failed to close');
      }
    }
  }
}
