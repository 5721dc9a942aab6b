// "Record now": a minute of footage whatever the mode says.
import { call } from '../api.ts';
import { toast } from '../components/toast.tsx';
import { clock } from '../time.ts';
import { zone } from '../zone.ts';
import { pictureWords } from './picture-words.ts';

const LENGTH_MS = 60_000;

/** True when the board does it; else why not has been said. */
export async function recordNow(camera: { id: number; name: string }, action: 'start' | 'stop'): Promise<boolean> {
  const { id, name } = camera;
  const body = action === 'start' ? { action, durationMs: LENGTH_MS } : { action };
  const answer = await call('POST /api/cameras/{id}/record', { params: { id }, body });
  if (answer.is === 'error') toast(answer.error.message, { tone: 'danger' });
  if (answer.is !== 'ok') return false;
  const until = answer.value && 'untilMs' in answer.value ? answer.value.untilMs : undefined;
  const time = until === undefined ? '' : clock(until, zone());
  toast(pictureWords(action === 'start' ? 'recordStarted' : 'recordStopped', { name, time }));
  return true;
}
