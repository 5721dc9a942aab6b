// What requests leave in the audit log: who was refused what, who changed or took away what.
import type { AuditEntry, Caller } from '../accounts/index.ts';
import { NvrError } from '../core/index.ts';
import { withoutLink } from './links.ts';
import type { Route } from './router.ts';
import type { HttpReply, HttpRequest } from './server.ts';

export class AuditTrail {
  readonly #audit: { record(entry: AuditEntry): void };

  constructor(audit: { record(entry: AuditEntry): void }) {
    this.#audit = audit;
  }

  /** Somebody who is known asked for what they may not have. Whoever is unknown is told of by logins only: the world knocks. */
  refused(request: HttpRequest, caller: Caller, error: unknown): void {
    if (caller.by === 'nobody' || !(error instanceof NvrError) || error.kind !== 'permission-denied') return;
    this.#record(request, caller, { action: 'denied', target: `${request.method} ${request.path}` });
  }

  done(request: HttpRequest, route: Route, caller: Caller, reply: HttpReply): void {
    if (route.audit === undefined || reply.status >= 300 || !isBeginning(reply)) return;
    // What was made says where it is.
    const target = targetOf(reply.headers?.Location ?? request.path);
    const detail = route.audit === 'export' && request.query !== '' ? { detail: withoutLink(request.query) } : {};
    this.#record(request, caller, { action: route.audit, target, ...detail });
  }

  #record({ remoteAddress }: HttpRequest, { by, name }: Caller, entry: AuditEntry): void {
    const who = by === 'nobody' ? {} : { by, user: name };
    this.#audit.record({ ...who, address: remoteAddress, ...entry });
  }
}

/** Of what is fetched in parts only the first. */
function isBeginning({ headers }: HttpReply): boolean {
  const range = headers?.['Content-Range'];
  return range === undefined || range.startsWith('bytes 0-');
}

/** `/api/cameras/3` -> `camera 3` */
function targetOf(path: string): string {
  const [kind = '', ...rest] = path.slice('/api/'.length).split('/');
  return rest.length === 0 ? kind : `${kind.replace(/s$/, '')} ${rest.join('/')}`;
}
