// Which kinds of events a camera says that it can send.
import type { Target } from './address.ts';
import { kindOfTopic, type OnvifEventKind } from './event-kind.ts';
import type { SoapCaller } from './soap-client.ts';
import type { XmlElement } from './xml.ts';
import { find } from './xml-find.ts';

/** Topics may be in any namespace, and their tree is as deep as its document may be. */
const MAX_TOPICS = 512;
const TOPIC_MARK = 'http://docs.oasis-open.org/wsn/t-1';

export async function askEventKinds(
  caller: SoapCaller,
  target: Target,
  signal: AbortSignal,
): Promise<Exclude<OnvifEventKind, 'other'>[]> {
  const answer = await caller.call({ target, prefix: 'tev', operation: 'GetEventProperties' }, signal);
  const topics: string[] = [];
  const walk = (element: XmlElement, path: string) => {
    if (topics.length >= MAX_TOPICS || path.length > 256) return;
    if (element.attributes.some(one => one.name === 'topic' && one.uri === TOPIC_MARK)) topics.push(path);
    for (const child of element.children) walk(child, `${path}/${child.name}`);
  };
  for (const one of find(answer, 'TopicSet')?.children ?? []) walk(one, one.name);
  const kinds = topics.map(kindOfTopic).filter(kind => kind !== 'other');
  return [...new Set(kinds)].sort();
}
