/** The mountpoints of janus.plugin.streaming.jcfg, read as the streaming plugin reads its `create`. */
import { GatewayError } from '../errors.js';
import { NotYetError, StreamingPlugin, type StreamingOptions } from '../plugins/index.js';
import { PluginError } from '../plugins/plugin.js';
import type { MountpointOptions } from '../routing/mountpoint.js';
import { addressOf } from '../routing/udp-source.js';
import { problemOf } from './machine.js';
import type { Reader } from './read.js';
import type { ConfiguredMountpoint } from './settings.js';
import { TABLE, type Row } from './table/index.js';
import type { Document, Item, Place, Setting } from './tree.js';

const ROWS = TABLE.filter(({ file }) => file === 'janus.plugin.streaming');

/** Reads all groups but `general`; what cannot be made is reported and left out. */
export function readMountpoints(reader: Reader, document: Document): ConfiguredMountpoint[] {
  const options = reader.settings.gateway?.streaming;
  if (options === false) return [];
  const plugin = pluginFor(options);
  const mountpoints: ConfiguredMountpoint[] = [];
  for (const group of document.settings) {
    if (group.value.kind !== 'group' || group.name === 'general') continue;
    const body = readGroup(reader, group.value.settings, '*.');
    if (body === undefined) continue;
    try {
      if (body['id'] !== undefined) body['id'] = readId(body['id'], options?.stringIds === true);
      const mountpoint = { at: group.at, options: plugin.readMountpoint({ name: group.name, ...body }) };
      mountpoints.push(mountpoint);
      warnOfInterfaces(reader, group, mountpoint);
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      const at = placeIn(group, error.message) ?? group.at;
      reader.report(
        error instanceof NotYetError ? 'not supported yet' : 'error',
        at,
        `mountpoint "${group.name}": ${error.message}`,
      );
    }
  }
  return reportDoubles(reader, mountpoints);
}

/** One that is not there now may come before the start, so that is tried all the same. */
function warnOfInterfaces(reader: Reader, group: Setting, { at, options }: ConfiguredMountpoint): void {
  for (const name of new Set(options.media.map((track) => track.interface))) {
    const text = name === undefined ? undefined : problemOf(() => addressOf(name));
    if (name === undefined || text === undefined) continue;
    reader.report('warning', placeOfInterface(group, name) ?? at, `mountpoint "${group.name}": ${text}`);
  }
}

function placeOfInterface({ value }: Item, name: string): Place | undefined {
  if ('items' in value) return value.items.map((item) => placeOfInterface(item, name)).find((at) => at !== undefined);
  if (value.kind !== 'group') return undefined;
  const isMeant = (one: Setting): boolean =>
    one.name.endsWith('iface') && 'value' in one.value && one.value.value === name;
  return value.settings
    .map((one) => (isMeant(one) ? one.at : placeOfInterface(one, name)))
    .find((at) => at !== undefined);
}

/** As the plugin wants ids; in the older form they are texts, whatever they are meant to be. */
function readId(id: unknown, stringIds: boolean): unknown {
  if (stringIds) return typeof id === 'number' ? String(id) : id;
  return typeof id === 'string' && /^\d{1,16}$/.test(id) ? Number(id) : id;
}

function pluginFor(options: StreamingOptions | undefined): StreamingPlugin {
  try {
    return new StreamingPlugin(options);
  } catch (error) {
    // What is wrong with them was reported.
    if (error instanceof GatewayError) return new StreamingPlugin();
    throw error;
  }
}

/** The fields of a group, or undefined if one of them is wrong. */
function readGroup(reader: Reader, settings: readonly Setting[], prefix: string): Record<string, unknown> | undefined {
  const rows = ROWS.filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('.'));
  const body: Record<string, unknown> = {};
  let good = true;
  for (const setting of settings) {
    const row: Row | undefined = rows.find(({ path }) => path === prefix + setting.name);
    if (row === undefined) {
      reader.unknown(
        setting,
        rows.map(({ path }) => path.slice(prefix.length)),
        'mountpoints have no setting',
      );
      continue;
    }
    const value = reader.readSetting(setting, row);
    if (value === undefined) {
      good &&= row.kind !== 'supported';
    } else if (row.type === 'groups') {
      const streams = (value as readonly Item[]).map(({ value: group }) =>
        group.kind === 'group' ? readGroup(reader, group.settings, `${prefix}${setting.name}[].`) : undefined,
      );
      good &&= !streams.includes(undefined);
      body[setting.name] = streams;
    } else if (row.to !== undefined) {
      body[row.to] = value;
    }
  }
  return good ? body : undefined;
}

/** The place of the setting that an error names first: `"audioport" …`, `media[1].port: …`, `media[0]: "mid" …`. */
function placeIn(group: Setting, text: string): Place | undefined {
  const index = /media\[(\d+)\]/.exec(text)?.[1];
  const settings = group.value.kind === 'group' ? group.value.settings : [];
  const named = (list: readonly Setting[]): Setting | undefined =>
    [...text.matchAll(/\w+/g)].flatMap(([word]) => list.find(({ name }) => name === word) ?? [])[0];
  if (index === undefined) return named(settings)?.at;
  const media = settings.find(({ name }) => name === 'media');
  const stream = media?.value.kind === 'list' ? media.value.items[Number(index)] : undefined;
  const inner = stream?.value.kind === 'group' ? named(stream.value.settings) : undefined;
  return inner?.at ?? stream?.at;
}

/** Leaves out those whose id or ports others have. */
function reportDoubles(reader: Reader, mountpoints: readonly ConfiguredMountpoint[]): ConfiguredMountpoint[] {
  const taken = new Map<string, Place>();
  return mountpoints.filter(({ at, options }) => {
    const claims = claimsOf(options);
    const double = claims.find((claim) => taken.has(claim));
    for (const claim of claims) if (!taken.has(claim)) taken.set(claim, at);
    if (double === undefined) return true;
    const line = String(taken.get(double)?.line);
    reader.report(
      'error',
      at,
      `mountpoint "${String(options.name)}": ${double} is used by the mountpoint in line ${line} already`,
    );
    return false;
  });
}

function claimsOf({ id, media }: MountpointOptions): string[] {
  const ports = media.flatMap(({ port, rtcpPort = 0, multicast, interface: on }) =>
    [port, rtcpPort]
      .filter((one) => one > 0)
      .map((one) => {
        return `port ${String(one)}${multicast === undefined ? '' : ` of ${multicast}`}${on === undefined ? '' : ` on ${on}`}`;
      }),
  );
  return [...(id === undefined || id === 0 ? [] : [`id ${String(id)}`]), ...ports];
}
