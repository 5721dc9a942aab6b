// Asks rows of the table without the gate, as somebody who may everything.
import type { Caller } from '../../src/accounts/index.ts';
import type { Router } from '../../src/api/router.ts';
import type { HttpReply, HttpRequest } from '../../src/api/server.ts';

export const ADMIN: Caller = {
  by: 'token',
  user: 1,
  name: 'admin',
  role: 'admin',
  cameras: undefined,
  rights: new Set(),
  credential: 'admins-token-abc',
};

/** Rejects as the route does. */
export async function askRouter(router: Router, request: HttpRequest, caller: Caller = ADMIN): Promise<HttpReply> {
  const found = router.find(request.method, request.path);
  if ('status' in found) return found;
  return found.route.answer(request, found.params, { caller, knock: () => {}, admit: () => {} });
}
