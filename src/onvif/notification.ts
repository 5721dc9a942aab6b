// Takes the notifications out of an answer or a metadata document: topic, items, times, and what they mean.
import { createHash } from 'node:crypto';
import { readMoment } from './device-clock.ts';
import { type Item, type Meaning, meaningsOf, namesAllClasses } from './event-kind.ts';
import type { XmlElement } from './xml.ts';
import { attribute, children, find, isOfProtocol } from './xml-find.ts';

export interface OnvifNotification {
  /** At least one. */
  meanings: readonly Meaning[];
  /** Path without prefixes. */
  topic: string;
  /** The sensor or input that it comes from; '' when it says none. */
  source: string;
  /** Tells what else is the same: all that stands in Source and Key. */
  property: string;
  /** It only says how things are, as after subscribing; some send changes so, too. */
  isInitial: boolean;
  isDeleted: boolean;
  /** The kinds that it does not name are over. */
  isWhole: boolean;
  /** By the camera's clock; never for an order. */
  cameraTimeMs?: number;
}

/** Cameras are asked for 100 at most. */
const MAX_NOTIFICATIONS = 256;
const MAX_ITEMS = 32;
const MAX_CHARS = 256;

/** All of an element's, in its order. Ones without a topic or message are left out. */
export function readNotifications(root: XmlElement): OnvifNotification[] {
  return findMessages(root).slice(0, MAX_NOTIFICATIONS).flatMap(readNotification);
}

/** Directly in an answer, or in the Event parts of a metadata document. */
function findMessages(root: XmlElement): XmlElement[] {
  const direct = children(root, 'NotificationMessage');
  return direct.length > 0 ? direct : children(root, 'Event').flatMap(one => children(one, 'NotificationMessage'));
}

function readNotification(notification: XmlElement): OnvifNotification[] {
  const topic = topicOf(find(notification, 'Topic'));
  const message = find(notification, 'Message/Message');
  if (topic === '' || !message || !isOfProtocol(message)) return [];
  const sources = itemsOf(find(message, 'Source'));
  const property = propertyOf([...sources, ...itemsOf(find(message, 'Key'))]);
  const operation = attribute(message, 'PropertyOperation')?.toLowerCase();
  const cameraTimeMs = readMoment(attribute(message, 'UtcTime'));
  const data = itemsOf(find(message, 'Data'));
  return [
    {
      topic,
      source: sourceOf(sources),
      property,
      meanings: meaningsOf(topic, data),
      isInitial: operation === 'initialized',
      isDeleted: operation === 'deleted',
      isWhole: namesAllClasses(topic, data),
      ...(cameraTimeMs === undefined ? {} : { cameraTimeMs }),
    },
  ];
}

/** It is kept with each state: what is long is kept as its hash. */
function propertyOf(items: readonly Item[]): string {
  const text = items.map(({ name, value }) => `${name}=${value}`).join(';');
  return text.length <= MAX_CHARS ? text : createHash('sha256').update(text).digest('base64url');
}

/** Each step may have a prefix of its own. */
function topicOf(element: XmlElement | undefined): string {
  const text = element?.text.trim() ?? '';
  if (text.length > MAX_CHARS) return '';
  return text
    .split('/')
    .map(step => step.slice(step.indexOf(':') + 1))
    .join('/');
}

function itemsOf(parent: XmlElement | undefined): Item[] {
  return children(parent, 'SimpleItem')
    .slice(0, MAX_ITEMS)
    .map(item => ({
      name: (attribute(item, 'Name') ?? '').slice(0, MAX_CHARS),
      value: (attribute(item, 'Value') ?? '').slice(0, MAX_CHARS),
    }));
}

function sourceOf(items: readonly Item[]): string {
  const named = items.find(({ name }) => /^VideoSource|^Source$|InputToken|^AlarmIn/i.test(name));
  return (named ?? items[0])?.value ?? '';
}
