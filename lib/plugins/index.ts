/** The built-in plugins. */
export { EchoTestPlugin } from './echotest/index.js';
export { StreamingPlugin, type StreamingHost, type StreamingOptions } from './streaming/index.js';
