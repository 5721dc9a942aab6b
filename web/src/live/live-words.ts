// Texts of the live view.
import { words } from '../words.ts';

export const liveWords = words('live', {
  title: 'Cameras',
  all: 'All',
  groups: 'Groups',
  none: 'No camera yet',
  noneAdmin: 'Add the first one by its address.',
  noneOther: 'Ask the owner for access.',
  noneGroup: 'No camera in this group',
  noneGroupWhy: 'None was put into it, or none that you may see.',
  add: 'Add a camera',
  layout: 'Layout: {name}',
  more: 'More about the grid',
  tour: 'Next page every {n} s',
  tourOff: 'Stay on the page',
  wall: 'Wall display',
  wallLeave: 'Leave the wall display',
  fullscreen: 'Fullscreen',
  editGroups: 'Edit groups',
  pageOf: 'Page {n} of {of}',
  held: '{n} of {of} shown as stills so that this device stays smooth.',
  moveAll: 'Move them all',
  hidden: '{n} {n:camera is|cameras are} hidden.',
  showHidden: 'Show',
  noWakeLock:
    'This browser lets the screen switch off on plain HTTP. Keep it on in the settings of the device, or open the pages by HTTPS.',
});

/** Texts of choices by their value. */
export const liveNames = words('live', {
  auto: 'Automatic',
  list: 'List',
  saverAuto: 'Moving pictures as suits this device',
  saverLive: 'Always moving pictures',
  saverOn: 'Stills, moving when something happens',
});
