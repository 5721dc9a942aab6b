// Which page of the grid is open, and the way to the others.
import { Icon } from '../components/icon.tsx';
import { liveWords } from './live-words.ts';

export interface PageDotsProps {
  page: number;
  pages: number;
  onPick(page: number): void;
}

export function PageDots({ page, pages, onPick }: PageDotsProps) {
  if (pages < 2) return null;
  const name = (index: number) => liveWords('pageOf', { n: index + 1, of: pages });
  const step = (by: number, icon: 'back' | 'forward') => {
    const target = (page + by + pages) % pages;
    return (
      <button type="button" class="button" data-kind="plain" aria-label={name(target)} onClick={() => onPick(target)}>
        <Icon name={icon} />
      </button>
    );
  };
  return (
    <div class="dots">
      {step(-1, 'back')}
      {Array.from({ length: pages }, (_, index) => (
        <button
          key={name(index)}
          type="button"
          class="dot"
          aria-label={name(index)}
          aria-current={index === page ? 'true' : undefined}
          onClick={() => onPick(index)}
        />
      ))}
      {step(1, 'forward')}
      <span class="unseen" role="status">
        {name(page)}
      </span>
    </div>
  );
}
