import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeAddon } from './types.js';

// Two folders up from here lies the package, seen from lib/ and from dist/.
const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);

function load(): NativeAddon {
  const loadAddon = require('node-gyp-build') as ((folder: string) => NativeAddon) & {
    resolve(folder: string): string;
  };
  try {
    loadAddon.resolve(root);
  } catch (cause) {
    throw new Error(
      `headgate has no native addon for ${process.platform}-${process.arch}. Build it with \`node native/build.mjs\` ` +
        `in ${root} (on Debian and Ubuntu \`node vendor/setup.mjs --for build\` there brings what that needs)`,
      { cause },
    );
  }
  try {
    return loadAddon(root);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `headgate's native addon does not load: ${reason}. If a library is missing, install it ` +
        `(Debian and Ubuntu: libnice10); else build the addon anew with \`node native/build.mjs\` in ${root}`,
      { cause },
    );
  }
}

/** The addon. Loads in several `worker_threads` at once; each gets its own state. */
export const native: NativeAddon = load();
