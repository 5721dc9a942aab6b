// What a page still holds after it was used: videos and heap that garbage collection leaves, open sockets.
import type { CDPSession, Page } from 'playwright-core';
import { until } from './web-page.ts';

export interface PageFacts {
  heapBytes: number;
  /** Elements that are still reachable, in the document or not. */
  videos: number;
  sockets: number;
}

export class PageCounter {
  readonly #devTools: CDPSession;
  #sockets = 0;

  private constructor(page: Page, devTools: CDPSession) {
    this.#devTools = devTools;
    page.on('websocket', socket => {
      this.#sockets++;
      socket.on('close', () => this.#sockets--);
    });
  }

  /** Sockets are counted from now on: one that is open already counts -1 when it closes. */
  static async of(page: Page): Promise<PageCounter> {
    const devTools = await page.context().newCDPSession(page);
    await devTools.send('HeapProfiler.enable');
    return new PageCounter(page, devTools);
  }

  /** After a garbage collection. */
  async facts(): Promise<PageFacts> {
    await this.#devTools.send('HeapProfiler.collectGarbage');
    const { result } = await this.#devTools.send('Runtime.evaluate', { expression: 'HTMLVideoElement.prototype' });
    const { objects } = await this.#devTools.send('Runtime.queryObjects', { prototypeObjectId: result.objectId ?? '' });
    const functionDeclaration = 'function() { return this.length; }';
    const count = await this.#devTools.send('Runtime.callFunctionOn', {
      ...(objects.objectId ? { objectId: objects.objectId } : {}),
      functionDeclaration,
    });
    if (objects.objectId) await this.#devTools.send('Runtime.releaseObject', { objectId: objects.objectId });
    const { usedSize } = await this.#devTools.send('Runtime.getHeapUsage');
    return { heapBytes: usedSize, videos: count.result.value, sockets: this.#sockets };
  }
}

/** From the grid to its first camera's page and back, each with moving pictures. No handle of an element is taken: the browser would keep it. */
export async function visitCamera(page: Page): Promise<void> {
  await page.evaluate("document.querySelector('.tile-open').click()");
  await until(page, "!!document.querySelector('.camera-picture video[data-shown]')");
  await page.evaluate('history.back()');
  await until(page, "!!document.querySelector('.tile video[data-shown]')");
}
