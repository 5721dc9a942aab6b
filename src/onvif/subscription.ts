// One PullPoint subscription on a camera and the words for it: WS-Addressing around each call, times relative or absolute as the camera takes them.
import { randomUUID } from 'node:crypto';
import type { AddressBook, Target } from './address.ts';
import { readLifeMs, writeDuration } from './device-clock.ts';
import { OnvifError } from './problem.ts';
import type { SoapCall, SoapCaller } from './soap-client.ts';
import { escapeXml, writeXml, type XmlElement } from './xml.ts';
import { find, textAt } from './xml-find.ts';

/** How long a subscription is asked for. */
const WANTED_MS = 300_000;
/** Where the camera does not say how long it granted. */
const UNKNOWN_LIFE_MS = 60_000;
/** Longer ones are renewed all the same: its clock may have jumped. */
const MAX_LIFE_MS = 3_600_000;
const MIN_LIFE_MS = 10_000;
/** What is sent back of the camera's own parameters. */
const MAX_PARAMETER_CHARS = 4096;

const ANONYMOUS = 'http://www.w3.org/2005/08/addressing/anonymous';
const EVENTS = 'http://www.onvif.org/ver10/events/wsdl';
const MANAGER = 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager';

/** How an end is written. `none` leaves it to the camera. */
const FORMS = ['relative', 'absolute', 'none'] as const;
export type TimeForm = (typeof FORMS)[number];

export interface Subscription {
  target: Target;
  /** The address as the camera wrote it, and what it wants to be sent back. */
  to: string;
  parameters: string;
  lifeMs: number;
  form: TimeForm;
}

export interface SubscriptionCalls {
  caller: SoapCaller;
  addresses: AddressBook;
  /** The event service. */
  service: Target;
  /** Now, by the camera's clock. */
  cameraNowMs: () => number;
}

/** Tries the forms from `form` on; the subscription says which one was taken. */
export async function subscribe(calls: SubscriptionCalls, form: TimeForm, signal: AbortSignal): Promise<Subscription> {
  for (const one of FORMS.slice(FORMS.indexOf(form))) {
    try {
      return await create(calls, one, signal);
    } catch (error) {
      const isFault = error instanceof OnvifError && error.problem === 'fault';
      if (!isFault || one === 'none') throw error;
    }
  }
  throw new OnvifError('fault');
}

async function create(calls: SubscriptionCalls, form: TimeForm, signal: AbortSignal): Promise<Subscription> {
  const { caller, service, addresses } = calls;
  const answer = await caller.call(
    {
      ...{ target: service, prefix: 'tev', operation: 'CreatePullPointSubscription' },
      inside: endElement('tev:InitialTerminationTime', form, calls),
      ...addressing(`${EVENTS}/EventPortType/CreatePullPointSubscriptionRequest`, '', ''),
    },
    signal,
  );
  const reference = find(answer, 'SubscriptionReference');
  const to = textAt(reference, 'Address') ?? '';
  const lifeMs = usableLife(readLifeMs(answer));
  return {
    target: addresses.target(to) ?? service,
    to,
    parameters: parametersOf(find(reference, 'ReferenceParameters')),
    lifeMs: lifeMs ?? UNKNOWN_LIFE_MS,
    // A life that is over or about to be: it took the length for something else.
    form: form === 'relative' && lifeMs === undefined && readLifeMs(answer) !== undefined ? 'absolute' : form,
  };
}

/** Asks for more time; the granted life. */
export async function renew(
  calls: SubscriptionCalls,
  { target, to, parameters, form }: Subscription,
  signal: AbortSignal,
): Promise<number> {
  const answer = await calls.caller.call(
    {
      ...{ target, prefix: 'wsnt', operation: 'Renew' },
      inside: endElement('wsnt:TerminationTime', form === 'none' ? 'relative' : form, calls),
      ...addressing(`${MANAGER}/RenewRequest`, to, parameters),
    },
    signal,
  );
  return usableLife(readLifeMs(answer)) ?? UNKNOWN_LIFE_MS;
}

export interface Pulled {
  answer: XmlElement;
  /** Where the camera tells how long the subscription still lives. */
  lifeMs: number | undefined;
}

/** Waits on the camera for messages. */
export async function pull(
  calls: SubscriptionCalls,
  { target, to, parameters }: Subscription,
  waitMs: number,
  signal: AbortSignal,
): Promise<Pulled> {
  const answer = await calls.caller.call(
    {
      ...{ target, prefix: 'tev', operation: 'PullMessages', timeoutMs: waitMs + 10_000 },
      inside: `<tev:Timeout>${writeDuration(waitMs)}</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>`,
      ...addressing(`${EVENTS}/PullPointSubscription/PullMessagesRequest`, to, parameters),
    },
    signal,
  );
  return { answer, lifeMs: usableLife(readLifeMs(answer)) };
}

/** Has the camera tell all states anew, as messages. */
export async function synchronise(
  calls: SubscriptionCalls,
  subscription: Subscription,
  signal: AbortSignal,
): Promise<void> {
  const { target, to, parameters } = subscription;
  const action = `${EVENTS}/PullPointSubscription/SetSynchronizationPointRequest`;
  const call: SoapCall = {
    ...{ target, prefix: 'tev', operation: 'SetSynchronizationPoint' },
    ...addressing(action, to, parameters),
  };
  await calls.caller.call(call, signal);
}

export async function unsubscribe(
  calls: SubscriptionCalls,
  subscription: Subscription,
  signal: AbortSignal,
): Promise<void> {
  const { target, to, parameters } = subscription;
  const call: SoapCall = {
    ...{ target, prefix: 'wsnt', operation: 'Unsubscribe', timeoutMs: 2000 },
    ...addressing(`${MANAGER}/UnsubscribeRequest`, to, parameters),
  };
  await calls.caller.call(call, signal);
}

function addressing(action: string, to: string, parameters: string): Pick<SoapCall, 'action' | 'header'> {
  const address = to === '' ? '' : `<wsa:To s:mustUnderstand="1">${escapeXml(to)}</wsa:To>`;
  const header =
    `<wsa:Action s:mustUnderstand="1">${action}</wsa:Action><wsa:MessageID>urn:uuid:${randomUUID()}</wsa:MessageID>` +
    `<wsa:ReplyTo><wsa:Address>${ANONYMOUS}</wsa:Address></wsa:ReplyTo>${address}${parameters}`;
  return { action, header };
}

function endElement(name: string, form: TimeForm, { cameraNowMs }: SubscriptionCalls): string {
  if (form === 'none') return '';
  const end =
    form === 'relative'
      ? writeDuration(WANTED_MS)
      : new Date(cameraNowMs() + WANTED_MS).toISOString().replace(/\.\d+Z$/, 'Z');
  return `<${name}>${end}</${name}>`;
}

/** Undefined for what cannot be: none, over, or too short to live on. */
function usableLife(lifeMs: number | undefined): number | undefined {
  return lifeMs === undefined || lifeMs < MIN_LIFE_MS ? undefined : Math.min(lifeMs, MAX_LIFE_MS);
}

function parametersOf(parent: XmlElement | undefined): string {
  const text = parent?.children.map(writeXml).join('') ?? '';
  return text.length > MAX_PARAMETER_CHARS ? '' : text;
}
