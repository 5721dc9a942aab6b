// Texts of the page about users and access.
import type { AuditAction } from '../../../src/api/contract.ts';
import { words } from '../words.ts';

export const usersWords = words('users', {
  seen: 'last seen {time}',
  never: 'never seen',
  facts: '{n} {n:session|sessions}, {tokens} {tokens:token|tokens}',
  provisioned: 'The configuration file gives this user: it can be changed only there.',
  name: 'Name',
  role: 'Role',
  allCameras: 'All cameras',
  password: 'New password',
  passwordHint: 'At least 10 characters. It ends all sessions of this user.',
  ownPassword: 'Your own password is changed on the page "Account".',
  atOnce: 'Counts at once, also for whoever is logged in.',
  changed: '{name} is changed.',
  add: 'Add a user',
  added: '{name} is added.',
  remove: 'Remove {name}',
  removeHint: 'All sessions, tokens and links of {name} end.',
  removed: '{name} is removed.',
  tokens: 'Tokens for programs',
  tokensHint: 'A program that sends "Authorization: Bearer" and a token may what the token may, never more than you.',
  noTokens: 'No token.',
  tokenLine: 'made {made}, {used}, {end}',
  used: 'last used {time}',
  unused: 'never used',
  ends: 'good until {time}',
  endless: 'good without end',
  revoke: 'Revoke {name}',
  revoked: 'The token is revoked.',
  make: 'Make a token',
  days: 'Good for',
  daysUnit: 'days',
  daysHint: 'Empty: until it is revoked.',
  once: 'This is the token {name}. It is shown only now.',
  audit: 'Who did what',
  action: 'What',
  any: 'everything',
  newest: 'Newest',
  older: 'Older',
  none: 'Nothing of that.',
  times: '{n} times',
});

/** What a right allows. */
export const rightWords = words('users', {
  export: 'May export and share footage',
  delete: 'May delete events and footage',
  ptz: 'May move cameras',
  talk: 'May speak to cameras',
});

const DONE: Readonly<Record<AuditAction, string>> = {
  setup: 'made the first account',
  login: 'logged in',
  'login-failed': 'was refused',
  logout: 'logged out',
  denied: 'asked for what is not allowed',
  add: 'added',
  change: 'changed',
  remove: 'removed',
  export: 'exported',
  talk: 'talked to',
  backup: 'took a backup',
  restore: 'restored a backup',
};
export const AUDIT_ACTIONS = Object.keys(DONE) as AuditAction[];
/** What somebody did. */
export const auditWords = words('audit', DONE);
