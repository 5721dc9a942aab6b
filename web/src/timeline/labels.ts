// Words for what an event is called: what was seen, or what set it off. Those of detectors that are not listed stay as they are.
import type { IconName } from '../components/icon.tsx';
import { words } from '../words.ts';
import { classOf, type EventClass } from './classes.ts';

const LABELS: Readonly<Record<string, string>> = {
  person: 'person',
  face: 'face',
  car: 'car',
  vehicle: 'vehicle',
  truck: 'truck',
  bus: 'bus',
  motorcycle: 'motorcycle',
  bicycle: 'bicycle',
  animal: 'animal',
  dog: 'dog',
  cat: 'cat',
  bird: 'bird',
  motion: 'motion',
  'cell-motion': 'motion in a cell',
  package: 'package',
  doorbell: 'doorbell',
  line: 'line crossed',
  field: 'in an area',
  tamper: 'tampering',
  input: 'alarm input',
  sound: 'sound',
  http: 'trigger over HTTP',
  manual: 'recorded by hand',
  schedule: 'by schedule',
  camera: "camera's own trigger",
  onvif: 'ONVIF trigger',
  mqtt: 'MQTT trigger',
  detection: 'detection',
  '': 'event',
};

const text = words('labels', LABELS);

export function labelWords(label: string): string {
  return text(label);
}

export const CLASS_ICONS: Readonly<Record<EventClass, IconName>> = {
  person: 'person',
  vehicle: 'vehicle',
  animal: 'animal',
  motion: 'motion',
};

export function labelIcon(label: string): IconName {
  return CLASS_ICONS[classOf(label)];
}
