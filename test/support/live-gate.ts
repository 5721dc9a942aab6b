// What comes over the live sockets of a page, held back or damaged on its last way into the page's own hands, and which of these
// sockets are open. The rest of the page and the service know nothing of it.
import type { Page, WebSocket } from 'playwright-core';

/**
 * A script for `View`: `gate.mode` says what becomes of messages (`pass`, `hold`, `damage`), `gate.release()` hands on what was held
 * to those who still listen.
 */
export const GATE = `
(() => {
  const Real = WebSocket;
  const held = [];
  window.gate = { mode: 'pass', held: 0, release() { gate.mode = 'pass'; for (const pass of held.splice(0)) pass(); } };
  const isMedia = data => typeof data !== 'string' && new TextDecoder().decode(new Uint8Array(data, 4, 4)) === 'moof';
  window.WebSocket = class extends Real {
    get onmessage() { return super.onmessage; }
    set onmessage(hear) {
      if (hear === null || !this.url.includes('/live?')) { super.onmessage = hear; return; }
      const mine = event => {
        const pass = () => { if (super.onmessage === mine) hear.call(this, event); };
        if (gate.mode === 'hold') { held.push(pass); gate.held++; return; }
        if (gate.mode === 'damage' && isMedia(event.data)) new Uint8Array(event.data).fill(0xff, Math.floor(event.data.byteLength / 2));
        pass();
      };
      super.onmessage = mine;
    }
  };
})();
`;

export interface LiveSockets {
  /** Cameras with an open socket, rising. */
  cameras(): number[];
  /** Cameras that had one since the start, or since it was cleared. */
  readonly asked: Set<number>;
  /** Streams in the order in which they were asked for. */
  readonly streams: string[];
  /** Bytes of media since the start. */
  bytes(): number;
}

/** Of a page, from now on. */
export function watchLiveSockets(page: Page): LiveSockets {
  const open = new Map<WebSocket, number>();
  const asked = new Set<number>();
  const streams: string[] = [];
  let bytes = 0;
  page.on('websocket', socket => {
    const { pathname, searchParams } = new URL(socket.url());
    const [, id] = /\/cameras\/(\d+)\/live/.exec(pathname) ?? [];
    if (id === undefined) return;
    open.set(socket, Number(id));
    asked.add(Number(id));
    streams.push(searchParams.get('stream') ?? '');
    socket.on('framereceived', ({ payload }) => {
      bytes += payload.length;
    });
    socket.on('close', () => open.delete(socket));
  });
  return { cameras: () => [...open.values()].sort((a, b) => a - b), asked, streams, bytes: () => bytes };
}
