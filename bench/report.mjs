// How figures are printed.

export function percent(share) {
  const value = 100 * share;
  return `${value === 0 || value >= 10 ? value.toFixed(0) : value.toPrecision(2)} %`;
}

/** Of what is not known: a dash. */
export function fixed(value, digits) {
  return value === undefined ? '–' : value.toFixed(digits);
}

/**
 * @param rows - the first is the heading; one with fewer columns is a remark, at the end of which nothing is aligned
 * @param texts - indices of columns that are aligned to the left
 */
export function printTable(rows, texts) {
  const full = rows.filter((row) => row.length === rows[0].length);
  const widths = rows[0].map((_, column) => Math.max(...full.map((row) => `${row[column]}`.length)));
  for (const row of rows) {
    const cells = row.map((value, column) =>
      texts.includes(column) ? `${value}`.padEnd(widths[column]) : `${value}`.padStart(widths[column]),
    );
    console.log(cells.join('  ').trimEnd());
  }
}
