// The settings of the service over HTTP.
import * as v from 'valibot';
import { storagePatchSchema } from '../recording/index.ts';
import type { Settings } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { type Route, route } from './router.ts';
import type { ApiServices } from './services.ts';

const patchSchema = v.strictObject({ storage: v.optional(storagePatchSchema) });

export function settingsRoutes({ storage }: ApiServices): Route[] {
  const all = (): Settings => ({ storage: storage.settings() });
  return [
    route('GET', '/api/settings', { identity: 'public', handle: () => jsonReply(200, all()) }),
    route('PATCH', '/api/settings', {
      identity: 'public',
      body: patchSchema,
      handle: async ({ body }) => {
        if (body.storage) await storage.updateSettings(body.storage);
        return jsonReply(200, all());
      },
    }),
  ];
}
