/** The built-in plugins. */
export { EchoTestPlugin, type EchoTestHost, type EchoTestOptions } from './echotest/index.js';
export { StreamingPlugin, type StreamingHost, type StreamingOptions } from './streaming/index.js';
