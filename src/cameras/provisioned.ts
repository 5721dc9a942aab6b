// Cameras that come from a configuration file: which of the stored records they are, and what has to be written so that store and
// file agree.
import { isDeepStrictEqual } from 'node:util';
import { NvrError } from '../core/index.ts';
import type { CameraRecord } from './camera.ts';
import { createRecord } from './camera-merge.ts';
import { type NewCamera, parseRecord } from './camera-schema.ts';
import { type CameraStore, MAX_CAMERAS } from './cameras.ts';
import type { Hub } from './hub.ts';
import { isSameDevice } from './onvif-merge.ts';
import { EVERY_WAY, refuseUnreachable } from './reachable.ts';

export interface ProvisionedCamera {
  /** Says which camera it is: the one that came under this key before, with its id and its footage. */
  key: string;
  input: NewCamera;
}

export interface ProvisionPlan {
  /** To be written, all of them together. */
  records: CameraRecord[];
  /** Their keys. */
  added: string[];
  changed: string[];
  /** No longer in the file: disabled, and the owner's from now on. */
  left: string[];
}

/** Throws `invalid-argument` as adding the camera would, without a store. */
export function checkCamera(input: NewCamera, options: { allowLoopback: boolean; hub: Pick<Hub, 'refusal'> }): void {
  const { allowLoopback, hub } = options;
  refuseUnreachable(createRecord(0, input, { allowLoopback, ...UNSEALED }), EVERY_WAY, hub);
}

const UNSEALED = { seal: (password: string) => password, unseal: (password: string) => password };

/** `wanted` undefined: the file leaves cameras alone. Rejects with `failed-precondition` when there would be too many cameras. Writes nothing. */
export async function planProvisioned(
  wanted: readonly ProvisionedCamera[] | undefined,
  store: CameraStore,
  allowLoopback: boolean,
): Promise<ProvisionPlan> {
  const plan: ProvisionPlan = { records: [], added: [], changed: [], left: [] };
  if (!wanted) return plan;
  const stored = store.cameras.list();
  const byKey = new Map(stored.map(row => [keyOf(row), row] as const).reverse());
  const added = wanted.filter(({ key }) => !byKey.has(key)).length;
  if (added > 0 && stored.length + added > MAX_CAMERAS) {
    throw new NvrError('failed-precondition', `there would be ${stored.length + added} cameras`, {
      cure: `A service has at most ${MAX_CAMERAS}: remove some, also those that are not in the file.`,
    });
  }
  const sealed = { seal: (text: string) => store.seal(text), unseal: (text: string) => store.unseal(text) };
  for (const { key, input } of wanted) {
    const before = byKey.get(key);
    const known = before && readable(before);
    const make = (id: number, { seal, unseal }: typeof UNSEALED): CameraRecord => {
      const made = createRecord(id, input, { allowLoopback, seal, unseal });
      const capabilities = isSameDevice(known?.onvif, made.onvif) ? known?.capabilities : undefined;
      return { ...made, ...(capabilities ? { capabilities } : {}), provisioned: { key, state: 'listed' } };
    };
    if (before && isSame(opened(before, store), make(before.id, UNSEALED))) continue;
    plan.records.push(make(before?.id ?? (await store.cameras.nextId()), sealed));
    (before ? plan.changed : plan.added).push(key);
  }
  const keys = new Set(wanted.map(({ key }) => key));
  for (const row of stored) {
    const record = readable(row);
    if (record?.provisioned?.state !== 'listed' || keys.has(record.provisioned.key)) continue;
    const { key } = record.provisioned;
    plan.records.push({ ...record, enabled: false, provisioned: { key, state: 'left' } });
    plan.left.push(key);
  }
  return plan;
}

/** Also of a record that cannot be read otherwise: the file makes it whole again. */
function keyOf(row: object): string | undefined {
  const { provisioned } = row as { provisioned?: { key?: unknown } | null };
  return typeof provisioned?.key === 'string' ? provisioned.key : undefined;
}

function readable(row: object): CameraRecord | undefined {
  try {
    return parseRecord(row);
  } catch {
    return undefined;
  }
}

/** With the password as it is; undefined when record or password cannot be read. */
function opened(row: object, store: CameraStore): CameraRecord | undefined {
  const record = readable(row);
  if (!record) return undefined;
  const { onvif } = record;
  const open = <T extends { sealedPassword?: string }>(one: T): T =>
    one.sealedPassword === undefined ? one : { ...one, sealedPassword: store.unseal(one.sealedPassword) };
  try {
    return { ...open(record), ...(onvif ? { onvif: open(onvif) } : {}) };
  } catch {
    return undefined;
  }
}

/** As JSON, which is what is stored. */
function isSame(a: CameraRecord | undefined, b: CameraRecord): boolean {
  return a !== undefined && isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}
