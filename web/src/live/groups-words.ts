// Texts of the window in which groups are made.
import { words } from '../words.ts';

export const groupsWords = words('groups', {
  title: 'Groups',
  none: 'No group yet. A group is a set of cameras with an order and a layout of its own.',
  add: 'New group',
  edit: 'Edit {name}',
  remove: 'Remove {name}',
  up: '{name} further up',
  down: '{name} further down',
  name: 'Name',
  layout: 'Layout',
  cameras: 'Cameras, in their order',
  others: 'Not in this group',
  into: 'Put {name} into it',
  out: 'Take {name} out',
  empty: 'None yet',
  removed: 'Removed {name}.',
  back: 'All groups',
  count: '{n} {n:camera|cameras}',
});
