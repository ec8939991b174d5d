// The fuzzers in TypeScript, and what they begin with: a folder for each.
import { join } from 'node:path';
import { listFiles, root } from '../../../.ci/files.mjs';

/** Their names: files of this folder. */
export const fuzzers = listFiles(['test/lib/fuzz'], /_fuzz\.ts$/).map((path) => /(\w+)\.ts$/.exec(path)[1]);

/** The folder of a fuzzer's inputs. */
export const corpusOf = (name) =>
  join(root, name === 'sdp_fuzz' ? 'test/fixtures/sdp' : `test/lib/fuzz/corpus/${name}`);
