// Texts of the live view.
import { words } from '../words.ts';

export const liveWords = words('live', {
  title: 'Cameras',
  none: 'No camera yet',
  noneAdmin: 'Add the first one by its address.',
  noneOther: 'Ask the owner for access.',
  add: 'Add a camera',
});
