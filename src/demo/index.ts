// What the rest of the service sees of `demo`: cameras that need no camera.
export * from './demo-server.ts';
