/** Which clients may come at all, by their address. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

import { option } from '../options.js';

/** Options of transports that keep clients out by their address. */
export interface AclOptions {
  /**
   * How the addresses begin that may come: `['127.', '192.168.', '2001:db8:']`;
   * a whole address means just that one. Others get status 403. Default: all may come.
   */
  acl?: readonly string[];
  /**
   * Takes the client's address from the last one in `X-Forwarded-For`, which is
   * the one that a proxy in front has seen; without that header nobody may come.
   * Only where every request comes through that proxy. Default false.
   */
  aclForwarded?: boolean;
}

/** Readers of {@link AclOptions}. */
export const ACL_OPTIONS = {
  acl: option.optional(
    option.list(option.string({ pattern: /^[0-9a-fA-F:.]+$/, expected: 'an IP address, or how some begin' })),
  ),
  aclForwarded: option.boolean({ default: false }),
};

/** Makes the check of {@link AclOptions}. */
export function readAcl({
  acl,
  aclForwarded,
}: {
  acl?: readonly string[] | undefined;
  aclForwarded?: boolean;
}): (req: IncomingMessage) => boolean {
  if (acl === undefined) return () => true;
  const entries = acl.map((entry) => normal(entry));
  return (req) => {
    const address = aclForwarded ? forwardedFor(req) : req.socket.remoteAddress;
    if (address === undefined) return false;
    const client = normal(address);
    // Janus takes 10.0.0.17 for 10.0.0.1; a whole address is one address here.
    return entries.some((entry) => (isIP(entry) === 0 ? client.startsWith(entry) : client === entry));
  };
}

/** The address that the nearest proxy wrote; those before it are whatever the client claims. */
function forwardedFor(req: IncomingMessage): string | undefined {
  const header = req.headers['x-forwarded-for'];
  const last = (Array.isArray(header) ? header.join() : header)?.split(',').at(-1)?.trim() ?? '';
  // Some proxies write the port, too.
  const address = /^\[(.+)\](?::\d+)?$/.exec(last)?.[1] ?? /^([\d.]+):\d+$/.exec(last)?.[1] ?? last;
  return isIP(address) === 0 ? undefined : address;
}

/** A socket that takes both families writes IPv4 as IPv6 (RFC 4291 section 2.5.5.2). */
function normal(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
}
