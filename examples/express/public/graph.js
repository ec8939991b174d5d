// Curves of the last minute, one point a second.

const SECONDS = 60;
const HEIGHT = 24;

export class Graph {
  #area;
  #curves;
  #values = [];

  /** @param {Element} parent - has an svg with a path `.curve` for each value, and `.area` below the first */
  constructor(parent) {
    this.#area = parent.querySelector('.graph .area');
    this.#curves = [...parent.querySelectorAll('.graph .curve')];
  }

  /** Values of this second, none below 0; they share one scale. */
  add(...values) {
    this.#values.push(values);
    if (this.#values.length > SECONDS + 1) this.#values.shift();
    const highest = Math.max(...this.#values.flat(), 1) * 1.15;
    const left = SECONDS + 1 - this.#values.length;
    this.#curves.forEach((curve, which) => {
      const points = this.#values
        .map((all) => (HEIGHT - (all[which] / highest) * (HEIGHT - 1)).toFixed(2))
        .map((y, i) => `${left + i} ${y}`);
      curve.setAttribute('d', `M${points.join('L')}`);
      if (which > 0) return;
      this.#area.setAttribute('d', `M${left} ${HEIGHT}L${points.join('L')}L${SECONDS} ${HEIGHT}Z`);
    });
  }

  clear() {
    this.#values = [];
    for (const path of [this.#area, ...this.#curves]) path.removeAttribute('d');
  }
}
