// One section of the settings and the form for it: saving it, and what the board refuses at the field that it is about.
import type { SettingsPatch } from '../../../src/api/contract.ts';
import { call, type Result } from '../api.ts';
import { toast } from '../components/toast.tsx';
import type { Draft } from './powers.ts';

/** The board names fields by their place among all settings: `mqtt.url` belongs to the field `url` of the section `mqtt`. */
export function atField<T>(answer: Result<T>, section: string): Result<T> {
  const { field } = answer.is === 'error' ? answer.error : {};
  if (answer.is !== 'error' || !field?.startsWith(`${section}.`)) return answer;
  const own = field.slice(section.length + 1);
  // Beside the field its name says nothing.
  const message = answer.error.message.replace(`"${field}" `, '');
  return { ...answer, error: { ...answer.error, field: own, message } };
}

/** What was typed; an emptied text is nothing. `done`: what to say then. */
export async function saveSection(
  section: keyof SettingsPatch,
  draft: Draft,
  done: string,
  again: () => Promise<unknown>,
): Promise<Result<unknown>> {
  const patch = Object.fromEntries(Object.entries(draft).map(([key, value]) => [key, value === '' ? null : value]));
  const answer = await call('PATCH /api/settings', { body: { [section]: patch } });
  if (answer.is !== 'ok') return atField(answer, section);
  await again();
  toast(done, { tone: 'ok' });
  return answer;
}
