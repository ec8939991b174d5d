/** Everything between a client of the echo test and the native engine, which is a stub. */
import type { Test } from 'tap';
import { EchoTestPlugin, type EchoTestOptions } from '../../lib/plugins/index.js';
import type { DataRecorderOptions, RecorderOptions } from '../../lib/routing/recorder.js';
import { LocalClient, type LocalHandle } from '../../lib/session/local-client.js';
import { SessionTable } from '../../lib/session/sessions.js';
import { MediaBench } from './media-bench.js';

/** The echo test over a stub of the native engine. */
export class EchoBench extends MediaBench {
  readonly local: LocalClient;
  readonly errors: string[] = [];

  constructor(t: Test, options?: EchoTestOptions) {
    super();
    const logger = { ...this.logger, error: (_: unknown, text?: string) => void this.errors.push(text ?? '') };
    const plugin = new EchoTestPlugin(options);
    plugin.opened({
      logger,
      notify: () => undefined,
      createRecorder: (one: RecorderOptions) => this.recorders.createRecorder(one),
      createDataRecorder: (one: DataRecorderOptions) => this.recorders.createDataRecorder(one),
    });
    const sessions = new SessionTable({
      plugins: new Map([[EchoTestPlugin.package, plugin]]),
      logger: this.logger,
      createPeer: (peerOptions) => this.peers.createPeer(peerOptions),
    });
    this.local = new LocalClient(sessions);
    t.teardown(() => sessions.close());
  }

  attach(): Promise<LocalHandle> {
    return this.local.attach(EchoTestPlugin.package);
  }

  get files(): string[] {
    return this.engine.recorders.map(({ options }) => options.path);
  }

  get open(): number {
    return this.engine.recorders.filter(({ closed }) => !closed).length;
  }
}
