// The storage over HTTP: what takes how much room, and how many days of footage there will be.
import * as v from 'valibot';
import { seesCamera } from '../accounts/index.ts';
import type { Forecast, StorageInfo } from './contract.ts';
import { cameraId, integer } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
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

export function storageRoutes({ storage }: ApiServices) {
  return [
    route('GET', '/api/storage', {
      identity: 'viewer',
      summary: 'What takes how much room.',
      handle: async ({ caller }) => {
        const figures: StorageInfo = await storage.figures();
        return jsonReply(200, {
          ...figures,
          cameras: figures.cameras.filter(({ camera }) => seesCamera(caller, camera)),
        });
      },
    }),
    route('GET', '/api/storage/forecast', {
      identity: 'viewer',
      summary: 'How many days of footage there will be, also with other settings.',
      cameras: ({ query }) => (query.camera === undefined ? [] : [query.camera]),
      query: forecastQuery,
      handle: async ({ query, caller }) => {
        const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
        const cameras = (await storage.forecast(given)).filter(({ camera }) => seesCamera(caller, camera));
        return jsonReply(200, { cameras } satisfies Forecast);
      },
    }),
  ];
}
