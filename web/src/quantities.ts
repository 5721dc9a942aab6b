// How amounts are written: bytes, rates, shares.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `4.2 GB`; decimal, as disks are sold. */
export function bytes(count: number): string {
  return scaled(count, UNITS);
}

/** `2.1 Mb/s` */
export function bitRate(bitsPerSecond: number): string {
  return scaled(bitsPerSecond, ['b/s', 'kb/s', 'Mb/s', 'Gb/s']);
}

/** `71 MiB`; memory is counted by powers of two. */
export function memory(count: number): string {
  return scaled(count, ['B', 'KiB', 'MiB', 'GiB'], 1024);
}

/** `92 %` */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function scaled(count: number, units: readonly string[], step = 1000): string {
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${units[unit]}`;
}
