// What the tests use of janode, which has no types of its own.
declare module 'janode' {
  import type { EventEmitter } from 'node:events';

  export interface Jsep {
    type: 'offer' | 'answer';
    sdp: string;
  }
  export interface JanodeHandle extends EventEmitter {
    readonly id: number;
    trickle(candidate: object): Promise<void>;
    trickleComplete(): Promise<void>;
    hangup(): Promise<object>;
    detach(): Promise<void>;
  }
  /** A plugin: what its handle can do beyond that. */
  export interface Descriptor<Calls> {
    readonly id: string;
    readonly EVENT: Readonly<Record<string, string>>;
    readonly Handle: new (...args: never) => JanodeHandle & Calls;
  }
  export interface JanodeSession extends EventEmitter {
    readonly id: number;
    attach<Calls>(descriptor: Descriptor<Calls>): Promise<JanodeHandle & Calls>;
    destroy(): Promise<void>;
  }
  export interface JanodeConnection extends EventEmitter {
    create(keepAliveSeconds?: number): Promise<JanodeSession>;
    getInfo(): Promise<{ name: string; transports: object }>;
    close(): Promise<void>;
  }
  const Janode: {
    connect(config: { address: { url: string }; max_retries?: number }): Promise<JanodeConnection>;
    readonly Logger: { setLevel(level: string): void };
  };
  export default Janode;
}

declare module 'janode/plugins/echotest' {
  import type { Descriptor, Jsep } from 'janode';

  interface EchoTestCalls {
    start(options: object): Promise<{ result: string; jsep: Jsep }>;
  }
  const EchoTest: Descriptor<EchoTestCalls>;
  export default EchoTest;
}

declare module 'janode/plugins/streaming' {
  import type { Descriptor, Jsep } from 'janode';

  interface Status {
    status: string;
    jsep?: Jsep;
    restart?: boolean;
  }
  interface StreamingCalls {
    list(options?: object): Promise<{ list: { id: number; description: string }[] }>;
    info(options: object): Promise<{ id: number; description: string; media: { type: string; mid: string }[] }>;
    watch(options: object): Promise<Status & { jsep: Jsep }>;
    start(options: object): Promise<Status>;
    configure(options: object): Promise<object>;
    pause(): Promise<Status>;
    switch(options: object): Promise<{ switched: string; id: number }>;
    stop(): Promise<Status>;
    enable(options: object): Promise<object>;
    disable(options: object): Promise<object>;
    startRecording(options: object): Promise<object>;
    stopRecording(options: object): Promise<object>;
    createRtpMountpoint(options: object): Promise<{ id: number; name: string; video_port: number | null }>;
    destroyMountpoint(options: object): Promise<{ id: number }>;
  }
  const Streaming: Descriptor<StreamingCalls>;
  export default Streaming;
}
