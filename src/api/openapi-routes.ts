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
      // Few ever ask: what it takes is loaded then, and nothing of it is kept.
      handle: async () => {
        const { ANSWERS } = await import('./answers.ts');
        return jsonReply(200, openApi(routes(), facts.version, ANSWERS));
      },
    }),
  ];
}
