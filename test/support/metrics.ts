// Reads the text format of Prometheus strictly: what a scraper would refuse or misread throws.

export interface Family {
  type: string;
  help: string;
  samples: { labels: Record<string, string>; value: number }[];
}

const HEAD = /^# HELP ([a-z][a-z0-9_]*) (.+)$/;
const TYPE = /^# TYPE ([a-z][a-z0-9_]*) (counter|gauge)$/;
const SAMPLE = /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?|NaN|[+-]Inf)$/;
const LABEL = /^([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;

export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  const lines = text.slice(0, -1).split('\n');
  let current = '';
  for (const [index, line] of lines.entries()) {
    const head = HEAD.exec(line);
    const sample = SAMPLE.exec(line);
    if (head) {
      const [, name = '', help = ''] = head;
      const type = TYPE.exec(lines[index + 1] ?? '');
      if (type?.[1] !== name || families.has(name)) throw new Error(`line ${index + 1}: ${line}`);
      families.set(name, { type: type[2] ?? '', help, samples: [] });
      current = name;
    } else if (sample) {
      const [, name = '', labels = '', value = ''] = sample;
      const series = `${name}{${labels}}`;
      if (name !== current || seen.has(series)) throw new Error(`line ${index + 1}: ${line}`);
      seen.add(series);
      families
        .get(name)
        ?.samples.push({ labels: parseLabels(labels), value: Number(value.replace('Inf', 'Infinity')) });
    } else if (!TYPE.test(line)) throw new Error(`line ${index + 1}: ${line}`);
  }
  for (const [name, { samples }] of families) if (samples.length === 0) throw new Error(`${name} has no samples`);
  return families;
}

/** The value of the one sample whose labels contain these; undefined when there is none. */
export function sampleValue(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const fitting = (families.get(name)?.samples ?? []).filter(sample =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (fitting.length > 1) throw new Error(`${fitting.length} samples of ${name} fit`);
  return fitting[0]?.value;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const label = LABEL.exec(rest);
    if (!label) throw new Error(`labels: ${rest}`);
    const [whole, name = '', value = ''] = label;
    if (name in labels) throw new Error(`label ${name} twice`);
    labels[name] = value.replace(/\\([\\"n])/g, (_, char: string) => (char === 'n' ? '\n' : char));
    rest = rest.slice(whole.length);
  }
  return labels;
}
