/** Paths of requests: `/janus/<session>/<handle>`. */

/** `/janus/1/2?x=y` below `/janus` is `['1', '2']`; null if it is not below. */
export function splitPath(url: string, base: string): string[] | null {
  const path = pathOf(url);
  const prefix = base.replace(/\/+$/, '');
  if (!path.startsWith(prefix)) return null;
  const rest = path.slice(prefix.length);
  if (rest !== '' && !rest.startsWith('/')) return null;
  const inner = rest.replace(/^\//, '').replace(/\/$/, '');
  return inner === '' ? [] : inner.split('/');
}

/** A part of a path as an id; 0: it is none. */
export function idOf(part: string): number {
  return /^\d{1,16}$/.test(part) ? Number(part) : 0;
}

/** `/janus/1/2/?x=y` → `/janus/1`; never one that names another host. */
export function parentOf(url: string): string {
  return pathOf(url)
    .replace(/\/+$/, '')
    .replace(/\/[^/]*$/, '')
    .replace(/^\/+/, '/');
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
