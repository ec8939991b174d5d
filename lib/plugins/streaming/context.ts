import { UsageError } from '../../errors.js';
import type { Mountpoint, MountpointId, Mountpoints } from '../../routing/mountpoint.js';
import type { Viewer } from '../../routing/viewer.js';
import { sameSecret } from '../../secrets.js';
import type { Handle } from '../handle.js';
import { PluginError, type Plugin, type PluginHost } from '../plugin.js';
import { fit, positiveInteger, string, type Check, type Shape, type Shaped } from '../shape.js';
import type { MountpointStore } from './store.js';
import { ERROR, status } from './wire.js';

/** What the plugin needs of the gateway. */
export interface StreamingHost extends PluginHost {
  readonly mountpoints: Mountpoints;
}

/** How the plugin is set up, defaults filled in. */
export interface StreamingSettings {
  readonly adminKey: string | undefined;
  readonly stringIds: boolean;
  readonly legacyFields: boolean;
  readonly portRange: readonly [number, number];
  readonly store: MountpointStore | undefined;
}

/** What the requests have in common. */
export class StreamingContext {
  readonly settings: StreamingSettings;
  readonly #plugin: Plugin;
  readonly #viewers = new Map<Handle, Viewer>();
  #host: StreamingHost | null = null;

  constructor(plugin: Plugin, settings: StreamingSettings) {
    this.#plugin = plugin;
    this.settings = settings;
  }

  open(host: StreamingHost): void {
    this.#host = host;
  }

  get host(): StreamingHost {
    if (this.#host === null)
      throw new UsageError('HG_ERR_STATE', { what: 'the streaming plugin', reason: 'no gateway uses it' });
    return this.#host;
  }

  get mountpoints(): Mountpoints {
    return this.host.mountpoints;
  }

  /** What an id is on the wire. */
  get idCheck(): Check<MountpointId> {
    return this.settings.stringIds ? string : positiveInteger;
  }

  /** Checks (a part of) a body; `where` stands before the field in errors. */
  check<S extends Shape>(shape: S, body: Readonly<Record<string, unknown>>, where = ''): Shaped<S> {
    const { body: fitted, misfit } = fit(shape, body);
    if (misfit === undefined) return fitted;
    const code = this.#plugin.errorCodes[misfit.problem];
    throw new PluginError(code, where === '' ? misfit.text : `${where}: ${misfit.text}`);
  }

  /** The mountpoint a body names with `id`. */
  find(body: Readonly<Record<string, unknown>>): Mountpoint {
    const { id } = this.check({ id: this.idCheck }, body);
    const mountpoint = this.mountpoints.get(id);
    if (mountpoint === undefined) {
      throw new PluginError(ERROR.NO_SUCH_MOUNTPOINT, `there is no mountpoint ${JSON.stringify(id)}`);
    }
    return mountpoint;
  }

  /** The mountpoint a body names, if the body has its secret. */
  findOwn(body: Readonly<Record<string, unknown>>): Mountpoint {
    const mountpoint = this.find(body);
    this.authorize(body, 'secret', mountpoint.secret);
    return mountpoint;
  }

  /** Refuses whoever does not send the secret in that field. No secret is set: everybody may. */
  authorize(
    body: Readonly<Record<string, unknown>>,
    field: 'secret' | 'pin' | 'admin_key',
    expected: string | undefined,
  ): void {
    if (expected === undefined) return;
    const given = this.check({ [field]: string }, body)[field] ?? '';
    if (!sameSecret(given, expected)) throw new PluginError(ERROR.UNAUTHORIZED, `"${field}" is wrong`);
  }

  /** Whether the body has the secret; wrong or missing is no error. */
  isAuthorized(body: Readonly<Record<string, unknown>>, field: string, expected: string | undefined): boolean {
    const given = body[field];
    return expected === undefined || sameSecret(given, expected);
  }

  /** Where mountpoints are kept across restarts; needs a configuration that came from files. */
  store(): MountpointStore {
    const { store } = this.settings;
    if (store !== undefined) return store;
    throw new PluginError(ERROR.UNKNOWN, '"permanent": there is no configuration folder to keep it in');
  }

  /** Runs what writes to the store. */
  written<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      if (error instanceof PluginError) throw error;
      throw new PluginError(ERROR.UNKNOWN, `"permanent": nothing was changed: ${(error as Error).message}`);
    }
  }

  viewerOf(handle: Handle): Viewer | undefined {
    return this.#viewers.get(handle);
  }

  /** The viewer of a handle that watches something. */
  mustWatch(handle: Handle): Viewer {
    const viewer = this.#viewers.get(handle);
    if (viewer === undefined) throw new PluginError(ERROR.NO_SUCH_MOUNTPOINT, 'this handle watches no mountpoint');
    return viewer;
  }

  /** Tells those who listen to events what a viewer does. */
  notify(handle: Handle, status: string, { id }: Mountpoint): void {
    this.host.notify(handle, () => ({ status, id }));
  }

  /** Tells all clients that watch a mountpoint. */
  pushToViewers(mountpoint: Mountpoint, data: object): void {
    for (const [handle, viewer] of this.#viewers) {
      if (viewer.mountpoint === mountpoint) handle.push(data);
    }
  }

  /** From now on the handle watches; when others end that, its client is told. */
  addViewer(handle: Handle, viewer: Viewer): void {
    this.#viewers.set(handle, viewer);
    viewer.once('close', ({ reason }) => {
      if (this.#viewers.get(handle) === viewer) this.#viewers.delete(handle);
      if (reason !== 'mountpoint' && reason !== 'kicked') return;
      handle.push(status(reason === 'kicked' ? 'kicked_all' : 'stopped'));
      handle.hangup('Close PC');
    });
  }
}
