// Sends a change of a camera; the page and the others learn of it.
import type { Camera, CameraPatch } from '../../../src/api/contract.ts';
import { call, type Result } from '../api.ts';
import { setCamera } from '../state.ts';

export async function change(id: number, body: CameraPatch): Promise<Result<Camera>> {
  const answer = await call('PATCH /api/cameras/{id}', { params: { id }, body });
  if (answer.is === 'ok') setCamera(answer.value);
  return answer;
}
