import type { Logger } from '../../logger.js';

/** By the levels of Janus: none, fatal, error, warning, info, verbose, huge, debug. */
const BY_LEVEL = [undefined, 'error', 'error', 'warn', 'info', 'debug', 'trace', 'trace'] as const;

/** Writes a line into the log; one of level 0 is written nowhere, one above 7 as information. */
export function writeLogLine(logger: Logger, line: string, level: number): void {
  const method = level < BY_LEVEL.length ? BY_LEVEL[level] : 'info';
  if (method !== undefined) logger[method](line);
}
