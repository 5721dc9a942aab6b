// Which tiles are in sight: those that leave it count for a second longer, so that scrolling past reopens nothing.
import { useEffect, useRef, useState } from 'preact/hooks';

const GRACE_MS = 1000;

/** Give each tile's element to `watch` with its camera (undefined when it goes); the set changes as tiles come and go. */
export function useInSight(): [ReadonlySet<number>, (camera: number, element: Element | null) => void] {
  const [seen, setSeen] = useState<ReadonlySet<number>>(new Set());
  const elements = useRef(new Map<number, Element>());
  const observer = useRef<IntersectionObserver | undefined>(undefined);
  useEffect(() => {
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
    observer.current = new IntersectionObserver(heard);
    for (const element of elements.current.values()) observer.current.observe(element);
    return () => {
      observer.current?.disconnect();
      for (const timer of leaving.values()) clearTimeout(timer);
    };
  }, []);
  const watch = (camera: number, element: Element | null) => {
    const before = elements.current.get(camera);
    if (before === element) return;
    if (before) observer.current?.unobserve(before);
    if (element) {
      elements.current.set(camera, element);
      observer.current?.observe(element);
    } else elements.current.delete(camera);
  };
  return [seen, watch];
}
