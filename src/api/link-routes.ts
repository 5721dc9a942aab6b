// Signed links over HTTP: whoever may read an address may have it read by others for a while.
import * as v from 'valibot';
import type { Caller } from '../accounts/index.ts';
import { NvrError } from '../core/index.ts';
import type { NewLink } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import type { SignedLinks } from './links.ts';
import { type Gate, type Route, type Router, route } from './router.ts';
import type { HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const MAX_TTL_MS = 7 * 24 * 3_600_000;
const TTL_CURE = `Use 1000 to ${MAX_TTL_MS} milliseconds.`;
const PATH_CURE = 'Write the address of footage or a picture, as in /api/export.mp4?camera=1&startMs=…';

const linkSchema = v.strictObject({
  path: v.pipe(
    v.string(PATH_CURE),
    v.maxLength(2048, PATH_CURE),
    // Nothing but what is sent in a request line as it stands; a link is added, not taken over.
    v.regex(/^\/api\/[\w./-]*(\?[\w.~%&=:,+/-]*)?$/, PATH_CURE),
    v.check(path => !/[?&]link=/.test(path), 'Leave "link" out.'),
  ),
  ttlMs: v.pipe(v.number(TTL_CURE), v.integer(TTL_CURE), v.minValue(1000, TTL_CURE), v.maxValue(MAX_TTL_MS, TTL_CURE)),
});

export interface LinkRouteServices {
  clock: Pick<ApiServices['clock'], 'nowMs'>;
  accounts: Pick<ApiServices['accounts'], 'expiryOf'>;
}

export interface LinkTable {
  /** What the links lead into. */
  find: Router['find'];
  /** What a caller may of it. */
  gateOf(caller: Caller, route: Route, request: HttpRequest): Gate;
}

export function linkRoutes({ clock, accounts }: LinkRouteServices, links: SignedLinks, table: LinkTable) {
  return [
    route('POST', '/api/links', {
      identity: 'viewer',
      summary:
        'Makes an address that can be read without cookie or token for a while, at most until the session or token ends that it was made with.',
      audit: 'add',
      body: linkSchema,
      handle: async ({ body, request, caller }) => {
        const [path = '', query = ''] = body.path.split('?', 2);
        const found = table.find('GET', path);
        if ('status' in found || !found.route.linkable) {
          throw new NvrError('invalid-argument', 'there are no links to this address', {
            field: 'path',
            cure: PATH_CURE,
          });
        }
        const { remoteAddress, secure } = request;
        const asked: HttpRequest = {
          ...{ method: 'GET', path, query, remoteAddress, secure },
          header: () => undefined,
          body: async () => Buffer.alloc(0),
        };
        await found.route.check(asked, found.params, table.gateOf(caller, found.route, asked));
        const expiresMs = Math.min(clock.nowMs() + body.ttlMs, accounts.expiryOf(caller) ?? Number.POSITIVE_INFINITY);
        return jsonReply(201, { url: links.sign(path, query, caller, expiresMs), expiresMs } satisfies NewLink);
      },
    }),
  ];
}
