// The figures of a run as text: a table for terminals and one in Markdown for the README.
import type { Edition, Figure } from './budgets.ts';

/** One line per figure. */
export function textTable(figures: readonly Figure[]): string {
  const lines = figures.map(figure => {
    const verdict = figure.ok === null ? '' : figure.ok ? 'kept' : 'BROKEN';
    return `${verdict.padEnd(7)} ${figure.edition.padEnd(11)} ${figure.name}: ${withUnit(figure)}${budgetOf(figure)}`;
  });
  return `${lines.join('\n')}\n`;
}

/** One row per figure, one column per edition. */
export function markdownTable(figures: readonly Figure[], editions: readonly Edition[]): string {
  const names = [...new Set(figures.map(figure => figure.name))];
  const rows = names.map(name => {
    const own = editions.map(edition => figures.find(figure => figure.name === name && figure.edition === edition));
    const unit = own.find(figure => figure !== undefined)?.unit;
    const cells = own.map(figure => (figure === undefined ? '' : `${plain(figure.value)}${budgetOf(figure)}`));
    return `| ${name}${unit ? `, ${unit}` : ''} | ${cells.join(' | ')} |`;
  });
  const head = `| figure (budget) | ${editions.join(' | ')} |`;
  return `${[head, `|---|${editions.map(() => '---|').join('')}`, ...rows].join('\n')}\n`;
}

function withUnit({ value, unit }: Figure): string {
  return unit === '' ? plain(value) : `${plain(value)} ${unit}`;
}

function budgetOf({ budget, bound }: Figure): string {
  return budget === null ? '' : ` (${bound === 'most' ? '<=' : '>='} ${budget})`;
}

/** Three figures, more only in front of the point. */
function plain(value: number | null): string {
  if (value === null) return 'not measured';
  const size = Math.abs(value);
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
