// The WebSocket of what changes: pages keep it open and ask for nothing.
import { socket } from './router.ts';
import { UpdatesFeed, type UpdatesServices } from './updates-feed.ts';

export function updatesRoutes(services: UpdatesServices) {
  const feed = new UpdatesFeed(services);
  return [
    socket('/api/updates', {
      identity: 'viewer',
      summary: 'All states first, then what changes.',
      open: ({ caller }) => feed.listener(caller),
    }),
  ];
}
