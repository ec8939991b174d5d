import type { MountpointId, MountpointOptions } from '../../routing/mountpoint.js';

/** A mountpoint with what was left to the gateway: its id and its ports. */
export interface StoredMountpoint extends MountpointOptions {
  id: MountpointId;
  name: string;
}

/** What can be changed of a mountpoint that is kept. `undefined` removes. */
export interface StoredChanges {
  description?: string | undefined;
  metadata?: string | undefined;
  isPrivate?: boolean | undefined;
  secret?: string | undefined;
  pin?: string | undefined;
}

/**
 * Keeps mountpoints across restarts, for requests with `permanent`. Each
 * function either does it whole, or throws an error that says why not and has
 * changed nothing.
 */
export interface MountpointStore {
  add(mountpoint: StoredMountpoint): void;
  /** False if it is not kept here. */
  change(name: string, changes: StoredChanges): boolean;
  /** False if it was not kept here. */
  remove(name: string): boolean;
}
