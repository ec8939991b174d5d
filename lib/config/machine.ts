/** Checks settings against this machine: its addresses, ports and folders. */
import { accessSync, constants, statSync, type Stats } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { localAddresses } from '../peer/addresses.js';
import { addressOf } from '../routing/udp-source.js';
import type { Checked } from './checks.js';
import { placeNames, serversOf, type ServerPlan } from './listeners.js';
import { show, type Place } from './tree.js';

const ANY = ['0.0.0.0', '::'];

export function checkMachine(checked: Checked): void {
  checkCandidates(checked);
  const servers = serversOf(checked.settings).filter((server) => checkHost(checked, server));
  checkPorts(checked, servers);
  checkFolders(checked);
}

/** The addresses of ICE candidates. */
function checkCandidates({ settings, report, placeOf }: Checked): void {
  const { interfaces, ignoreInterfaces = [], allowLoopback = false, ipv6 = false } = settings.gateway?.media ?? {};
  const at = placeOf('gateway.media.interfaces');
  if (at === undefined) return;
  const text = problemOf(() => localAddresses({ interfaces, ignoreInterfaces, allowLoopback, ipv6 }), 'reason');
  if (text !== undefined) report('error', at, text);
}

/** Whether a server's address is one of this machine. */
function checkHost({ report, placeOf }: Checked, { path, listen: { ip, interface: on } }: ServerPlan): boolean {
  const say = (name: string, text: string | undefined): boolean => {
    const at = placeOf(`${path}.${name}`);
    if (text !== undefined && at !== undefined) report('error', at, text);
    return text === undefined;
  };
  // `ip` is what counts if there are both.
  if (ip === undefined) return say('interface', on === undefined ? undefined : problemOf(() => addressOf(on)));
  if (isIP(ip) === 0)
    return say('ip', `${JSON.stringify(ip)} is no IP address; a name of an interface belongs in "interface"`);
  const known = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  // All of 127.0.0.0/8 is this machine's, whatever the list says.
  const isOurs = ANY.includes(ip) || ip.startsWith('127.') || known.includes(ip);
  return say('ip', isOurs ? undefined : `this machine does not have the address ${ip}; it has ${known.join(', ')}`);
}

/** Two servers on one port, or on one Unix socket. */
function checkPorts({ settings, report, placeOf }: Checked, servers: readonly ServerPlan[]): void {
  const taken: { what: string; at: Place; address: string; host: string | undefined }[] = [];
  const claim = (what: string, at: Place | undefined, address: string, host?: string): void => {
    if (at === undefined) return;
    const other = taken.find((one) => one.address === address && (!one.host || !host || one.host === host));
    if (other === undefined) taken.push({ what, at, address, host });
    else
      report(
        'error',
        at,
        `${what} wants ${address}, which ${other.what} has already (${show(other.at)}): choose another`,
      );
  };
  for (const { what, path, port, listen } of servers) {
    const at = placeNames(path)
      .map(placeOf)
      .find((place) => place !== undefined);
    const host = listen.ip ?? (listen.interface === undefined ? undefined : addressOf(listen.interface));
    if (listen.unix !== undefined) claim(what, at, resolve(listen.unix));
    else claim(what, at, `port ${String(port)}`, host === undefined || ANY.includes(host) ? undefined : host);
  }
  for (const name of ['unix', 'adminUnix'] as const) {
    const { enabled, path } = settings[name] ?? {};
    if (enabled === true && path !== undefined) claim('the Unix socket', placeOf(`${name}.path`), resolve(path));
  }
}

/** Folders of files that will be written. */
function checkFolders({ settings, report, placeOf }: Checked): void {
  const { log, pidFile, unix, adminUnix } = settings;
  const files: Record<string, string | undefined> = {
    'log.file': log?.file,
    'log.jsonFile': log?.jsonEnabled === true ? log.jsonFile : undefined,
    pidFile,
    'unix.path': unix?.enabled === true ? unix.path : undefined,
    'adminUnix.path': adminUnix?.enabled === true ? adminUnix.path : undefined,
  };
  for (const { path, listen } of serversOf(settings)) files[`${path}.unix`] = listen.unix;
  for (const [path, file] of Object.entries(files)) {
    const at = placeOf(path);
    const text = file === undefined ? undefined : problemOfFile(file);
    if (at !== undefined && text !== undefined) report('error', at, text);
  }
}

/** Why a file cannot be made or written; undefined: it can. */
function problemOfFile(file: string): string | undefined {
  const found = look(file);
  if (found?.isDirectory() === true) return `${file} is a folder: name a file in it`;
  const folder = dirname(resolve(file));
  const above = look(folder);
  if (above === undefined) return `the folder ${folder} does not exist: make it, or name another`;
  if (!above.isDirectory()) return `${folder} is no folder: name another`;
  const path = found?.isFile() === true ? file : folder;
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch {
    return `${path} cannot be written by the user that runs this: allow it, or name another`;
  }
}

/** Undefined: there is nothing, or no way to it. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The text of a usage error, or one of its details. */
export function problemOf(attempt: () => unknown, detail?: string): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return detail === undefined ? error.message : String(error.details[detail]);
  }
}
