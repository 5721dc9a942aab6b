// The four classes by which events are drawn and filtered.

export type EventClass = 'person' | 'vehicle' | 'animal' | 'motion';

export const CLASSES: readonly EventClass[] = ['person', 'vehicle', 'animal', 'motion'];

const CLASS_OF: Readonly<Record<string, EventClass>> = {
  person: 'person',
  face: 'person',
  car: 'vehicle',
  vehicle: 'vehicle',
  truck: 'vehicle',
  bus: 'vehicle',
  motorcycle: 'vehicle',
  bicycle: 'vehicle',
  animal: 'animal',
  dog: 'animal',
  cat: 'animal',
  bird: 'animal',
};

/** What is no being and no vehicle counts as motion. */
export function classOf(label: string): EventClass {
  return CLASS_OF[label.toLowerCase()] ?? 'motion';
}

/** The class of an event: that of the first label that has one of its own. */
export function classOfAll(labels: readonly string[]): EventClass {
  return labels.map(classOf).find(kind => kind !== 'motion') ?? 'motion';
}
