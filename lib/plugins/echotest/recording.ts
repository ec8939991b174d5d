import type { Logger } from '../../logger.js';
import type { IncomingTrack } from '../../peer/peer.js';
import { EXTENSIONS, type ExtensionName } from '../../peer/sdp/extensions.js';
import { link, type Link } from '../../routing/link.js';
import type { DataRecorder, Recorder, RecorderFactory } from '../../routing/recorder.js';

export interface RecordingOptions {
  /** Where files go: `-audio.mjr` and so on is added. */
  base: string;
  endToEndEncrypted: boolean;
}

/** What one client sends, from `record: true` to `record: false`: a file for each track, and one for all messages. */
export class Recording {
  readonly #factory: RecorderFactory;
  readonly #log: Logger;
  readonly #options: RecordingOptions;
  readonly #recorders = new Map<IncomingTrack, { recorder: Recorder; link: Link }>();
  readonly #count = { audio: 0, video: 0 };
  #data: DataRecorder | null = null;

  constructor(factory: RecorderFactory, logger: Logger, options: RecordingOptions) {
    this.#factory = factory;
    this.#log = logger;
    this.#options = options;
  }

  /** Begins with a track, if it is not there already. What cannot be written is logged, and media goes on. */
  add(track: IncomingTrack): void {
    if (track.closed || this.#recorders.has(track)) return;
    const { fmtp, extensions, redPayloadType } = track.negotiated;
    const number = ++this.#count[track.kind];
    const recorder = this.#make(() =>
      this.#factory.createRecorder({
        path: `${this.#options.base}-${track.kind}${number === 1 ? '' : `-${String(number)}`}.mjr`,
        codec: track.codec,
        fmtp,
        extensions: urisOf(extensions),
        redPayloadType,
        endToEndEncrypted: this.#options.endToEndEncrypted,
      }),
    );
    if (recorder === null) return;
    this.#recorders.set(track, { recorder, link: link(track, recorder) });
    track.once('close', () => void recorder.close());
  }

  /** Begins with the messages of data channels, if it is not there already. */
  addData(): void {
    this.#data ??= this.#make(() =>
      this.#factory.createDataRecorder({
        path: `${this.#options.base}-data.mjr`,
        endToEndEncrypted: this.#options.endToEndEncrypted,
      }),
    );
  }

  /** A message as it came; one that is longer than what the format has room for is left out. */
  write(message: string | Uint8Array): void {
    if (this.#data?.closed === false) this.#data.write(message);
  }

  /** What is not sent back is not recorded either. */
  setMuted(muted: Readonly<Record<'audio' | 'video', boolean>>): void {
    for (const { link: recorded } of this.#recorders.values()) {
      if (recorded.closed) continue;
      if (muted[recorded.sink.kind]) recorded.pause();
      else recorded.resume();
    }
  }

  /** Resolves when all files are finished. */
  async stop(): Promise<void> {
    const files = [...this.#recorders.values()].map(({ recorder }) => recorder.close());
    if (this.#data !== null) files.push(this.#data.close());
    await Promise.all(files);
  }

  #make<T>(create: () => T): T | null {
    try {
      return create();
    } catch (error) {
      this.#log.error({ err: error }, 'an echo test is not recorded');
      return null;
    }
  }
}

function urisOf(extensions: Partial<Record<ExtensionName, number>>): Record<number, string> {
  const ids = Object.entries(extensions) as [ExtensionName, number][];
  return Object.fromEntries(ids.map(([name, id]) => [id, EXTENSIONS[name].uri]));
}
