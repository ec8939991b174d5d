/** Keeps mountpoints in janus.plugin.streaming.jcfg, where the next start finds them. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { configError } from './tree.js';
import type { MountpointStore, StoredChanges, StoredMountpoint } from '../plugins/index.js';
import type { MountpointMediaOptions } from '../routing/mountpoint.js';
import { iniEditor, parseIni } from './ini.js';
import { libconfigEditor, parseLibconfig } from './libconfig.js';
import type { Document, Editor, Entries, Scalar } from './tree.js';

/**
 * A store that writes to one file. The file is read anew for each change, so
 * what people wrote into it meanwhile stays, and is replaced as a whole.
 *
 * @throws {@link UsageError} `HG_ERR_CONFIG`, by each of its functions; then the file is as it was
 */
export function fileStore(file: string): MountpointStore {
  const isIni = file.endsWith('.cfg');
  const editor = isIni ? iniEditor : libconfigEditor;
  const change = (edit: (editor: Editor, document: Document) => string | undefined): boolean => {
    const document = parse(file, isIni);
    const text = edit(editor, document);
    if (text === undefined) return false;
    // What was written must be what can be read.
    if (isIni) parseIni(file, text);
    else parseLibconfig(file, text, (path) => readFileSync(path, 'utf8'));
    replace(file, text);
    return true;
  };
  const has = (document: Document, name: string): boolean =>
    document.settings.some((setting) => setting.name === name && setting.value.kind === 'group');
  return {
    add(mountpoint) {
      if (mountpoint.name === 'general') throw fileError(file, 'no mountpoint can have the name "general"');
      change((to, document) =>
        to.putGroup(document, mountpoint.name, isIni ? oldEntries(mountpoint) : entriesOf(mountpoint)),
      );
    },
    change: (name, changes) =>
      change((to, document) => (has(document, name) ? to.changeGroup(document, name, namesOf(changes)) : undefined)),
    remove: (name) => change((to, document) => (has(document, name) ? to.removeGroup(document, name) : undefined)),
  };
}

function parse(file: string, isIni: boolean): Document {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    // The first mountpoint makes the file.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw fileError(file, `cannot be read: ${(error as Error).message}`);
  }
  return isIni ? parseIni(file, text) : parseLibconfig(file, text, (path) => readFileSync(path, 'utf8'));
}

/** In one step: whoever reads it, or loses power, finds the old text or the new one. */
function replace(file: string, text: string): void {
  let temporary: string | undefined;
  try {
    const target = existing(file);
    temporary = `${target.path}.${randomBytes(6).toString('hex')}.tmp`;
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(descriptor, text);
      // It may hold secrets: who could not read it before cannot now.
      fchmodSync(descriptor, target.mode);
      if (target.owner !== undefined) tryOwner(descriptor, target.owner);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, target.path);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw fileError(file, `cannot be written: ${(error as Error).message}`);
  }
}

/** Behind links, with its rights; a new file is its owner's to write and its group's to read. */
function existing(file: string): { path: string; mode: number; owner?: { uid: number; gid: number } } {
  try {
    const path = realpathSync(file);
    const { mode, uid, gid } = statSync(path);
    return { path, mode: mode & 0o777, owner: { uid, gid } };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { path: file, mode: 0o640 };
  }
}

function tryOwner(descriptor: number, { uid, gid }: { uid: number; gid: number }): void {
  try {
    fchownSync(descriptor, uid, gid);
  } catch {
    // Only root gives files to others; its own it has already.
  }
}

function fileError(file: string, problem: string): Error {
  return configError({ file, line: 1, column: 1 }, problem);
}

// ---- the words of the file ----------------------------------------------------------

function entriesOf(mountpoint: StoredMountpoint): Entries {
  return { ...commonOf(mountpoint), media: mountpoint.media.map((one) => mediaOf(one, (name) => name)) };
}

/** The older form has no lists: one track of a kind at most. */
function oldEntries(mountpoint: StoredMountpoint): Entries {
  const tracks: Record<string, Scalar>[] = [];
  for (const type of ['audio', 'video'] as const) {
    const [first, second] = mountpoint.media.filter((one) => one.type === type);
    if (second !== undefined) {
      throw new Error(
        'the older .cfg form has no more than one audio and one video track: rename the file to .jcfg and rewrite it',
      );
    }
    const {
      type: _type,
      mid: _mid,
      label: _label,
      msid: _msid,
      ...fields
    } = first === undefined ? {} : mediaOf(first, (name) => type + name);
    tracks.push({ [type]: first !== undefined, ...fields });
  }
  return { ...commonOf(mountpoint), ...tracks[0], ...tracks[1] };
}

function commonOf(mountpoint: StoredMountpoint): Record<string, Scalar> {
  const { id, collision, keyframeBuffer, e2ee, playoutDelay } = mountpoint;
  return given({
    type: 'rtp',
    id,
    ...namesOf(mountpoint),
    collision: collision || undefined,
    bufferkf_ms: keyframeBuffer?.ms || undefined,
    bufferkf_bytes: keyframeBuffer?.bytes || undefined,
    e2ee: e2ee || undefined,
    playoutdelay_ext: playoutDelay || undefined,
  });
}

/** What can be changed, by its name in the file; members that are not there stay so. */
function namesOf(changes: StoredChanges): Record<string, Scalar | undefined> {
  const names = {
    description: 'description',
    metadata: 'metadata',
    isPrivate: 'is_private',
    secret: 'secret',
    pin: 'pin',
  } as const;
  return Object.fromEntries(
    Object.entries(names).flatMap(([member, name]) =>
      member in changes ? [[name, changes[member as keyof StoredChanges]]] : [],
    ),
  );
}

function mediaOf(media: MountpointMediaOptions, nameOf: (name: string) => string): Record<string, Scalar> {
  const { type, mid, label, msid, port, rtcpPort, payloadType, codec, fmtp, multicast, interface: iface } = media;
  const fields = { port, rtcpport: rtcpPort, pt: payloadType, codec, fmtp, mcast: multicast, iface };
  const named = Object.entries(fields).map(([name, value]) => [nameOf(name), value] as const);
  return given({ type, mid, label, msid, ...Object.fromEntries(named) });
}

function given(values: Record<string, Scalar | undefined>): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Scalar] => entry[1] !== undefined),
  );
}
