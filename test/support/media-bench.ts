/** Everything between a client's message and the native engine, which is a stub. */
import type { Test } from 'tap';
import type { Logger } from '../../lib/logger.js';
import { silentLogger } from '../../lib/logger.js';
import type { NativeEvent } from '../../lib/native/types.js';
import { Captures } from '../../lib/peer/capture.js';
import { Peers } from '../../lib/peer/peers.js';
import { StreamingPlugin, type StreamingOptions } from '../../lib/plugins/index.js';
import type { Plugin } from '../../lib/plugins/plugin.js';
import { Injectors } from '../../lib/routing/injector.js';
import { Mountpoints } from '../../lib/routing/mountpoint.js';
import { Recorders } from '../../lib/routing/recorder.js';
import { Taps } from '../../lib/routing/tap.js';
import { UdpSources } from '../../lib/routing/udp-source.js';
import type { LocalHandle, PluginData } from '../../lib/session/local-client.js';
import { LocalClient } from '../../lib/session/local-client.js';
import { SessionTable } from '../../lib/session/sessions.js';
import { UsageError } from '../../lib/errors.js';
import { StubEngine } from './native-stub.js';

/** Peers, sources and mountpoints over a stub. */
export class MediaBench {
  readonly warnings: string[] = [];
  /** What plugins told those who listen to events. */
  readonly notified: object[] = [];
  readonly logger: Logger = {
    ...silentLogger,
    warn: (first: string | object, second?: string) => this.#warn(first, second),
  };
  readonly engine = new StubEngine((events) => this.#dispatch(events));
  readonly captures = new Captures(this.engine, this.logger);
  readonly peers = new Peers(this.engine, this.logger, this.captures);
  readonly sources = new UdpSources(this.engine, this.logger);
  readonly mountpoints = new Mountpoints(this.sources, this.logger);
  readonly recorders = new Recorders(this.engine, this.logger);
  readonly taps = new Taps(this.engine, this.logger);
  readonly injectors = new Injectors(this.engine, this.logger);

  notify(_about: object, data: object | (() => object)): void {
    this.notified.push(typeof data === 'function' ? (data as () => object)() : data);
  }

  #warn(first: string | object, second?: string): void {
    this.warnings.push(typeof first === 'string' ? first : (second ?? ''));
  }

  #dispatch(events: NativeEvent[]): void {
    for (const event of events) {
      if (this.recorders.handleNativeEvent(event) || this.taps.handleNativeEvent(event)) continue;
      if (this.injectors.handleNativeEvent(event) || this.captures.handleNativeEvent(event)) continue;
      if (!this.peers.handleNativeEvent(event)) this.sources.handleNativeEvent(event);
    }
  }
}

/** The same with sessions and the streaming plugin. */
export class StreamingBench extends MediaBench {
  readonly plugin: StreamingPlugin;
  readonly sessions: SessionTable;
  readonly local: LocalClient;

  static async open(t: Test, options: StreamingOptions = {}): Promise<StreamingBench> {
    const bench = new StreamingBench(t, options);
    bench.plugin.opened(bench);
    return bench;
  }

  private constructor(t: Test, options: StreamingOptions) {
    super();
    this.plugin = new StreamingPlugin(options);
    const plugins = new Map<string, Plugin>([[StreamingPlugin.package, this.plugin]]);
    this.sessions = new SessionTable({
      plugins,
      logger: this.logger,
      createPeer: (peerOptions) => this.peers.createPeer(peerOptions),
    });
    this.local = new LocalClient(this.sessions);
    t.teardown(() => this.sessions.close());
  }

  async client(): Promise<Client> {
    return new Client(await this.local.attach(StreamingPlugin.package), this);
  }
}

/** What a handle's client hears: data of events, and the names of the rest. */
export class Client {
  readonly handle: LocalHandle;
  readonly heard: unknown[] = [];
  readonly #bench: StreamingBench;

  constructor(handle: LocalHandle, bench: StreamingBench) {
    this.handle = handle;
    this.#bench = bench;
    handle.on('event', ({ data }) => this.heard.push(data));
    handle.on('webrtcup', () => this.heard.push('webrtcup'));
    handle.on('hangup', ({ reason }) => this.heard.push(`hangup: ${reason}`));
    handle.on('detached', () => this.heard.push('detached'));
  }

  ask(body: object): Promise<PluginData> {
    return this.handle.send(body);
  }

  /** The error code a request is refused with; 0: it is not. */
  async code(body: object): Promise<number> {
    return (await this.#refusal(body)).code;
  }

  /** The text a request is refused with. */
  async refusal(body: object): Promise<string> {
    return (await this.#refusal(body)).text;
  }

  /** Watches, and gives the offer. */
  async watch(body: object): Promise<string> {
    const { jsep } = await this.handle.request({ request: 'watch', ...body });
    return jsep?.sdp ?? '';
  }

  /** Watches, answers and waits until the transport is up. */
  async play(body: object): Promise<void> {
    const offer = await this.watch(body);
    await this.handle.request({ request: 'start' }, { type: 'answer', sdp: answerTo(offer) });
    this.#bench.engine.peers.at(-1)?.connect();
    await turn();
  }

  async #refusal(body: object): Promise<{ code: number; text: string }> {
    try {
      await this.ask(body);
      return { code: 0, text: '' };
    } catch (error) {
      if (!(error instanceof UsageError) || error.code !== 'HG_ERR_REQUEST') throw error;
      return { code: Number(error.details['errorCode']), text: String(error.details['reason']) };
    }
  }
}

/** Lets everything that waits for the next turn happen. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 3; count++) await new Promise((resolve) => setImmediate(resolve));
}

const THEIRS = new Map([
  ['a=sendonly', 'a=recvonly'],
  ['a=recvonly', 'a=sendonly'],
  ['a=sendrecv', 'a=sendrecv'],
]);

/** What a browser would answer, all accepted. */
export function answerTo(offer: string): string {
  const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
  return offer
    .split('\r\n')
    .filter(
      (line) =>
        !/^a=(ssrc|ssrc-group|msid|candidate|end-of-candidates|setup|ice-ufrag|ice-pwd|fingerprint)\b/.test(line),
    )
    .map((line) => {
      const direction = THEIRS.get(line);
      if (direction !== undefined)
        return `${direction}\r\na=setup:active\r\na=ice-ufrag:client\r\na=ice-pwd:clientclientclientclient`;
      if (line.startsWith('t=')) return `${line}\r\na=fingerprint:sha-256 ${fingerprint}`;
      return line;
    })
    .join('\r\n');
}
