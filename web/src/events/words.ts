// The English texts of the events page, and what an event says of itself.
import type { Event } from '../../../src/api/contract.ts';
import { lengthWords } from '../time.ts';
import { labelWords } from '../timeline/labels.ts';
import { words } from '../words.ts';

export const t = words('events', {
  title: 'Events',
  unseen: 'Unseen',
  'unseen-count': 'Unseen {count}',
  all: 'All',
  filters: 'Filters',
  'filters-count': 'Filters ({count})',
  'any-camera': 'Any camera',
  'any-kind': 'Any kind',
  camera: 'Camera',
  kind: 'Kind',
  day: 'Day',
  'locked-only': 'Locked only',
  'clear-filters': 'Show everything',
  'mark-all': 'Mark all shown as seen',
  'marked-all': '{count} {count:event|events} marked as seen',
  new: '{count} new',
  'new-say': 'Show {count} new {count:event|events}',
  score: '{percent} %',
  'pre-roll': 'before event: {delivered} of {promised}',
  'pre-roll-none': 'nothing kept from before the event',
  'is-unseen': 'unseen',
  seen: 'Seen',
  'mark-seen': 'Mark as seen',
  'mark-unseen': 'Mark as not seen',
  lock: 'Lock',
  unlock: 'Unlock',
  download: 'Download clip',
  more: 'More about this event',
  'to-timeline': 'Show in the timeline',
  share: 'Copy a link',
  shared: 'Link copied',
  'share-by-hand': 'Copy this link',
  why: 'Why was this recorded?',
  'why-title': 'Why this was recorded',
  'why-source': 'Triggered by: {sources}',
  'why-labels': 'Labels: {labels}',
  'why-zones': 'Zones: {zones}',
  'why-continues': 'It goes on from an event before it, which had reached its greatest length.',
  'why-earlier': 'Show the event before',
  'why-payload': 'What came with the trigger',
  delete: 'Delete',
  'delete-title': 'Delete this event?',
  'delete-what': 'Its picture and its note go with it. The footage stays until it is deleted to make room or by age.',
  deleted: '{count} {count:event|events} deleted',
  'delete-failed': 'Could not be deleted: {why}',
  'mark-failed': 'Could not be changed: {why}',
  'marks-full': 'Too many changes wait for the board: try again when it is back.',
  'going-on': 'going on',
  'no-picture': 'No picture',
  select: 'Select {what}',
  selecting: '{count} selected',
  'select-none': 'Select none',
  clips: 'Download clips',
  'empty-unseen': 'Nothing unseen',
  'empty-unseen-text': 'Everything that passes these filters has been looked at.',
  'empty-all': 'No events',
  'empty-all-text': 'Nothing was recorded as an event yet.',
  'empty-filtered': 'No event passes these filters.',
  'show-all': 'Show all events',
  'load-more': 'Load more',
  'could-not-load': 'Could not load more.',
  retry: 'Try again',
  next: 'Next event',
  previous: 'Previous event',
  'not-found': 'There is no such event',
  'not-found-text': 'It may have been deleted to make room, or by somebody.',
  'to-events': 'All events',
  'choose-one': 'Choose an event to see it here.',
  play: 'Play',
  pause: 'Pause',
  mute: 'Mute',
  unmute: 'Sound on',
  position: 'Position',
  'no-footage': 'There is no footage of this moment any more.',
  'play-failed-only': 'This browser cannot play the clip.',
  'play-failed': 'This browser cannot play the clip: download it instead.',
});

/** What an event is called: what was seen in it, else what set it off. */
export function titleOf(event: Event): string {
  return labelWords(kindOf(event));
}

/** The label behind the title, for its icon and class. */
export function kindOf(event: Event): string {
  return event.boxes.find(box => box.label !== undefined)?.label ?? event.labels[0] ?? event.sources[0] ?? '';
}

/** `before event: 5.0 s of 5 s`; empty where nothing was promised. */
export function preRollWords({ promisedMs, deliveredMs }: Event['preRoll']): string {
  if (promisedMs === 0) return '';
  if (deliveredMs === 0) return t('pre-roll-none');
  const promised = promisedMs % 1000 === 0 ? promisedMs / 1000 : (promisedMs / 1000).toFixed(1);
  return t('pre-roll', { delivered: `${(deliveredMs / 1000).toFixed(1)} s`, promised: `${promised} s` });
}

/** How long it was, or that it goes on. */
export function lengthOf(event: Event): string {
  return event.endMs === undefined ? t('going-on') : lengthWords(event.endMs - event.startMs);
}
