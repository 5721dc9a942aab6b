// What the board last said: kept by id in signals of their own, so that one message redraws one badge.
import { type Signal, signal } from '@preact/signals';
import type {
  Camera,
  Event,
  Gap,
  Group,
  Me,
  Problem,
  StorageUpdate,
  SystemUpdate,
  Update,
} from '../../src/api/contract.ts';

export type CameraId = Camera['id'];

/** Who is logged in; undefined until that is known, and after logging out. */
export const me = signal<Me | undefined>(undefined);
/** Ids in the order of the board's list. */
export const cameraIds = signal<readonly CameraId[]>([]);
/** False until the board has told which cameras there are. */
export const isKnown = signal(false);
/** Events that go on, by camera. */
export const ongoingEvents = signal<ReadonlyMap<CameraId, Event>>(new Map());
/** Gaps that go on, by camera. */
export const ongoingGaps = signal<ReadonlyMap<CameraId, Gap>>(new Map());
/** Who talks to a camera now. */
export const talkers = signal<ReadonlyMap<CameraId, string>>(new Map());
export const problems = signal<readonly Problem[]>([]);
export const storage = signal<StorageUpdate | undefined>(undefined);
export const system = signal<SystemUpdate | undefined>(undefined);
export const groups = signal<readonly Group[]>([]);
/** False until the board has told which groups there are. */
export const areGroupsKnown = signal(false);
/** Events that this user has not looked at; undefined = not asked yet. */
export const unseenEvents = signal<number | undefined>(undefined);

const cameras = new Map<CameraId, Signal<Camera>>();

/** Undefined for a camera that there is not, or that the caller may not see. Read `cameraIds` to be told when one appears. */
export function cameraSignal(id: CameraId): Signal<Camera> | undefined {
  return cameras.get(id);
}

/** All cameras as they are now; subscribes to the list and to each. */
export function allCameras(): Camera[] {
  return cameraIds.value.flatMap(id => cameras.get(id)?.value ?? []);
}

export function cameraName(id: CameraId): string {
  return cameras.get(id)?.value.name ?? String(id);
}

/** Takes the whole list, also of one that was read by a request. */
export function setCameras(list: readonly Camera[]): void {
  for (const id of cameras.keys()) if (!list.some(camera => camera.id === id)) cameras.delete(id);
  for (const camera of list) setCamera(camera);
  const ids = list.map(({ id }) => id);
  if (ids.join() !== cameraIds.value.join()) cameraIds.value = ids;
  isKnown.value = true;
}

/** Adds or replaces one. */
export function setCamera(camera: Camera): void {
  const known = cameras.get(camera.id);
  if (known) {
    known.value = camera;
    return;
  }
  cameras.set(camera.id, signal(camera));
  if (!cameraIds.value.includes(camera.id)) cameraIds.value = [...cameraIds.value, camera.id];
}

export function removeCamera(id: CameraId): void {
  cameras.delete(id);
  cameraIds.value = cameraIds.value.filter(other => other !== id);
}

/** Who else wants to hear what the board says, in its order. */
type Listener = (update: Update) => void;
const listeners = new Set<Listener>();

/** Called with each message after it was taken into the state; call what it returns to stop. */
export function onUpdate(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Takes one message of the board in. Unknown kinds are left to newer pages. */
export function takeIn(update: Update): void {
  if ('ping' in update) return;
  take(update);
  for (const listener of listeners) listener(update);
}

function take(update: Exclude<Update, { ping: number }>): void {
  switch (update.type) {
    case 'hello':
      setCameras(update.cameras);
      ongoingEvents.value = new Map(update.events.map(event => [event.camera, event]));
      ongoingGaps.value = new Map(update.gaps.map(({ camera, gap }) => [camera, gap]));
      talkers.value = new Map(update.talks.map(({ camera, by }) => [camera, by]));
      problems.value = update.problems;
      storage.value = update.storage;
      system.value = update.system;
      break;
    case 'camera':
      if ('camera' in update) setCamera(update.camera);
      else if ('removed' in update) removeCamera(update.id);
      else patchState(update.id, update.state);
      break;
    case 'event':
      if ('event' in update) takeEvent(update.event);
      else forgetEvent(update.camera, update.id);
      break;
    case 'gap':
      ongoingGaps.value = changed(
        ongoingGaps.value,
        update.camera,
        update.gap.endMs === undefined ? update.gap : undefined,
      );
      break;
    case 'talk':
      talkers.value = changed(talkers.value, update.camera, update.by ?? undefined);
      break;
    case 'problems':
      problems.value = update.problems;
      break;
    case 'storage':
      storage.value = update;
      break;
    case 'system':
      system.value = update;

      break;
  }
}

function patchState(id: CameraId, state: Camera['state']): void {
  const known = cameras.get(id);
  if (known) known.value = { ...known.value, state };
}

function takeEvent(event: Event): void {
  if (event.endMs === undefined) ongoingEvents.value = changed(ongoingEvents.value, event.camera, event);
  else forgetEvent(event.camera, event.id);
}

function forgetEvent(camera: CameraId, id: string): void {
  if (ongoingEvents.value.get(camera)?.id === id) ongoingEvents.value = changed(ongoingEvents.value, camera, undefined);
}

function changed<K, V>(map: ReadonlyMap<K, V>, key: K, value: V | undefined): ReadonlyMap<K, V> {
  const copy = new Map(map);
  if (value === undefined) copy.delete(key);
  else copy.set(key, value);
  return copy;
}

/** Whoever was logged in is not any more: nothing of what they saw stays. */
export function forgetAll(): void {
  me.value = undefined;
  cameras.clear();
  cameraIds.value = [];
  isKnown.value = false;
  ongoingEvents.value = new Map();
  ongoingGaps.value = new Map();
  talkers.value = new Map();
  problems.value = [];
  storage.value = undefined;
  system.value = undefined;
  groups.value = [];
  areGroupsKnown.value = false;
  unseenEvents.value = undefined;
}
