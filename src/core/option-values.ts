// What the parts of the command line share: flags, their values with where they came from, and refusals.
import { isIPv6 } from 'node:net';
import { NvrError } from './errors.ts';

export interface Flag {
  name: string;
  variable: string;
  /** What stands behind the flag; a flag without it is a switch. */
  value?: string;
  help: string;
}

export interface Value {
  text: string;
  /** The flag or variable that it came from, for messages. */
  source: string;
}
export type Values = Record<string, Value>;

export function invalid(field: string, message: string, cure: string): NvrError {
  return new NvrError('invalid-argument', message, { field, cure });
}

export function nonEmpty(value: Value | undefined, cure = 'Write a folder.'): string | undefined {
  if (value?.text === '') throw invalid(value.source, `${value.source} is empty`, cure);
  return value?.text;
}

export function parseSwitch(value: Value | undefined): boolean {
  if (!value || /^(0|false|no)$/i.test(value.text)) return false;
  if (/^(1|true|yes)$/i.test(value.text)) return true;
  throw invalid(value.source, `${value.source} is a switch`, 'Use 1 or 0.');
}

/** `example`: for the cure. The host is without brackets. */
export function parseAddress({ text, source }: Value, example: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port > 65535 || (match?.[1] !== undefined && !isIPv6(host))) {
    throw invalid(source, `${source} is not an address with a port: ${text}`, `Write for example ${example}.`);
  }
  return { host, port };
}
