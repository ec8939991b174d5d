// Writes docs/configuration.md from the table of settings: `npm run docs`, after a build.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeTable } from '../dist/config/documentation.js';
import { root } from './files.mjs';

writeFileSync(join(root, 'docs/configuration.md'), describeTable());
