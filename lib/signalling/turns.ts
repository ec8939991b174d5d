import type { Outcome } from './janus-api.js';

/** What is left to do of a request when it may be made; never throws. */
export type Step = () => Outcome | Promise<Outcome>;

/**
 * The requests of one connection, in their order. Each may have to wait until
 * the application has decided whether it may be made; those behind it wait, too,
 * though the application may decide about them meanwhile.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  /** How many requests wait, the one that is being answered included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Runs a step when those before it were answered; at once if there are none. */
  take(step: Step | Promise<Step>): Outcome | Promise<Outcome> {
    if (this.#waiting === 0 && !(step instanceof Promise)) return step();
    return this.#takeLater(step);
  }

  /** The client is gone: what waits is not run. */
  close(): void {
    this.#closed = true;
  }

  async #takeLater(step: Step | Promise<Step>): Promise<Outcome> {
    const before = this.#last;
    let end = (): void => undefined;
    this.#last = new Promise((resolve) => (end = resolve));
    this.#waiting += 1;
    const done = (): void => {
      this.#waiting -= 1;
      end();
    };
    await before;
    const run = await step;
    // Nobody hears the answer, and what the request made would belong to nobody.
    const outcome = this.#closed ? GONE : run();
    if (outcome instanceof Promise) {
      // As if it had not had to wait: a plugin that takes its time holds up nobody.
      done();
      return outcome;
    }
    return {
      reply: outcome.reply,
      after: () => {
        try {
          outcome.after();
        } finally {
          done();
        }
      },
    };
  }
}

const GONE: Outcome = { reply: {}, after: () => undefined };
