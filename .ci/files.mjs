// The files of the repository, for the checks beside this one.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Files below the folders whose names match, relative to the top level.
 *
 * @param {string[]} folders
 * @param {RegExp} pattern
 */
export function listFiles(folders, pattern) {
  const found = [];
  const visit = (folder) => {
    let entries = [];
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true });
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== 'node_modules') visit(path);
      else if (entry.isFile() && pattern.test(path)) found.push(path);
    }
  };
  folders.forEach(visit);
  return found.sort();
}

export const cppFiles = () => listFiles(['native', 'test', 'bench'], /\.(h|cc)$/);
