// Restreaming over HTTP: how it goes, and logins of other programs, whose secrets are shown once.
import { NvrError } from '../core/index.ts';
import { newRestreamUserSchema } from '../restream/index.ts';
import type { NewRestreamLogin, RestreamInfo } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

export function restreamRoutes({ restream }: Pick<ApiServices, 'restream'>) {
  const info = (): RestreamInfo => ({ settings: restream.settings(), state: restream.state() });
  const login = (name: string, secret: string): NewRestreamLogin => {
    const user = restream.settings().users.find(known => known.name === name);
    if (!user) throw new NvrError('not-found', 'there is no such user');
    return { user, secret };
  };
  return [
    route('GET', '/api/settings/restream', {
      identity: 'admin',
      summary: 'The settings of restreaming, and who watches.',
      handle: () => jsonReply(200, info()),
    }),
    route('POST', '/api/settings/restream/users', {
      identity: 'admin',
      summary: 'Adds a login for another program; its secret is told once.',
      audit: 'add',
      body: newRestreamUserSchema,
      handle: async ({ body: { name, cameras } }) => {
        const { secret } = await restream.addUser(name, cameras);
        return jsonReply(201, login(name, secret));
      },
    }),
    route('POST', '/api/settings/restream/users/{name}/secret', {
      identity: 'admin',
      summary: 'Gives a login a new secret in place of the old one.',
      audit: 'change',
      handle: async ({ params: { name = '' } }) => {
        const { secret } = await restream.renewSecret(name);
        return jsonReply(200, login(name, secret));
      },
    }),
    route('DELETE', '/api/settings/restream/users/{name}', {
      identity: 'admin',
      summary: 'Removes a login; whoever watches with it is cut.',
      audit: 'remove',
      handle: async ({ params: { name = '' } }) => {
        await restream.removeUser(name);
        return { status: 204 };
      },
    }),
  ];
}
