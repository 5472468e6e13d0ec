/** Numbers of bytes as people say them. @module */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A number of bytes with three digits that count, in powers of 1000: `1.31 GB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}
