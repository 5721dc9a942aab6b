// The description of the API over HTTP.
import { jsonReply } from './json-reply.ts';
import { openApi } from './openapi.ts';
import { type Route, route } from './router.ts';
import type { ApiServices } from './services.ts';

export function openapiRoutes({ facts }: Pick<ApiServices, 'facts'>, routes: () => readonly Route[]) {
  return [
    route('GET', '/api/openapi.json', {
      identity: 'viewer',
      summary: 'This description.',
      rate: 'heavy',
      // Few ever ask: it is made anew each time, and nothing of it is kept.
      handle: () => jsonReply(200, openApi(routes(), facts.version, {})),
    }),
  ];
}
