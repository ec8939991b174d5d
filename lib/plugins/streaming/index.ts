import { UsageError } from '../../errors.js';
import { option, readOptions } from '../../options.js';
import type { HangupReason } from '../../peer/peer.js';
import { readMountpointOptions, type MountpointOptions } from '../../routing/mountpoint-options.js';
import type { Handle } from '../handle.js';
import { Plugin, type Requests } from '../plugin.js';
import { configure } from './configure.js';
import { StreamingContext, type StreamingHost } from './context.js';
import { create, inWireWords, readCreate } from './create.js';
import { destroy } from './destroy.js';
import { disable } from './disable.js';
import { edit } from './edit.js';
import { enable } from './enable.js';
import { handleInfo } from './handle-info.js';
import { info } from './info.js';
import { kickAll } from './kick-all.js';
import { list } from './list.js';
import { pause } from './pause.js';
import { recording } from './recording.js';
import type { MountpointStore } from './store.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { switchTo } from './switch.js';
import { watch } from './watch.js';
import { ERROR, status } from './wire.js';

export type { StreamingHost } from './context.js';
export { NotYetError } from './create.js';
export type { MountpointStore, StoredChanges, StoredMountpoint } from './store.js';

export interface StreamingOptions {
  /** Who wants to create a mountpoint, or see private ones, must send it as `admin_key`. Default: anybody may create. */
  adminKey?: string | undefined;
  /** Mountpoints have texts as ids on the wire. Default false. */
  stringIds?: boolean | undefined;
  /** `list` also has the `audio_age_ms` and `video_age_ms` of older versions. Default false. */
  legacyFields?: boolean | undefined;
  /** For ports that a client gave as 0. Default 10000 to 60000. */
  portRange?: readonly [number, number] | undefined;
  /** Keeps what clients make with `permanent`. Default: that is refused. */
  store?: MountpointStore | undefined;
}

/**
 * Live streams that any number of clients watch: `janus.plugin.streaming`. The
 * mountpoints are the gateway's, whoever made them.
 *
 * @example
 * const gateway = await Gateway.open({ streaming: false });
 * await gateway.use(new StreamingPlugin({ adminKey: 'supersecret' }));
 */
export class StreamingPlugin extends Plugin {
  static readonly package = 'janus.plugin.streaming';
  static readonly key = 'streaming';
  static readonly errorCodes = {
    unknownRequest: ERROR.INVALID_REQUEST,
    missing: ERROR.MISSING,
    invalid: ERROR.INVALID,
    unknownError: ERROR.UNKNOWN,
  };

  readonly requests: Requests;
  readonly #context: StreamingContext;

  /** @throws {@link UsageError} `HG_ERR_OPTION` */
  constructor(options: StreamingOptions = {}) {
    super();
    const settings = readOptions('StreamingPlugin', options, {
      adminKey: option.optional(option.string()),
      stringIds: option.boolean({ default: false }),
      legacyFields: option.boolean({ default: false }),
      portRange: option.portRange({ default: [10000, 60000] }),
      store: option.optional(
        option.withMethods<MountpointStore>('a store with add, change and remove', ['add', 'change', 'remove']),
      ),
    });
    // An empty key in a configuration file means none, and must not let everybody in.
    const adminKey = settings.adminKey === '' ? undefined : settings.adminKey;
    const context = new StreamingContext(this, { ...settings, adminKey });
    this.#context = context;
    this.requests = {
      list: list(context),
      info: info(context),
      create: create(context),
      edit: edit(context),
      destroy: destroy(context),
      recording: recording(context),
      enable: enable(context),
      disable: disable(context),
      kick_all: kickAll(context),
      watch: watch(context),
      start: start(context),
      pause: pause(context),
      configure: configure(context),
      switch: switchTo(context),
      stop: stop(context),
    };
  }

  /**
   * Reads a mountpoint as the request `create` describes it.
   *
   * @throws {@link PluginError}
   */
  readMountpoint(body: Readonly<Record<string, unknown>>): MountpointOptions {
    const { options } = readCreate(this.#context, body);
    inWireWords(() => readMountpointOptions('createMountpoint', options));
    return options;
  }

  override get name(): string {
    return 'headgate streaming';
  }
  override get author(): string {
    return 'headgate';
  }
  override get description(): string {
    return 'live RTP streams for any number of viewers';
  }

  override get adminRequests(): readonly string[] {
    return Object.entries(this.requests).flatMap(([verb, { kind }]) => (kind === 'sync' ? [verb] : []));
  }

  override handleInfo(handle: Handle): object {
    return handleInfo(handle, this.#context.viewerOf(handle));
  }

  override opened(host: StreamingHost): void {
    if (!('mountpoints' in host)) {
      throw new UsageError('HG_ERR_PLUGIN', { plugin: this.package, reason: 'the gateway has no mountpoints' });
    }
    this.#context.open(host);
  }

  override peerUp(handle: Handle): void {
    if (this.#context.viewerOf(handle)) handle.push(status('started'));
  }

  override peerClosed(handle: Handle, _reason: HangupReason): void {
    this.#context.viewerOf(handle)?.close('peer');
  }

  override detached(handle: Handle): void {
    this.#context.viewerOf(handle)?.close();
  }
}
