// One camera of the grid: its picture, its name, and in words why there is none.
import { Icon } from '../components/icon.tsx';
import { Reason } from '../components/reason.tsx';
import { LiveView } from '../player/live-view.tsx';
import type { TileProps } from './tile-props.ts';

export function Tile({ camera, mode, stream, stillMs, sounds, onOpen }: TileProps) {
  const { id, name, state } = camera.value;
  const isLive = state.name === 'live';
  return (
    <div class="tile" data-state={state.name}>
      <LiveView source={{ is: 'live', camera: id, stream }} mode={mode} stillMs={stillMs} muted={!sounds} />
      <button type="button" class="tile-bar" onClick={onOpen}>
        <span>{name}</span>
        {!isLive && (
          <span class="tile-reason">
            <Icon name="offline" />
            <Reason kind={state.reason ?? state.name} sinceMs={state.sinceMs} short />
          </span>
        )}
      </button>
    </div>
  );
}
