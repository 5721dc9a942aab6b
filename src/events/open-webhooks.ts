// The webhooks of a service, put together of their settings, their queue and their sender.
import type { Cameras } from '../cameras/index.ts';
import type { Clock, EventBus, Logger } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import { WebhookSender } from './webhook-sender.ts';
import { WebhookSettings } from './webhook-settings.ts';
import { Webhooks } from './webhooks.ts';

export interface WebhookParts {
  store: Store;
  cameras: Cameras;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  allowLoopback: boolean;
  /** Where the service itself listens: no webhook goes there. */
  ownPorts: () => number[];
  userAgent: string;
}

export function openWebhooks({ store, ownPorts, userAgent, ...parts }: WebhookParts): Webhooks {
  const { allowLoopback, clock, log } = parts;
  const sender = new WebhookSender({ allowLoopback, ownPorts, userAgent, clock });
  const settings = new WebhookSettings({ store, allowLoopback, log });
  const { events, uuid: storeUuid } = store;
  return new Webhooks({ ...parts, settings, sender, events, storeUuid });
}
