// What the next start makes of a data directory on which things went wrong, and what `check` then says.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CameraList, Timeline } from '../../src/api/contract.ts';
import { Child } from '../support/child.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { within } from './fault.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SETTLED_MS = 10_000;

export type Gaps = Timeline['cameras'][number]['gaps'];

/** The next start makes everything right: index, files, and what `check` says. */
export async function judgeLater(dataDir: string, faults: string[]): Promise<Map<number, Gaps>> {
  const service = await Service.start({ dataDir }, 30_000);
  let wrong: string[] = [];
  await within(SETTLED_MS, async () => {
    wrong = await footageFaults(service, () => false);
    return wrong.length === 0;
  });
  faults.push(...wrong.map(words => `after the next start: ${words}`));
  const { cameras } = await service.get<CameraList>('/api/cameras');
  const gaps = new Map<number, Gaps>();
  for (const { id } of cameras) gaps.set(id, (await timelineOf(service, id)).gaps);
  await service.stop();
  faults.push(...(await checkFaults(dataDir)));
  return gaps;
}

/** What `check` says; files that a failing volume did not let be closed play as they are, and are for `repair`. */
async function checkFaults(dataDir: string): Promise<string[]> {
  const first = await maintain('check', dataDir);
  if (first.code === 0) return [];
  const kinds = new Set(first.lines.map(line => line.kind).filter(kind => kind !== undefined));
  const second = [...kinds].every(kind => kind === 'unfinished-file') ? await maintain('repair', dataDir) : first;
  return second.code === 0 ? [] : [`check says: ${JSON.stringify(second.lines).slice(0, 600)}`];
}

async function maintain(
  command: string,
  dataDir: string,
): Promise<{ code: number | null; lines: { kind?: string }[] }> {
  const child = new Child(join(ROOT, 'bin', 'thimble'), [command, '--data', dataDir]);
  const { code } = await child.exited;
  return { code, lines: child.stdout.map(line => JSON.parse(line) as { kind?: string }) };
}
