/**
 * How a request handler makes Express mount its error handler, too.
 *
 * `app.use(express.json())` in front of us answers malformed JSON before we are
 * asked. What could answer it instead is an error handler behind it, but
 * `app.use('/janus', handler)` takes one function, and a function is either a
 * handler or an error handler. Express has one door left: an application that is
 * mounted in another hears of it by the event `mount`. So the handler looks like
 * an application: Express recognises one by `handle` and `set`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JanusHttpHandler, Next } from './http-handler.js';

interface MountedApp {
  mountpath?: string | string[];
  handle(req: IncomingMessage, res: ServerResponse, next: Next): void;
  set(): void;
  emit(event: string, parent: ExpressApp): boolean;
}

interface ExpressApp {
  use(path: string | string[], handler: JanusHttpHandler['errors']): unknown;
}

/** Gives the handler what Express looks for in an application. */
export function asExpressApp(handler: JanusHttpHandler): JanusHttpHandler {
  const app: MountedApp = {
    handle: handler,
    set: () => undefined,
    emit(event, parent) {
      if (event === 'mount') parent.use((handler as unknown as MountedApp).mountpath ?? '/', handler.errors);
      return true;
    },
  };
  return Object.assign(handler, app);
}
