/** The files of the smaller plugins. */
import { OK, rows } from './row.js';

export const ECHOTEST = rows('janus.plugin.echotest', [['general.events', 'boolean', OK, 'events.plugin.echotest']]);
