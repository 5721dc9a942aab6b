// The cameras' part of the store, in memory.
import { Buffer } from 'node:buffer';
import type { CameraStore } from '../../src/cameras/index.ts';
import { NvrError } from '../../src/core/index.ts';

type Stored = Parameters<CameraStore['cameras']['put']>[0];

export class FakeStore implements CameraStore {
  readonly records = new Map<number, Stored>();
  /** Cameras whose footage was marked to go with them. */
  readonly purges: number[] = [];
  lastId = 0;
  /** Thrown by the next writes while set. */
  failure: NvrError | undefined;

  readonly cameras = {
    list: () => [...this.records.values()],
    put: async (camera: Stored) => {
      if (this.failure) throw this.failure;
      this.records.set(camera.id, structuredClone(camera));
    },
    remove: async (id: number, purge: boolean) => {
      if (this.failure) throw this.failure;
      if (purge) this.purges.push(id);
      this.records.delete(id);
    },
    nextId: async () => ++this.lastId,
  };

  seal(text: string): string {
    return `sealed:${Buffer.from(text).toString('base64')}`;
  }

  unseal(sealed: string): string {
    if (!sealed.startsWith('sealed:')) throw new NvrError('data-loss', 'the secret cannot be read');
    return Buffer.from(sealed.slice(7), 'base64').toString();
  }
}
