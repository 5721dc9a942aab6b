// The text format of Prometheus, version 0.0.4: families of samples become lines.

/** Type and version, as its clients ask for them. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Record<string, string | number>;

export interface Sample {
  value: number;
  labels?: Labels;
}

export interface Family {
  /** `thimble_…`, in base units; counters end in `_total`. */
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  samples: Sample[];
}

/** One block a family; those without samples are left out. */
export function metricsText(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
      return head + samples.map(({ value, labels }) => `${name}${labelText(labels)} ${numberText(value)}\n`).join('');
    })
    .join('');
}

function labelText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

/** Names of cameras are whatever their owner typed: a line break must not begin a sample of its own. */
function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** Of this service. */
export function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name: `thimble_${name}`, type: 'gauge', help, samples };
}

export function counter(name: string, help: string, samples: Sample[]): Family {
  return { name: `thimble_${name}_total`, type: 'counter', help, samples };
}

/** One sample without labels; none when there is no value. */
export function single(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ value }];
}
