// Which cameras, and what of them: the fields of forms about users, tokens and webhooks, and what those mean to the board.
import type { Right, Role, User } from '../../../src/api/contract.ts';
import { roleWords } from '../account/me-words.ts';
import type { FormField, FormValue } from '../components/form.tsx';
import { allCameras, cameraIds } from '../state.ts';
import { rightWords, usersWords } from './users-words.ts';

export type Draft = Readonly<Record<string, FormValue>>;

const ROLES = ['viewer', 'operator', 'admin'] as const;
const RIGHTS = ['export', 'delete', 'ptz', 'talk'] as const;

/** All, or each by itself. `draft`: what the form holds now. */
export function cameraFields(draft: Draft): FormField[] {
  const each = allCameras().map(({ id, name }): FormField => ({ key: `cam.${id}`, kind: 'flag', label: name }));
  return [{ key: 'all', kind: 'flag', label: usersWords('allCameras') }, ...(draft.all ? [] : each)];
}

/** An admin sees and may everything. `own`: a role that none may be above. */
export function powerFields(draft: Draft, own: Role = 'admin'): FormField[] {
  const roles = ROLES.slice(0, ROLES.indexOf(own) + 1);
  return [
    {
      ...{ key: 'role', kind: 'choice', label: usersWords('role') },
      options: roles.map(value => ({ value, label: roleWords(value) })),
    },
    ...(draft.role === 'admin'
      ? []
      : [
          ...RIGHTS.map((right): FormField => ({ key: `right.${right}`, kind: 'flag', label: rightWords(right) })),
          ...cameraFields(draft),
        ]),
  ];
}

/** What the fields hold for somebody. */
export function powersDraft({ role, cameras, rights = [] }: Partial<Pick<User, 'role' | 'cameras' | 'rights'>>): Draft {
  return {
    ...{ role, all: cameras === undefined },
    ...Object.fromEntries((cameras ?? []).map(id => [`cam.${id}`, true])),
    ...Object.fromEntries(rights.map(right => [`right.${right}`, true])),
  };
}

/** Undefined = all. Cameras that were removed have no field to take them away by, and the board refuses them. */
export function camerasOf(draft: Draft): number[] | undefined {
  if (draft.all) return undefined;
  return chosen(draft, 'cam.')
    .map(Number)
    .filter(id => cameraIds.value.includes(id));
}

export function rightsOf(draft: Draft): Right[] {
  return chosen(draft, 'right.') as Right[];
}

function chosen(draft: Draft, prefix: string): string[] {
  return Object.keys(draft)
    .filter(key => key.startsWith(prefix) && draft[key] === true)
    .map(key => key.slice(prefix.length));
}
