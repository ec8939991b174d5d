import type { LogControl, Logger } from '../../logger.js';
import type { MediaTuning } from '../../peer/media-tuning.js';
import type { SignallingGateway } from '../janus-api.js';

/** What the admin API changes. */
export class AdminSettings {
  /** There are no locks to be watched: kept, and of no effect. */
  lockingDebug = false;
  /** There are no reference counts to be watched: kept, and of no effect. */
  refcountDebug = false;
  /** A packet is kept once for all viewers, whatever this says. */
  nackOptimizations = false;
  /** The logger itself, if it can be steered; values without effect if not. */
  readonly log: LogControl;
  /** The media threads' own; values without effect where there are none. */
  readonly media: MediaTuning;

  constructor({ logger, tuning }: SignallingGateway) {
    this.log = isLogControl(logger) ? logger : { level: 4, timestamps: false, colors: true };
    this.media = tuning ?? { maxNackQueue: 0, noMediaTimeout: 0, slowLinkThreshold: 0, iceDebug: false };
  }
}

/** Others have a `level`, too, which is a text. */
function isLogControl(logger: Logger): logger is Logger & LogControl {
  const { level, timestamps, colors } = logger as Partial<LogControl>;
  return typeof level === 'number' && typeof timestamps === 'boolean' && typeof colors === 'boolean';
}
