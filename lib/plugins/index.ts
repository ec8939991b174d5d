/** The built-in plugins. */
export { StreamingPlugin, type StreamingHost, type StreamingOptions } from './streaming/index.js';
