/** A text with one to four random mistakes in it. */
export function spoil(text: string, random: (below: number) => number, letters: string): string {
  let result = text;
  for (let mistakes = 1 + random(4); mistakes > 0; --mistakes) {
    const at = random(result.length + 1);
    const length = random(4) === 0 ? random(40) : random(3);
    const other = random(result.length + 1);
    const inserted = [
      '',
      letters[random(letters.length)] ?? '',
      result.slice(other, other + random(30)),
      (letters[random(letters.length)] ?? '').repeat(random(5)),
    ][random(4)];
    result = result.slice(0, at) + (inserted ?? '') + result.slice(at + length);
  }
  return result;
}
