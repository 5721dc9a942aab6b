// The home page: all cameras at a glance.
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { href } from '../router.ts';
import { hasPage, isAtLeast } from '../routes.ts';
import { allCameras, isKnown, me } from '../state.ts';
import { liveWords } from './live-words.ts';

export default function LivePage() {
  const cameras = allCameras();
  return (
    <div class="page">
      <PageHead title={liveWords('title')} unseen />
      {isKnown.value && cameras.length === 0 && <NoCamera />}
      <ul>
        {cameras.map(({ id, name }) => (
          <li key={id}>{name}</li>
        ))}
      </ul>
    </div>
  );
}

function NoCamera() {
  const mayAdd = isAtLeast(me.value?.role, 'admin') && hasPage('set/cameras/add');
  return (
    <Empty icon="camera" title={liveWords('none')}>
      <p>{liveWords(mayAdd ? 'noneAdmin' : 'noneOther')}</p>
      {mayAdd && (
        <a class="button" data-kind="primary" href={href('set/cameras/add')}>
          {liveWords('add')}
        </a>
      )}
    </Empty>
  );
}
