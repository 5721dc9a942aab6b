// Backup and restore over HTTP.
import * as v from 'valibot';
import { actorOf } from './account-routes.ts';
import { backupSchema, makeBackup } from './backup.ts';
import { jsonReply } from './json-reply.ts';
import { Restore } from './restore.ts';
import { route } from './router.ts';
import { LIMITS } from './server.ts';
import type { ApiServices } from './services.ts';

const restoreSchema = v.strictObject({
  backup: backupSchema,
  dryRun: v.optional(v.boolean('Use true or false.'), true),
});

export function backupRoutes(services: ApiServices) {
  return [
    route('GET', '/api/backup', {
      identity: 'admin',
      summary: 'Everything that was set up, as one file without footage, passwords and secrets.',
      rate: 'heavy',
      audit: 'backup',
      handle: () => {
        const backup = makeBackup(services);
        const day = new Date(backup.madeMs).toISOString().slice(0, 10);
        const name = `attachment; filename="thimble-backup-${day}.json"`;
        return jsonReply(200, backup, { 'Content-Disposition': name });
      },
    }),
    route('POST', '/api/restore', {
      identity: 'admin',
      summary: 'Brings back what a backup holds, or says what that would change. Nothing is removed.',
      rate: 'heavy',
      body: restoreSchema,
      // Of many cameras with long addresses; a backup holds up to 64 cameras and 200 users.
      mostBytes: LIMITS.largeBodyBytes,
      handle: async ({ body: { backup, dryRun }, caller, request }) => {
        const actor = actorOf(caller, request);
        const restore = new Restore(services, actor, backup);
        if (!dryRun) {
          await restore.apply();
          const done = restore.steps.filter(({ action }) => action === 'add' || action === 'change').length;
          const by = caller.by === 'nobody' ? {} : { by: caller.by };
          const { remoteAddress: address } = actor;
          services.accounts.audit.record({
            action: 'restore',
            user: caller.name,
            ...by,
            address,
            detail: `${done} changes`,
          });
        }
        return jsonReply(200, { applied: !dryRun, steps: restore.steps });
      },
    }),
  ];
}
