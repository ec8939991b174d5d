import { UsageError } from '../errors.js';
import { Emitter } from '../events.js';
import type { Sink } from './sink.js';
import type { Source } from './source.js';

const linkOf = new WeakMap<Sink, Link>();
const linksBySource = new WeakMap<Source, Set<Link>>();

function linksFrom(source: Source): Set<Link> {
  let links = linksBySource.get(source);
  if (links === undefined) linksBySource.set(source, (links = new Set()));
  return links;
}

/** Where a source goes. */
export function linksOf(source: Source): ReadonlySet<Link> {
  return linksFrom(source);
}

/**
 * Sends a source to a sink, from now until one of them closes. The packets go
 * on the media thread; they are rewritten so that the sink sees one stream
 * whatever it is switched to.
 *
 * @throws {@link UsageError} `HG_ERR_CLOSED`; `HG_ERR_STATE` if the sink has a source already or is of another kind
 * @example
 * const out = link(camera, peer.track('v'));
 * out.switch(otherCamera);
 */
export function link(source: Source, sink: Sink): Link {
  return new Link(source, sink);
}

/** Made by {@link link}. */
export class Link extends Emitter<{ close: [] }> {
  readonly sink: Sink;
  #source: Source;
  #paused = false;
  #closed = false;
  readonly #end = (): void => this.close();

  constructor(source: Source, sink: Sink) {
    super();
    this.sink = sink;
    if (sink.closed) throw new UsageError('HG_ERR_CLOSED', { what: 'the sink' });
    if (linkOf.has(sink)) {
      throw new UsageError('HG_ERR_STATE', { what: 'the sink', reason: 'it has a source; switch its link' });
    }
    this.#source = this.#join(source);
    linkOf.set(sink, this);
    sink.once('close', this.#end);
  }

  get source(): Source {
    return this.#source;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends another source instead. The sink keeps its SSRC, sequence and clock.
   *
   * @throws {@link UsageError} `HG_ERR_CLOSED`; `HG_ERR_STATE` if it is of another kind
   */
  switch(source: Source): void {
    this.#mustBeOpen();
    if (source === this.#source) return;
    const before = this.#source;
    this.#source = this.#join(source);
    before.off('close', this.#end);
    linksFrom(before).delete(this);
  }

  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  /** The sink sends nothing any more. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    linkOf.delete(this.sink);
    this.sink.off('close', this.#end);
    this.#source.off('close', this.#end);
    linksFrom(this.#source).delete(this);
    if (!this.sink.closed) this.sink.attach(null);
    this.emit('close');
  }

  #join(source: Source): Source {
    if (source.kind !== this.sink.kind) {
      throw new UsageError('HG_ERR_STATE', {
        what: `a sink of ${this.sink.kind}`,
        reason: `the source is ${source.kind}`,
      });
    }
    const reason = this.sink.refuses?.(source);
    if (reason !== undefined) throw new UsageError('HG_ERR_STATE', { what: 'the sink', reason });
    if (source.closed) throw new UsageError('HG_ERR_CLOSED', { what: source.title });
    linksFrom(source).add(this);
    this.sink.attach(source.encodings);
    source.once('close', this.#end);
    return source;
  }

  #setPaused(paused: boolean): void {
    this.#mustBeOpen();
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.sink.setPaused(paused);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new UsageError('HG_ERR_CLOSED', { what: 'the link' });
  }
}
