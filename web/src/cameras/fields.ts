// The fields of a camera's settings, in the sections that are saved one by one.
import type { Camera } from '../../../src/api/contract.ts';
import type { FormField } from '../components/form.tsx';
import { cameraNames, cameraWords as w } from './camera-words.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const GB = 1e9;

const choices = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([value, label]) => ({ value, label }));

export const nameField: FormField = { key: 'name', kind: 'text', label: w('name'), maxLength: 64 };
export const MODES = choices({
  continuous: cameraNames('continuous'),
  events: cameraNames('events'),
  off: cameraNames('off'),
});
export const modeField: FormField = {
  key: 'record.mode',
  kind: 'choice',
  label: w('mode'),
  hint: w('modeHint'),
  options: MODES,
};
export const userField: FormField = { key: 'username', kind: 'text', label: w('user') };
const seconds = (key: string, label: string, max: number, hint?: string): FormField => ({
  ...{ key, kind: 'number', label, unit: 's', scale: SECOND, min: 0, max },
  ...(hint ? { hint } : {}),
});
export const preField = seconds('events.preRollMs', w('pre'), 30);
export const postField = seconds('events.postRollMs', w('post'), 300);
const days = (key: string, label: string, hint: string): FormField => ({
  ...{ key, kind: 'number', label, hint, min: 1, max: 3650, mayBeEmpty: true },
});
export const daysField = days('retention.days', w('keepDays'), w('daysHint'));

export const GENERAL: readonly FormField[] = [
  nameField,
  { key: 'enabled', kind: 'flag', label: w('enabled'), hint: w('enabledHint') },
  { key: 'audio', kind: 'flag', label: w('audio') },
  { key: 'priority', kind: 'number', label: w('priority'), hint: w('priorityHint'), min: 0, max: 100 },
];

export const TRANSPORTS = choices({ tcp: w('tcp'), udp: w('udp'), tls: w('tls'), http: w('http') });
const transport = (key: string, label: string): FormField => ({
  ...{ key, kind: 'choice', label },
  options: TRANSPORTS,
});

export const connectionFields = ({ hasPassword, sub }: Camera): FormField[] => [
  { key: 'main.url', kind: 'text', label: w('main'), hint: w('mainHint') },
  { key: 'sub.url', kind: 'text', label: w('sub'), hint: w('subHint') },
  { key: 'main.fallbackUrls', kind: 'text', label: w('fallback'), hint: w('fallbackHint') },
  {
    ...{ key: 'hub', kind: 'choice', label: w('hub'), hint: w('hubHint') },
    options: choices({ '': w('hubAsStarted'), auto: w('hubAuto'), direct: w('hubDirect'), go2rtc: w('hubGo2rtc') }),
  },
  transport('main.transport', w('transport')),
  ...(sub ? [transport('sub.transport', w('subTransport'))] : []),
  userField,
  { key: 'password', kind: 'password', label: w('password'), hint: w('passwordHint'), isSet: hasPassword },
];

export const RECORDING: readonly FormField[] = [
  modeField,
  {
    key: 'record.streams',
    kind: 'choice',
    label: w('streams'),
    options: choices({ auto: w('streamsAuto'), main: w('streamsMain'), both: w('streamsBoth') }),
  },
  { key: 'record.segmentMs', kind: 'number', label: w('segment'), unit: 'min', scale: MINUTE, min: 1, max: 15 },
];

export const EVENTS: readonly FormField[] = [
  preField,
  postField,
  seconds('events.mergeMs', w('merge'), 600, w('mergeHint')),
  {
    ...{ key: 'events.maxMs', kind: 'number', label: w('max'), hint: w('maxHint'), unit: 'min' },
    ...{ scale: MINUTE, min: 0.2, max: 60 },
  },
];

export const RETENTION: readonly FormField[] = [
  daysField,
  days('retention.eventDays', w('eventDays'), w('eventDaysHint')),
  {
    ...{ key: 'retention.quotaBytes', kind: 'number', label: w('quota'), hint: w('quotaHint'), unit: 'GB' },
    ...{ scale: GB, min: 0.02, mayBeEmpty: true },
  },
];
