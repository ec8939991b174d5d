import type { IncomingHttpHeaders } from 'node:http';

export interface Told {
  type: number;
  subtype?: number;
  session_id?: number;
  handle_id?: number;
  opaque_id?: string;
  event: Record<string, unknown>;
}
export interface Collector {
  readonly events: Told[];
  readonly posts: { headers: IncomingHttpHeaders; text: string; body: unknown }[];
  readonly url: string;
  heard(what: string, matches: (event: Told) => boolean, seconds?: number): Promise<Told>;
  close(): Promise<void>;
}
export function collectEvents(address?: string): Promise<Collector>;
