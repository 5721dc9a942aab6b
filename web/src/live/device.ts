// What kind of device this is, as far as the grid cares.
import type { Device } from './saver.ts';

export function thisDevice(): Device {
  const touch = matchMedia('(pointer: coarse)').matches;
  const short = Math.min(screen.width, screen.height);
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return {
    isPhone: touch && short < 600,
    isTablet: touch && short >= 600,
    savesData: connection?.saveData === true,
  };
}
