// Shows a page of ours when the board cannot be reached; everything else goes to the board as if this were not there.
/// <reference lib="webworker" />

/** The page and what it needs; the build fills it in. */
const files = FILES;
const CACHE = `thimble-offline-${files.join()}`;

self.addEventListener('install', event => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then(cache => cache.addAll(files))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', event => {
  event.waitUntil(
    caches.keys().then(names => Promise.all(names.filter(name => name !== CACHE).map(name => caches.delete(name)))),
  );
});

self.addEventListener('fetch', event => {
  const { request } = event;
  const asset = files.slice(1).some(file => request.url.endsWith(`/${file}`));
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match(files[0])));
  else if (asset) event.respondWith(fetch(request).catch(() => caches.match(request)));
});
