import { isIP } from 'node:net';
import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Arguments {
  folder: string | undefined;
  config: string | undefined;
  check: boolean;
  debugLevel: number | undefined;
  logFile: string | undefined;
  /** Where figures are served; undefined: nowhere. */
  metrics: MetricsAddress | undefined;
  help: boolean;
  version: boolean;
}

/** Where Prometheus may ask. */
export interface MetricsAddress {
  host: string;
  port: number;
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
      --metrics [ADDRESS:]PORT serve http://ADDRESS:PORT/metrics for Prometheus; ADDRESS is 127.0.0.1 if not given
  -h, --help                   this text
  -V, --version                the version

Signals: SIGTERM and SIGINT stop it, SIGHUP opens the log files anew and reads the certificates of HTTPS and wss again.
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
      metrics: { type: 'string' },
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
    metrics: values.metrics === undefined ? undefined : readMetricsAddress(values.metrics),
    help: values.help,
    version: values.version,
  };
  if (!given.help && !given.version && given.folder === undefined && given.config === undefined) {
    throw new Error('-F FOLDER is missing: name the configuration folder, as in headgate -F /etc/janus');
  }
  return given;
}

/** `9100`, `10.0.0.5:9100`, `[::1]:9100` */
function readMetricsAddress(text: string): MetricsAddress {
  const [, ipv6, ipv4, digits] = /^(?:\[([^\]]*)\]:|([^:]*):)?(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? ipv4 ?? '127.0.0.1';
  const port = Number(digits);
  const good = (ipv6 === undefined ? isIP(host) === 4 : isIP(host) === 6) && port >= 1 && port <= 65535;
  if (good) return { host, port };
  throw new Error(
    `--metrics ${text}: it must be a port, or an address and a port, as 9100, 10.0.0.5:9100 or [::1]:9100`,
  );
}
