// The part of the contract about restreaming: settings, who is there, and the logins of other programs.
import type { RestreamSettings, RestreamState, RestreamUser } from '../restream/index.ts';

export type { RestreamPatch, RestreamSettings, RestreamState, RestreamUser } from '../restream/index.ts';

/** `GET /api/settings/restream`. Settings as in `GET /api/settings`, where they are changed too. */
export interface RestreamInfo {
  settings: RestreamSettings;
  state: RestreamState;
}

/** `POST /api/settings/restream/users`, `.../{name}/secret`: the only answers that ever hold the secret. */
export interface NewRestreamLogin {
  user: RestreamUser;
  secret: string;
}

export interface RestreamRoutes {
  'GET /api/settings/restream': { answer: RestreamInfo };
  /** `cameras`: default `all`. */
  'POST /api/settings/restream/users': {
    body: { name: string; cameras?: 'all' | number[] };
    answer: NewRestreamLogin;
  };
  /** The old secret is of no use from then on, and whoever came with it is cut. */
  'POST /api/settings/restream/users/{name}/secret': { answer: NewRestreamLogin };
  'DELETE /api/settings/restream/users/{name}': object;
}
