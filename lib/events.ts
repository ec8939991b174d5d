import { EventEmitter } from 'node:events';

/** Name of each event and the arguments its listeners get: `{ close: [reason: string] }`. */
export type EventMap<Events> = { [Name in keyof Events]: unknown[] };

/** A function that hears one event. */
export type Listener<Args extends unknown[]> = (...args: Args) => void;

/**
 * Node's event emitter with typed events and one difference: a listener that
 * throws disturbs neither the other listeners nor the object that emitted. Its
 * error is thrown again from an empty stack, where it ends the process unless
 * somebody handles `uncaughtException`.
 *
 * @example
 * class Lamp extends Emitter<{ on: []; dim: [percent: number] }> {}
 * new Lamp().on('dim', (percent) => console.log(percent));
 */
export class Emitter<Events extends EventMap<Events>> {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  /** Calls `listener` each time the event happens. */
  on<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this {
    this.#emitter.on(name, listener as Listener<unknown[]>);
    return this;
  }

  /** Calls `listener` the next time the event happens, and never again. */
  once<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this {
    this.#emitter.once(name, listener as Listener<unknown[]>);
    return this;
  }

  /** Takes back {@link on} or {@link once}. */
  off<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this {
    this.#emitter.off(name, listener as Listener<unknown[]>);
    return this;
  }

  /** How many listeners an event has. */
  listenerCount(name: keyof Events & string): number {
    return this.#emitter.listenerCount(name);
  }

  /** For the object itself. Returns whether anybody listened. */
  emit<Name extends keyof Events & string>(name: Name, ...args: Events[Name]): boolean {
    // rawListeners: the wrappers of once() take themselves off when called.
    const listeners = this.#emitter.rawListeners(name);
    for (const listener of listeners) {
      try {
        Reflect.apply(listener, this, args);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
    return listeners.length > 0;
  }
}
