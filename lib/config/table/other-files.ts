/** A file whose settings are not read: what it is for, and what is said if it turns something on. */
export interface OtherFile {
  /** The name without ending; `*` at its end stands for anything. */
  readonly file: string;
  readonly what: string;
  /** It does something even if nothing in it says `enabled`. */
  readonly always: boolean;
}

/** What else is in a folder, the more special first. */
export const OTHER_FILES: readonly OtherFile[] = [
  { file: 'janus.plugin.videoroom', what: 'video rooms', always: true },
  { file: 'janus.plugin.audiobridge', what: 'audio rooms', always: true },
  { file: 'janus.plugin.textroom', what: 'text rooms', always: true },
  { file: 'janus.plugin.sip', what: 'the SIP gateway', always: true },
  { file: 'janus.plugin.nosip', what: 'the NoSIP gateway', always: true },
  { file: 'janus.plugin.videocall', what: 'video calls', always: true },
  { file: 'janus.plugin.recordplay', what: 'recording and playing by clients', always: true },
  { file: 'janus.plugin.voicemail', what: 'voice mail', always: true },
  { file: 'janus.plugin.lua', what: 'plugins in Lua', always: true },
  { file: 'janus.plugin.duktape', what: 'plugins in Duktape', always: true },
  { file: 'janus.plugin.*', what: 'this plugin', always: true },
  { file: 'janus.transport.mqtt', what: 'MQTT', always: false },
  { file: 'janus.transport.nanomsg', what: 'Nanomsg', always: false },
  { file: 'janus.transport.rabbitmq', what: 'RabbitMQ', always: false },
  { file: 'janus.transport.*', what: 'this transport', always: false },
  { file: 'janus.eventhandler.gelfevh', what: 'events for GELF', always: false },
  { file: 'janus.eventhandler.mqttevh', what: 'events over MQTT', always: false },
  { file: 'janus.eventhandler.nanomsgevh', what: 'events over Nanomsg', always: false },
  { file: 'janus.eventhandler.rabbitmqevh', what: 'events over RabbitMQ', always: false },
  { file: 'janus.eventhandler.wsevh', what: 'events over WebSocket', always: false },
  { file: 'janus.eventhandler.*', what: 'this event handler', always: false },
  { file: 'janus.logger.*', what: 'this logger', always: false },
];
