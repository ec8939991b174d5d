import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Arguments {
  folder: string | undefined;
  config: string | undefined;
  check: boolean;
  debugLevel: number | undefined;
  logFile: string | undefined;
  help: boolean;
  version: boolean;
}

/** The statuses that the command ends with. */
export const EXIT = {
  /** It did what it was asked for; or was told to stop, and did. */
  FINE: 0,
  /** It could not start, a port is taken for instance, or did not end in time. */
  FAILED: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** The configuration is wrong. */
  CONFIGURATION: 3,
} as const;

export const HELP = `Usage: headgate -F FOLDER [options]

Serves WebRTC as the configuration folder of a Janus installation says.

  -F, --configs-folder FOLDER  the folder, as /etc/janus
  -C, --config FILE            the main file, instead of the folder's janus.jcfg
      --check                  tell what is wrong with the files, and start nothing
  -d, --debug-level LEVEL      0 (nothing) to 7 (everything), instead of the files' debug_level
  -L, --log-file FILE          log to this file too, instead of the files' log_to_file
  -h, --help                   this text
  -V, --version                the version

Signals: SIGTERM and SIGINT stop it, SIGHUP opens the log files anew.
Exit status: 0 fine, 1 failed while starting or running, 2 wrong command line, 3 wrong configuration.
`;

/**
 * Reads the command line.
 *
 * @throws Error with a text for people
 */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      'configs-folder': { type: 'string', short: 'F' },
      config: { type: 'string', short: 'C' },
      check: { type: 'boolean', default: false },
      'debug-level': { type: 'string', short: 'd' },
      'log-file': { type: 'string', short: 'L' },
      help: { type: 'boolean', short: 'h', default: false },
      version: { type: 'boolean', short: 'V', default: false },
    },
  });
  const level = values['debug-level'];
  if (level !== undefined && !/^[0-7]$/.test(level)) {
    throw new Error(`-d ${level}: the level must be a number from 0 to 7`);
  }
  const given: Arguments = {
    folder: values['configs-folder'],
    config: values.config,
    check: values.check,
    debugLevel: level === undefined ? undefined : Number(level),
    logFile: values['log-file'],
    help: values.help,
    version: values.version,
  };
  if (!given.help && !given.version && given.folder === undefined && given.config === undefined) {
    throw new Error('-F FOLDER is missing: name the configuration folder, as in headgate -F /etc/janus');
  }
  return given;
}
