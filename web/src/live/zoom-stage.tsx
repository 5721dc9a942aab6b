// A frame in which a picture can be looked at closely: pinch, wheel, double tap and drag; a swipe over the whole picture is told.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { doubleTap, Fingers, type Point, type Zoom, zoomTo } from './zoom.ts';

export interface ZoomStageProps {
  zoom: Zoom;
  onZoom(zoom: Zoom): void;
  /** Only at the whole picture. */
  onSwipe(to: 'next' | 'previous'): void;
  onElement?(element: HTMLElement | null): void;
  children: ComponentChildren;
}

const WHEEL_STEP = 0.0016;

export function ZoomStage({ zoom, onZoom, onSwipe, onElement, children }: ZoomStageProps) {
  const stage = useRef<HTMLDivElement>(null);
  const fingers = useRef(new Fingers());
  const now = useRef({ zoom, onZoom, onSwipe });
  now.current = { zoom, onZoom, onSwipe };
  useEffect(() => {
    const element = stage.current;
    onElement?.(element);
    if (!element) return;
    const at = (event: MouseEvent): Point => {
      const box = element.getBoundingClientRect();
      return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    };
    const change = (next: Zoom) => {
      if (next !== now.current.zoom) now.current.onZoom(next);
    };
    const handlers: { [name: string]: (event: PointerEvent) => void } = {
      pointerdown: event => {
        if (event.button !== 0 || (event.target as Element).closest('button, a')) return;
        element.setPointerCapture(event.pointerId);
        fingers.current.down(event.pointerId, at(event), event.timeStamp);
      },
      pointermove: event => change(fingers.current.move(event.pointerId, at(event), now.current.zoom)),
      pointerup: event => {
        const { swipe, tapped } = fingers.current.up(event.pointerId, now.current.zoom, event.timeStamp);
        if (swipe) now.current.onSwipe(swipe);
        if (tapped) change(doubleTap(now.current.zoom, tapped));
      },
      pointercancel: event => fingers.current.cancel(event.pointerId),
    };
    const wheel = (event: WheelEvent) => {
      const { zoom: before } = now.current;
      const next = zoomTo(before, before.scale * Math.exp(-event.deltaY * WHEEL_STEP), at(event));
      // A page that can be scrolled is, when there is nothing to zoom out of.
      if (next.scale === before.scale) return;
      event.preventDefault();
      change(next);
    };
    for (const [name, handler] of Object.entries(handlers)) element.addEventListener(name, handler as EventListener);
    element.addEventListener('wheel', wheel, { passive: false });
    return () => {
      for (const [name, handler] of Object.entries(handlers))
        element.removeEventListener(name, handler as EventListener);
      element.removeEventListener('wheel', wheel);
      onElement?.(null);
    };
  }, []);
  useEffect(() => {
    const { style } = stage.current ?? {};
    style?.setProperty('--scale', String(zoom.scale));
    style?.setProperty('--x', `${zoom.x * 100}%`);
    style?.setProperty('--y', `${zoom.y * 100}%`);
  }, [zoom]);
  return (
    <div class="stage" ref={stage} data-zoomed={zoom.scale > 1}>
      <div class="stage-inside">{children}</div>
    </div>
  );
}
