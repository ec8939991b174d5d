/**
 * Every setting of a configuration folder, what it becomes here, and what is
 * said when it has no effect. This is data: the reader follows it, and
 * docs/configuration.md is written from it.
 */
import { JANUS } from './core.js';
import { JSONLOG, SAMPLE_EVENT_HANDLER } from './observers.js';
import { ECHOTEST } from './plugins.js';
import type { Row } from './row.js';
import { STREAMING } from './streaming.js';
import { HTTP, UNIX, WEBSOCKETS } from './transports.js';

export { OTHER_FILES, type OtherFile } from './other-files.js';
export type { FileName, Row, Type } from './row.js';

/** All settings of the files that are read. */
export const TABLE: readonly Row[] = [
  ...JANUS,
  ...HTTP,
  ...WEBSOCKETS,
  ...UNIX,
  ...STREAMING,
  ...ECHOTEST,
  ...JSONLOG,
  ...SAMPLE_EVENT_HANDLER,
];
