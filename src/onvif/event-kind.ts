// What a notification means: kind and state from its topic and its items, in the dialects of many makers.

export const ONVIF_EVENT_KINDS = [
  'motion',
  'cell-motion',
  'person',
  'vehicle',
  'animal',
  'face',
  'package',
  'doorbell',
  'line',
  'field',
  'tamper',
  'sound',
  'input',
  'other',
] as const;
/** `cell-motion`: motion found on the camera's grid of cells; `field`: inside an area; `other`: nothing that sets off an event. */
export type OnvifEventKind = (typeof ONVIF_EVENT_KINDS)[number];

export interface Item {
  name: string;
  value: string;
}

export interface Meaning {
  kind: OnvifEventKind;
  /** Null where the message is no on/off state: a moment, when the kind is not `other`. */
  active: boolean | null;
}

/** Items that name what they say, wherever they stand (TP-Link puts several kinds under one topic). */
const BY_ITEM: readonly [RegExp, OnvifEventKind][] = [
  [/^Is(People|Person|Human)$/i, 'person'],
  [/^Is(Vehicle|Car)$/i, 'vehicle'],
  [/^Is(Pet|Animal|DogCat)$/i, 'animal'],
  [/^IsFace$/i, 'face'],
  [/^IsPackage$/i, 'package'],
  [/^IsLineCross(ed)?$/i, 'line'],
  [/^Is(Intrusion|Inside)$/i, 'field'],
  [/^IsTamper$/i, 'tamper'],
  [/^IsSoundDetected$/i, 'sound'],
];

/** By the path without prefixes, the first that matches. Inputs come first: some put them below VideoSource. */
const BY_TOPIC: readonly [RegExp, OnvifEventKind][] = [
  [/(^|\/)Device\/Trigger\/(DigitalInput|AlarmIn)/i, 'input'],
  [/(^|\/)Device\/Trigger\/MotionDetector$/i, 'motion'],
  [/(People|Person|Human|HumanShape)(Detect|Detector|Detection)?(\/|$)/i, 'person'],
  [/(Vehicle|Car)(Detect|Detector|Detection)(\/|$)/i, 'vehicle'],
  [/(DogCat|Pet|Animal)(Detect|Detector|Detection)(\/|$)/i, 'animal'],
  [/Face(Detect|Detector|Detection)?(\/|$)/i, 'face'],
  [/\/Visitor$|Doorbell/i, 'doorbell'],
  [/\/Package$/i, 'package'],
  [/LineCross|LineDetector\/Crossed|CrossLine|FenceGuard/i, 'line'],
  [/FieldDetector|Intrusion|RegionEntrance|CrossRegion|LoiteringGuard/i, 'field'],
  [/Tamper|VideoCover|GlobalSceneChange/i, 'tamper'],
  [/DetectedSound|AudioDetection|SoundDetect|AudioAlarm|AudioException|BabyCrying|AudioSource\/TriggerLevel/i, 'sound'],
  [/CellMotionDetector\/Motion$/i, 'cell-motion'],
  [/MotionAlarm$|MotionRegionDetector|MotionDetection$|MotionDetector\/Detection$/i, 'motion'],
  [/(^|\/)(VMD\d?|VideoMotionDetection|MotionGuard|Sensor\/PIR)(\/|$)/i, 'motion'],
];

/** Names of the item that carries the state, best first. */
const STATE_ITEMS: readonly RegExp[] = [
  /^State$/i,
  /^Is(Motion|Sound|Crossed|Detected|Active)$/i,
  /^(active|triggered|Detected|LogicalState|Motion|Status|Value|Alarm)$/i,
];

const ON = /^(true|1|on|active|yes)$/i;
const OFF = /^(false|0|off|inactive|no)$/i;

/** Classes of ONVIF's object detection and of Axis' scenarios. */
const BY_CLASS: readonly [RegExp, OnvifEventKind][] = [
  [/^(human|person|people)$/i, 'person'],
  [/^(vehicle|car|truck|bus|bike|bicycle|motorcycle|motorbike|vehicule_other|other_?vehicle)$/i, 'vehicle'],
  [/^(animal|dog|cat|pet)$/i, 'animal'],
  [/^(face|humanface)$/i, 'face'],
];

/** By the topic alone; what it may send is said by its items. */
export function kindOfTopic(topic: string): OnvifEventKind {
  return BY_TOPIC.find(([pattern]) => pattern.test(topic))?.[1] ?? 'other';
}

/** True where a message names all classes that are seen: what it does not name is over. */
export function namesAllClasses(topic: string, items: readonly Item[]): boolean {
  return /ObjectDetection|ObjectDetector/i.test(topic) && classesOf(items) !== undefined && stateOf(items) === null;
}

function classesOf(items: readonly Item[]): string | undefined {
  return items.find(({ name }) => /^classTypes$/i.test(name))?.value;
}

/** At least one meaning for each notification. Only object detection has more: one for each class that it names. */
export function meaningsOf(topic: string, items: readonly Item[]): Meaning[] {
  const classes = classesOf(items);
  if (classes !== undefined && /ObjectDetection|ObjectAnalytics|ObjectDetector/i.test(topic))
    return ofClasses(classes, items);
  if (/ObjectAnalytics(\/|$)/i.test(topic)) return [{ kind: 'motion', active: stateOf(items) }];
  for (const { name, value } of items) {
    const named = BY_ITEM.find(([pattern]) => pattern.test(name));
    const active = onOff(value);
    if (named && active !== null) return [{ kind: named[1], active }];
  }
  const kind = kindOfTopic(topic);
  const active = kind === 'other' ? null : stateOf(items);
  if (kind === 'other' || active !== null || isMoment(kind, items)) return [{ kind, active }];
  // An item that nobody knows says nothing.
  return [{ kind: 'other', active: null }];
}

function ofClasses(text: string, items: readonly Item[]): Meaning[] {
  const active = stateOf(items) ?? text.trim() !== '';
  const kinds = text
    .split(/[\s,;]+/)
    .slice(0, 16)
    .flatMap(word => BY_CLASS.find(([pattern]) => pattern.test(word))?.[1] ?? []);
  if (kinds.length > 0) return [...new Set(kinds)].map(kind => ({ kind, active }));
  return [{ kind: 'other', active: text.trim() === '' ? false : null }];
}

/** A crossed line is told once, by the object that crossed it. */
function isMoment(kind: OnvifEventKind, items: readonly Item[]): boolean {
  return (kind === 'line' || kind === 'face') && items.some(({ name }) => /^ObjectId$/i.test(name));
}

function stateOf(items: readonly Item[]): boolean | null {
  for (const pattern of STATE_ITEMS) {
    const item = items.find(({ name }) => pattern.test(name));
    const active = item ? onOff(item.value) : null;
    if (active !== null) return active;
  }
  return null;
}

function onOff(value: string): boolean | null {
  if (ON.test(value)) return true;
  return OFF.test(value) ? false : null;
}
