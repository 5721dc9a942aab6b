// Who has reviewed an event: a bounded list of users, or everybody but those of such a list; and the few bits of it that the directory
// of events holds.

/** Users by their ids, which are never given to another. */
export interface Reviewers {
  /** Everybody, whoever comes later too, but for `users`: rows of the time of one mark for all say so. */
  all: boolean;
  /** In the order of their marks, at most 128 of them. */
  users: readonly number[];
}

/** Twice as many as there are users at once; beyond, the oldest mark goes. */
export const MAX_REVIEWERS = 128;

export const NO_REVIEWERS: Reviewers = { all: false, users: [] };

export function isReviewedBy({ all, users }: Reviewers, user: number): boolean {
  return users.includes(user) !== all;
}

export function withReview(before: Reviewers, user: number, isReviewed: boolean): Reviewers {
  if (isReviewedBy(before, user) === isReviewed) return before;
  const { all, users } = before;
  const others = users.filter(other => other !== user);
  return { all, users: isReviewed === all ? others : [...others, user] };
}

/** As it is kept. */
export function boundReviewers({ all, users }: Reviewers): Reviewers {
  return { all, users: [...new Set(users.filter(isUserId))].slice(-MAX_REVIEWERS) };
}

export function isUserId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** By everybody, without exception: the bit that stood for all users before each had a mark of its own. */
export const BY_ALL = 2;
/** By somebody who has no bit of its own. */
const BY_OTHERS = 4;
/** Users from 1 on have a bit each: those of a household. */
const OWN_BITS = 5;
const EVERY_BIT = 0xfe;

/** The bits of a user: one alone, or that of all others. */
export function reviewerBit(user: number): number {
  return hasOwnBit(user) ? BY_OTHERS << user : BY_OTHERS;
}

/** Bits of which one is set where the user has not to be asked about any more: the event is reviewed by it for certain. */
export function certainBits(user: number): number {
  return hasOwnBit(user) ? BY_ALL | reviewerBit(user) : BY_ALL;
}

/** Bits 1 to 7; each is set when one of whom it stands for may have reviewed the event. */
export function reviewBits({ all, users }: Reviewers): number {
  if (!all) return users.reduce((bits, user) => bits | reviewerBit(user), 0);
  const own = users.filter(hasOwnBit).reduce((bits, user) => bits | reviewerBit(user), 0);
  return users.length === 0 ? EVERY_BIT : EVERY_BIT & ~BY_ALL & ~own;
}

/** The bits of a byte of the directory, which says of everybody in one bit only where an older version wrote it. */
export function readReviewBits(byte: number): number {
  return (byte & BY_ALL) === 0 ? byte & EVERY_BIT : EVERY_BIT;
}

function hasOwnBit(user: number): boolean {
  return user >= 1 && user <= OWN_BITS;
}
