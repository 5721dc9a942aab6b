// Texts of the page about webhooks and the network.
import { words } from '../words.ts';

export const eventsWords = words('webhooks', {
  webhooks: 'Webhooks',
  webhooksHint: 'Addresses that the board tells of events by a POST with JSON.',
  url: 'Address',
  secret: 'Secret',
  secretHint: 'Signs each message (X-Thimble-Signature). 8 characters or more; never shown again.',
  on: 'Tell when an event',
  labels: 'Only labels',
  labelsHint: 'Separated by commas. Empty: all.',
  add: 'Add a webhook',
  saved: 'The webhooks are saved.',
  remove: 'Remove',
  test: 'Send a test',
  testHint: 'Signed only with a secret that is typed here.',
  worked: 'It answered with {status} after {ms} ms.',
  failed: 'It failed after {ms} ms: {message}',
  hosts: 'Names of the board',
  hostsHint:
    'Under which these pages are opened beside the names and addresses of the board itself, such as nvr.example.org.',
  hostsSaved: 'The names are saved.',
  https: 'Encryption',
  httpsAt: 'Encrypted pages: {url}',
  fingerprint: 'Fingerprint of the certificate (SHA-256)',
  until: 'Good until {date}',
  selfSigned:
    'The board made this certificate itself: browsers warn of it. Go on only where they show the fingerprint above.',
  plain:
    'These pages are not encrypted: whoever is in the same network can read along. Start the board with --https ADDRESS:PORT for encrypted ones.',
});

/** When a webhook is told. */
export const whenWords = words('webhooks', {
  opened: 'begins',
  closed: 'ends',
  both: 'begins and ends',
});
