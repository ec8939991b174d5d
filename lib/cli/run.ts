import { GatewayError, UsageError } from '../errors.js';
import { LeveledLogger } from '../logger.js';
import { VERSION } from '../version.js';
import { readConfiguration } from '../config/read.js';
import { describe, type Configuration, type Problem } from '../config/settings.js';
import { EXIT, HELP, readArguments, type Arguments } from './arguments.js';
import { Service } from './service.js';

/** How long stopping may take, in milliseconds; then the process ends as it is. */
const PATIENCE = 8_000;

/**
 * The `headgate` command.
 *
 * @returns the exit status; when it serves, after it was told to stop
 */
export async function run(argv: readonly string[]): Promise<number> {
  let given: Arguments;
  try {
    given = readArguments(argv);
  } catch (error) {
    process.stderr.write(`headgate: ${(error as Error).message}\nheadgate --help tells more\n`);
    return EXIT.USAGE;
  }
  if (given.help || given.version) {
    process.stdout.write(given.help ? HELP : `${VERSION}\n`);
    return EXIT.FINE;
  }
  try {
    const configuration = readConfiguration({ folder: given.folder, file: given.config });
    const errors = configuration.problems.filter(({ severity }) => severity === 'error');
    if (given.check) return check(configuration, errors);
    if (errors.length === 0) return await serve(configuration, given);
    for (const problem of errors) process.stderr.write(`${describe(problem)}\n`);
    process.stderr.write('headgate: nothing was started; headgate --check tells all there is to say of the files\n');
    return EXIT.CONFIGURATION;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    process.stderr.write(`headgate: ${error.message}\n`);
    return error instanceof UsageError ? EXIT.CONFIGURATION : EXIT.FAILED;
  }
}

function check({ problems, files, mountpoints }: Configuration, errors: readonly Problem[]): number {
  for (const problem of problems) process.stdout.write(`${describe(problem)}\n`);
  const counts = [
    `${String(files.length)} files`,
    `${String(mountpoints.length)} mountpoints`,
    `${String(errors.length)} errors`,
  ];
  process.stdout.write(`${counts.join(', ')}, ${String(problems.length - errors.length)} remarks\n`);
  return errors.length === 0 ? EXIT.FINE : EXIT.CONFIGURATION;
}

async function serve(configuration: Configuration, given: Arguments): Promise<number> {
  const { log = {} } = configuration.settings;
  const { level, console, file, timestamps, colors, prefix, jsonEnabled, jsonFile } = log;
  const logger = new LeveledLogger({
    level: given.debugLevel ?? level,
    console,
    timestamps,
    // A terminal shows them; what is piped to a file is not to have them unless that was asked for.
    colors: colors ?? process.stdout.isTTY,
    prefix,
    file: given.logFile ?? file,
    jsonFile: jsonEnabled === true ? jsonFile : undefined,
  });
  logger.info(`headgate ${VERSION}, configured by ${configuration.files[0] ?? ''}`);
  for (const problem of configuration.problems) {
    const isImportant = problem.severity === 'not supported yet' || problem.severity === 'warning';
    (isImportant ? logger.warn : logger.info)(describe(problem));
  }
  // From the start: a signal while it starts stops it, too.
  const told = new Promise<NodeJS.Signals>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
  let reload = (): void => undefined;
  process.on('SIGHUP', () => {
    logger.reopen();
    logger.info('the log files were opened anew');
    reload();
  });
  const service = await Service.start(configuration, logger, given.metrics);
  reload = () => service.reloadCertificates();
  const signal = await told;
  logger.info(`${signal}: stopping`);
  return stop(service, logger);
}

/** Another signal ends it at once. */
async function stop(service: Service, logger: LeveledLogger): Promise<number> {
  const end = (why: string): void => {
    logger.error(`${why}: the process ends as it is`);
    process.exit(EXIT.FAILED);
  };
  process.on('SIGTERM', () => end('a second SIGTERM'));
  process.on('SIGINT', () => end('a second SIGINT'));
  const timer = setTimeout(() => end(`stopping took more than ${String(PATIENCE / 1000)} s`), PATIENCE);
  await service.stop();
  clearTimeout(timer);
  logger.close();
  return EXIT.FINE;
}
