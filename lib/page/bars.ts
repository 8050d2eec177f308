/** The style of `bars`, for `addStyle`. */
export const BARS_STYLE = `
  .bars { display: grid; grid-template-columns: auto 12em auto; gap: 2px 8px; align-items: center; margin: 0; }
  .bars dt { font-weight: bold; }
  .bars dd { margin: 0; font-variant-numeric: tabular-nums; }
  .bars .bar { height: 1em; border-left: 1px solid var(--line); }
  .bars .bar > div { height: 100%; background: var(--grey); }
  .bars .largest .bar > div { background: var(--blue); }
  .bars .row { display: contents; }
`;

/** Bars of probabilities, one per class; the largest stands out. */
export interface Bars {
  element: HTMLElement;
  /** Shows other probabilities, 0-1. */
  update(probabilities: ArrayLike<number>): void;
}

/** Makes bars for a number of classes. */
export function bars(count: number): Bars {
  const element = document.createElement('dl');
  element.className = 'bars';
  const rows = Array.from({ length: count }, (_, index) => {
    const row = document.createElement('div');
    row.className = 'row';
    row.innerHTML = '<dt></dt><dd class="bar" aria-hidden="true"><div></div></dd><dd class="value"></dd>';
    row.querySelector('dt')!.textContent = String(index);
    element.append(row);
    return row;
  });
  return {
    element,
    update(probabilities) {
      const largest = indexOfLargest(probabilities);
      rows.forEach((row, index) => {
        row.classList.toggle('largest', index === largest);
        row.querySelector<HTMLElement>('.bar > div')!.style.width = `${probabilities[index] * 100}%`;
        row.querySelector('.value')!.textContent = percent(probabilities[index]);
      });
    },
  };
}

/** The index of the largest number, the first of equal ones. */
export function indexOfLargest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((best, value, index) => (value > values[best] ? index : best), 0);
}

/** A probability in whole percent; one that is not 0 or 1 does not read as if it were. */
export function percent(probability: number): string {
  if (probability > 0 && probability < 0.005) {
    return '<1 %';
  }
  return probability < 1 && probability >= 0.995 ? '>99 %' : `${Math.round(probability * 100)} %`;
}
