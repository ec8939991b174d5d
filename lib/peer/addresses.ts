import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { UsageError } from '../errors.js';

/** Which of the machine's addresses become host candidates (RFC 8445 section 5.1.1.1). */
export interface AddressPolicy {
  /** These and no others. */
  addresses?: readonly string[] | undefined;
  /** Only interfaces with these names, or addresses that begin so; wins over `ignoreInterfaces`. */
  interfaces?: readonly string[] | undefined;
  /** Never these. */
  ignoreInterfaces: readonly string[];
  /** 127.0.0.1 (and ::1) too: for clients on the same machine. */
  allowLoopback: boolean;
  ipv6: boolean;
}

/** What {@link localAddresses} found. */
export interface LocalAddresses {
  addresses: string[];
  /** There was nothing but loopback, so that is used although it was not asked for. */
  onlyLoopback: boolean;
}

/**
 * Chooses the addresses for host candidates.
 *
 * @param interfaces - as `os.networkInterfaces()` gives them
 * @throws {@link UsageError} `HG_ERR_ADDRESS` if none is left
 */
export function localAddresses(
  policy: AddressPolicy,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): LocalAddresses {
  if (policy.addresses !== undefined) return { addresses: chosen(policy.addresses, interfaces), onlyLoopback: false };
  const usable = Object.entries(interfaces)
    .flatMap(([name, infos]) => (infos ?? []).map((info) => ({ name, ...info })))
    .filter(({ family, scopeid }) => family === 'IPv4' || (policy.ipv6 && !scopeid));
  const meant = usable.filter(({ name, address, internal }) => {
    if (internal) return policy.allowLoopback;
    if (policy.interfaces !== undefined) return matches(policy.interfaces, name, address);
    return !matches(policy.ignoreInterfaces, name, address);
  });
  if (meant.length > 0) return { addresses: meant.map(({ address }) => address), onlyLoopback: false };
  if (policy.interfaces !== undefined) {
    const known = usable.map(({ name, address }) => `${name} ${address}`).join(', ');
    throw new UsageError('HG_ERR_ADDRESS', {
      reason: `no interface is meant by ${policy.interfaces.join(', ')}; there are ${known || 'none'}`,
    });
  }
  const loopback = usable.filter(({ internal }) => internal).map(({ address }) => address);
  if (loopback.length > 0) return { addresses: loopback, onlyLoopback: true };
  throw new UsageError('HG_ERR_ADDRESS', { reason: 'this machine has no network interface that is up' });
}

function chosen(wanted: readonly string[], interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string[] {
  const known = Object.values(interfaces).flatMap((infos) => (infos ?? []).map(({ address }) => address));
  for (const address of wanted) {
    // All of 127.0.0.0/8 is this machine's, whatever the list says.
    if (known.includes(address) || address.startsWith('127.')) continue;
    throw new UsageError('HG_ERR_ADDRESS', {
      reason: `this machine does not have ${address}; it has ${known.join(', ')}`,
    });
  }
  if (wanted.length === 0) throw new UsageError('HG_ERR_ADDRESS', { reason: 'the list of addresses is empty' });
  return [...wanted];
}

/** Interface names are whole, addresses may be prefixes, as in the lists of janus.jcfg. */
function matches(list: readonly string[], name: string, address: string): boolean {
  return list.some((entry) => entry === name || address.startsWith(entry));
}
