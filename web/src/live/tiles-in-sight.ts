// Which tiles are in sight: those that leave it count for a second longer, so that scrolling past reopens nothing.
import { useLayoutEffect, useState } from 'preact/hooks';

const GRACE_MS = 1000;

/** Of the elements in `box` with `data-camera`; `cameras` says which there are. */
export function useInSight(box: { current: Element | null }, cameras: readonly number[]): ReadonlySet<number> {
  const [seen, setSeen] = useState<ReadonlySet<number>>(new Set());
  useLayoutEffect(() => {
    const leaving = new Map<number, number>();
    const changed = (camera: number, isIn: boolean) =>
      setSeen(before => {
        if (before.has(camera) === isIn) return before;
        const after = new Set(before);
        if (isIn) after.add(camera);
        else after.delete(camera);
        return after;
      });
    const heard = (entries: IntersectionObserverEntry[]) => {
      for (const { target, isIntersecting } of entries) {
        const camera = Number((target as HTMLElement).dataset.camera);
        clearTimeout(leaving.get(camera));
        if (isIntersecting) changed(camera, true);
        else
          leaving.set(
            camera,
            window.setTimeout(() => changed(camera, false), GRACE_MS),
          );
      }
    };
    const observer = new IntersectionObserver(heard);
    for (const element of box.current?.querySelectorAll<HTMLElement>('[data-camera]') ?? []) {
      // The observer speaks a frame later.
      const { top, bottom } = element.getBoundingClientRect();
      if (top < innerHeight && bottom > 0) changed(Number(element.dataset.camera), true);
      observer.observe(element);
    }
    return () => {
      observer.disconnect();
      for (const timer of leaving.values()) clearTimeout(timer);
    };
  }, [cameras.join()]);
  return seen;
}
