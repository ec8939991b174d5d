/** A client of the Janus API over a WebSocket, and a peer of its own: real ICE, DTLS and SRTP without a browser. */
import { once } from 'node:events';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { findCodec, link, type Gateway, type Injector, type Peer } from '../../lib/index.js';
import { until } from './browser.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into messages freely
export type Json = any;

/** What names a handle in requests. */
export interface HandleIds {
  session_id: number;
  handle_id: number;
}

const PATIENCE = 60;

/** Keeps all it hears, in order. */
export class WireClient {
  readonly heard: Json[] = [];
  readonly socket: WebSocket;
  #transactions = 0;

  static async connect(t: Test, url: string): Promise<WireClient> {
    const client = new WireClient(new WebSocket(url, 'janus-protocol'));
    t.teardown(() => client.socket.terminate());
    await once(client.socket, 'open');
    return client;
  }

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.heard.push(JSON.parse(data.toString())));
  }

  /** Sends a request; gives the reply. */
  async ask(janus: string, rest: object = {}): Promise<Json> {
    const transaction = `t${String((this.#transactions += 1))}`;
    this.socket.send(JSON.stringify({ janus, transaction, ...rest }));
    return this.next(`the reply to ${janus}`, (one) => one.transaction === transaction && one.janus !== 'event');
  }

  /** Sends a message to a plugin; gives the event that answers it. */
  async message(ids: HandleIds, body: object, jsep?: object): Promise<Json> {
    const { janus, transaction, error } = await this.ask('message', { ...ids, body, ...(jsep ? { jsep } : {}) });
    if (janus !== 'ack') throw new Error(`${String(janus)} instead of an ack: ${JSON.stringify(error)}`);
    return this.next('the event', (one) => one.janus === 'event' && one.transaction === transaction);
  }

  async attach(plugin: string, session?: number): Promise<HandleIds> {
    const session_id: number = session ?? (await this.ask('create')).data.id;
    return { session_id, handle_id: (await this.ask('attach', { session_id, plugin })).data.id };
  }

  /** The first message that fits, also one that came already; `after` so many. */
  async next(what: string, fits: (message: Json) => boolean, after = 0): Promise<Json> {
    return until(what, () => this.heard.slice(after).find(fits), PATIENCE);
  }

  /** The first event of that kind of a handle. */
  event({ handle_id }: HandleIds, kind: string, after = 0): Promise<Json> {
    return this.next(kind, ({ janus, sender }) => janus === kind && sender === handle_id, after);
  }

  /** What was said of a handle, in short. */
  kinds({ handle_id }: HandleIds): string[] {
    return this.heard.filter(({ sender }) => sender === handle_id).map(({ janus }) => janus as string);
  }
}

/** A VP8 keyframe of one packet. */
export function keyframe(seq: number): Buffer {
  const bytes = Buffer.alloc(212);
  bytes.writeUInt16BE(0x80e0, 0);
  bytes.writeUInt16BE(seq & 0xffff, 2);
  bytes.writeUInt32BE((seq * 1800) >>> 0, 4);
  bytes.writeUInt32BE(0x1234, 8);
  bytes.set([0x10, 0x50, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xb4, 0], 12);
  return bytes;
}

/** Sends one video, 50 packets a second, when it is told to. */
export class Publisher {
  readonly peer: Peer;
  readonly #injector: Injector;
  #timer: NodeJS.Timeout | undefined;
  #seq = 0;
  #lost = 0;

  private constructor(gateway: Gateway, peer: Peer) {
    this.peer = peer;
    this.#injector = gateway.createInjector({ codec: 'vp8' });
    const track = peer.track('v');
    if (track === undefined) throw new Error('no track');
    link(this.#injector, track);
    peer.once('close', () => this.pause());
  }

  /** Of a gateway that is not the one that is asked; gives the offer too. */
  static async offer(gateway: Gateway): Promise<{ publisher: Publisher; sdp: string }> {
    const codec = findCodec('vp8');
    if (codec === undefined) throw new Error('no VP8');
    const peer = gateway.createPeer();
    const sdp = await peer.createOffer({
      sessionName: 'x',
      media: [{ mid: 'v', codec, direction: 'sendrecv', payloadType: 96, extensions: ['mid'] }],
    });
    return { publisher: new Publisher(gateway, peer), sdp };
  }

  /** Sends what it is to send to an echo test, and is connected. */
  static async echo(client: WireClient, ids: HandleIds, gateway: Gateway): Promise<Publisher> {
    const { publisher, sdp } = await Publisher.offer(gateway);
    const { jsep } = await client.message(ids, { video: true }, { type: 'offer', sdp });
    publisher.peer.setAnswer(jsep.sdp);
    await client.event(ids, 'webrtcup');
    return publisher;
  }

  /** @param lost - so many of 50 packets never leave */
  play({ lost = 0 } = {}): void {
    this.#lost = lost;
    this.#timer ??= setInterval(() => {
      this.#seq += 1;
      if (this.#seq % 50 >= this.#lost) this.#injector.write([keyframe(this.#seq)]);
    }, 20);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
