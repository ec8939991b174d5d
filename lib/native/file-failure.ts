import type { NativeFailure } from './types.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'not allowed',
  EPERM: 'not allowed',
  EEXIST: 'a part of the path is a file',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EINVAL: 'it is no ordinary file',
  ENXIO: 'it is no ordinary file',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is as large as files may get',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
};
/** For which it is the machine that has too little of something. */
const SHORTAGES = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'EIO', 'ENOMEM', 'HG_ERR_NATIVE'];

/** Why a file cannot be written, for people. */
export function fileFailureReason({ code, message }: NativeFailure): string {
  return REASONS[code] ?? message;
}

/** The machine has too little of something: it is no mistake of the application. */
export function isShortage({ code }: NativeFailure): boolean {
  return SHORTAGES.includes(code);
}
