// Groups of cameras: named sets with an order and a layout, the same for everybody who may see their cameras.
import * as v from 'valibot';
import { type CameraId, NvrError } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import type { Group, GroupLayout } from './contract.ts';

const SECTION = 'groups';
const MOST_GROUPS = 32;
const MOST_CAMERAS = 64;
const LAYOUTS = ['auto', '1', '2x2', '3x3', '4x4', '1+5', '1+7', 'list'] as const satisfies GroupLayout[];

const NAME_CURE = 'Use 1 to 64 characters.';
const CAMERAS_CURE = `Write a list of at most ${MOST_CAMERAS} numbers of cameras, each once.`;
const ORDER_CURE = 'Write the numbers of all groups in the order that they are to have.';

const number = v.pipe(
  v.number(CAMERAS_CURE),
  v.integer(CAMERAS_CURE),
  v.minValue(1, CAMERAS_CURE),
  v.maxValue(999_999_999),
);
const name = v.pipe(v.string(NAME_CURE), v.trim(), v.minLength(1, NAME_CURE), v.maxLength(64, NAME_CURE));
const cameras = v.pipe(
  v.array(number, CAMERAS_CURE),
  v.maxLength(MOST_CAMERAS, CAMERAS_CURE),
  v.check(list => new Set(list).size === list.length, CAMERAS_CURE),
);
const layout = v.picklist(LAYOUTS, `Use ${LAYOUTS.join(', ')}.`);

export const newGroupSchema = v.strictObject({ name, cameras, layout });
export const groupPatchSchema = v.strictObject({
  name: v.optional(name),
  cameras: v.optional(cameras),
  layout: v.optional(layout),
});
export const groupOrderSchema = v.strictObject({
  order: v.pipe(v.array(v.number(ORDER_CURE), ORDER_CURE), v.maxLength(MOST_GROUPS, ORDER_CURE)),
});

const stored = v.array(v.strictObject({ id: number, name, cameras, layout }));

export class CameraGroups {
  readonly #store: Pick<Store['settings'], 'get' | 'put'>;
  #groups: readonly Group[];
  /** Changes come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: Pick<Store['settings'], 'get' | 'put'>) {
    this.#store = store;
    const known = v.safeParse(stored, store.get(SECTION) ?? []);
    this.#groups = known.success ? known.output : [];
  }

  /** In their order. */
  list(): readonly Group[] {
    return this.#groups;
  }

  /** Durable when it resolves; as all changes. Rejects with `resource-exhausted` when there are too many. */
  add(group: Omit<Group, 'id'>): Promise<Group> {
    return this.#change(groups => {
      if (groups.length >= MOST_GROUPS) {
        throw new NvrError('resource-exhausted', `there are ${MOST_GROUPS} groups already`, {
          cure: 'Remove one that nobody needs.',
        });
      }
      const added = { id: Math.max(0, ...groups.map(({ id }) => id)) + 1, ...group };
      return { groups: [...groups, added], result: added };
    });
  }

  /** `change` gets the group as it is. Rejects with `not-found`. */
  update(id: number, change: (group: Group) => Group): Promise<Group> {
    return this.#change(groups => {
      const result = change(found(groups, id));
      return { groups: groups.map(group => (group.id === id ? result : group)), result };
    });
  }

  /** `check` may throw for the group as it is. Rejects with `not-found`. */
  remove(id: number, check: (group: Group) => void): Promise<void> {
    return this.#change(groups => {
      check(found(groups, id));
      return { groups: groups.filter(group => group.id !== id), result: undefined };
    });
  }

  /** `order` names every group once that `isSeen`; others keep their places. */
  sort(order: readonly number[], isSeen: (group: Group) => boolean = () => true): Promise<void> {
    return this.#change(groups => {
      const sorted = groups.filter(isSeen);
      const isWhole = order.length === sorted.length && new Set(order).size === order.length;
      if (!isWhole || !sorted.every(({ id }) => order.includes(id))) {
        throw new NvrError('invalid-argument', '"order" does not name every group once', {
          field: 'order',
          cure: ORDER_CURE,
        });
      }
      const next = order.values();
      const inOrder = (group: Group) => (isSeen(group) ? found(groups, next.next().value ?? 0) : group);
      return { groups: groups.map(inOrder), result: undefined };
    });
  }

  #change<T>(make: (groups: readonly Group[]) => { groups: readonly Group[]; result: T }): Promise<T> {
    const done = this.#turn.then(async () => {
      const { groups, result } = make(this.#groups);
      await this.#store.put(SECTION, groups);
      this.#groups = groups;
      return result;
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function found(groups: readonly Group[], id: number): Group {
  const group = groups.find(one => one.id === id);
  if (!group) throw new NvrError('not-found', 'there is no such group');
  return group;
}

/** A group as somebody sees it who may see only some cameras; undefined when they see none of it. */
export function seenGroup(group: Group, sees: (camera: CameraId) => boolean): Group | undefined {
  const own = group.cameras.filter(sees);
  return own.length > 0 || group.cameras.length === 0 ? { ...group, cameras: own } : undefined;
}
