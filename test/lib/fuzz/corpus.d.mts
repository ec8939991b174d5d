export const fuzzers: readonly string[];
export function corpusOf(name: string): string;
