/** The built-in plugins. */
export { EchoTestPlugin, type EchoTestHost, type EchoTestOptions } from './echotest/index.js';
export {
  NotYetError,
  StreamingPlugin,
  type MountpointStore,
  type StoredChanges,
  type StoredMountpoint,
  type StreamingHost,
  type StreamingOptions,
} from './streaming/index.js';
