/** Members of whose texts only people take notice. */
const PROSE = new Set(['reason', 'error', 'sdp', 'hint', 'author', 'description', 'name', 'version_string']);
/** Members whose values each server chooses by itself. */
const OWN =
  /^(version|commit-hash|compile-time|server-name|local-ip|private_id|age_ms|.*_age_ms|dependencies|(.*_)?port|min-nack-queue)$/;

/** Of an open handle: times, keys and numbers of its own. */
const OF_A_HANDLE =
  /^(session_last_activity|created|current_time|agent-created|gathered|elapsed|fingerprint|ssrc|ssrc-rtx|local|local-candidates|log_level|log_colors|min_nack_queue|nack-queue-ms)$/;

/** Where two values differ: `path: what this one has, what the other has`. */
export function differences(theirs: unknown, ours: unknown, path = ''): string[] {
  const key = /[^.[\]]*$/.exec(path)?.[0] ?? '';
  if (isObject(theirs) && isObject(ours)) {
    if (OWN.test(key)) return [];
    return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((name) => {
      const inner = path === '' ? name : `${path}.${name}`;
      if (!Object.hasOwn(ours, name)) return [`${inner}: only Janus has it`];
      if (!Object.hasOwn(theirs, name)) return [`${inner}: only headgate has it`];
      return differences(theirs[name], ours[name], inner);
    });
  }
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    if (OF_A_HANDLE.test(key)) return [];
    if (theirs.length !== ours.length) return [`${path}: ${show(theirs)}, ${show(ours)}`];
    return theirs.flatMap((item, index) => differences(item, ours[index], `${path}[${String(index)}]`));
  }
  if (typeof theirs === typeof ours && (PROSE.has(key) || OWN.test(key) || OF_A_HANDLE.test(key))) return [];
  if (/(^|\.)data\.id$/.test(path) && isRandom(theirs) && isRandom(ours)) return [];
  return Object.is(theirs, ours) ? [] : [`${path}: ${show(theirs)}, ${show(ours)}`];
}

/** An id that a server made up. */
function isRandom(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 2 ** 24;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
