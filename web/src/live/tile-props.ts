// What the grid asks of a tile: which camera, how it is to be shown, and what the reader may do with it.
import type { Signal } from '@preact/signals';
import type { Camera } from '../../../src/api/contract.ts';

/** `live`: moving. `still`: one picture each `stillMs`. `off`: what was shown stays; the tile is out of sight. */
export type TileMode = 'live' | 'still' | 'off';

export interface TileProps {
  camera: Signal<Camera>;
  mode: TileMode;
  stream: 'main' | 'sub';
  stillMs: number;
  /** At most one tile of a page sounds. */
  sounds: boolean;
  /** The speaker was pressed. */
  onSound(): void;
  /** The reader wants to see this camera alone. */
  onOpen(): void;
  /** Not on this page until it is loaded again. */
  onHide(): void;
}
