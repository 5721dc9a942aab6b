// The shapes of the contract about restreaming as schemas, for the API reference and for tests of what is really answered.
import * as v from 'valibot';
import { flag, list, maybe, number, text } from './schema-parts.ts';

const user = v.object({ name: text, cameras: v.union([v.literal('all'), list(number)]), hasSecret: flag });

export const settings = v.object({ enabled: flag, listen: text, users: list(user) });

export const info = v.object({
  settings,
  state: v.object({
    name: v.picklist(['off', 'listening', 'failed']),
    problem: maybe(v.object({ message: text, cure: text })),
    clients: list(
      v.object({
        camera: number,
        stream: v.picklist(['main', 'sub']),
        user: text,
        address: text,
        sinceMs: number,
        sentBytes: number,
        skips: number,
      }),
    ),
  }),
});

export const login = v.object({ user, secret: text });
