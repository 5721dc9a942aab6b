// What the rest of the service sees of `events`.
export {
  CameraEvents,
  type CameraEventsOptions,
  type EventChange,
  type EventFigures,
} from './camera-events.ts';
export type { EventMarks, EventView } from './event-view.ts';
export type { EventRecording } from './footage-claim.ts';
export { openWebhooks } from './open-webhooks.ts';
export { type Trigger, type TriggerInput, triggerSchema } from './trigger.ts';
export { WebhookSender } from './webhook-sender.ts';
export {
  WEBHOOK_OCCASIONS,
  type Webhook,
  WebhookSettings,
  type WebhooksPatch,
  webhooksPatchSchema,
  webhookTestSchema,
} from './webhook-settings.ts';
export { type WebhookFigures, Webhooks, type WebhookTestResult } from './webhooks.ts';
