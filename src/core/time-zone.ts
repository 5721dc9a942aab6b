// The name of this machine's time zone. Intl would tell it as well, for 8 MiB of memory.
import { readFileSync, readlinkSync } from 'node:fs';

/** As in `Europe/Berlin`; those with fewer than two parts are `UTC` and its like. */
const NAME = /^[A-Za-z][\w+-]{1,31}(?:\/[\w+-]{1,31}){0,2}$/;

/** `variable`: what the environment says in TZ. `etc`: the folder of the system's settings. */
export function timeZoneName(variable: string | undefined, etc = '/etc'): string {
  const given = variable?.replace(/^:/, '');
  if (given) return NAME.test(given) ? given : intlName();
  const linked = quietly(() => readlinkSync(`${etc}/localtime`))?.split('/zoneinfo/')[1];
  const name =
    linked?.replace(/^(?:posix|right)\//, '') ?? quietly(() => readFileSync(`${etc}/timezone`, 'utf8').trim());
  return name !== undefined && NAME.test(name) ? name : intlName();
}

function quietly(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** For zones that are written as a rule (`CET-1CEST`), or in another way. */
function intlName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
