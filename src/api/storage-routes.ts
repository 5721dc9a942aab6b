// The storage over HTTP: what takes how much room, and how many days of footage there will be.
import * as v from 'valibot';
import type { Forecast, StorageInfo } from './contract.ts';
import { cameraId, integer } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { type Route, route } from './router.ts';
import type { ApiServices } from './services.ts';

const MAX_BYTES = 999_999_999_999_999;

/** A number, or `none` for no limit. */
function limit(min: number, max: number) {
  const none = v.pipe(
    v.literal('none'),
    v.transform(() => null),
  );
  return v.union([none, integer(min, max)], `Use a whole number from ${min} to ${max}, or none.`);
}

const forecastQuery = v.strictObject({
  camera: v.optional(cameraId),
  days: v.optional(limit(1, 3650)),
  quotaBytes: v.optional(limit(0, MAX_BYTES)),
  bitrateBps: v.optional(integer(0, 1_000_000_000)),
  floorBytes: v.optional(integer(0, MAX_BYTES)),
  totalQuotaBytes: v.optional(limit(0, MAX_BYTES)),
});

export function storageRoutes({ storage }: ApiServices): Route[] {
  return [
    route('GET', '/api/storage', {
      identity: 'public',
      handle: async () => jsonReply(200, (await storage.figures()) satisfies StorageInfo),
    }),
    route('GET', '/api/storage/forecast', {
      identity: 'public',
      query: forecastQuery,
      handle: async ({ query }) => {
        const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
        return jsonReply(200, { cameras: await storage.forecast(given) } satisfies Forecast);
      },
    }),
  ];
}
