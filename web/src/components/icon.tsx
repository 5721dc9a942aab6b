// Our icons: drawn on a grid of 24 with a stroke of 1.75, in the colour of the text beside them.

const PATHS = {
  animal:
    'M7 12a1.6 2 0 1 0-.1 0M17 12a1.6 2 0 1 0-.1 0M10 8a1.5 2 0 1 0-.1 0M14 8a1.5 2 0 1 0-.1 0M12 12c-2 0-4 2.6-4 4.5S10 19 12 18.3c2 .7 4 .1 4-1.8S14 12 12 12z',
  back: 'M15 5l-7 7 7 7',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3v4M16 3v4',
  camera: 'M3 8h12v9H3zM15 11l6-3v9l-6-3',
  check: 'M5 12.5l4.5 4.5L19 7',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M8 8h12v12H8zM16 8V4H4v12h4',
  down: 'M5 9l7 7 7-7',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  edit: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  events: 'M4 6h3v3H4zM4 15h3v3H4zM11 7.5h9M11 16.5h9',
  eye: 'M2.5 12C6 5.5 18 5.5 21.5 12 18 18.5 6 18.5 2.5 12zM12 9a3 3 0 1 0 .1 0',
  filter: 'M4 6h16M7 12h10M10 18h4',
  forward: 'M9 5l7 7-7 7',
  fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  group: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7',
  health: 'M3 12h4l2-5 4 11 3-6h5',
  help: 'M12 3a9 9 0 1 0 .1 0M9.5 9.5c.3-3.5 5.3-3 5 0-.2 1.6-2.5 2-2.5 4M12 17v.2',
  hide: 'M3 3l18 18M6 7C4.5 8.5 3.2 10.2 2.5 12c3 5.5 9 6.3 13 4.3M10 6.2c5-.8 9.5 1.8 11.5 5.8-.5 1.1-1.3 2.2-2.3 3.1',
  info: 'M12 3a9 9 0 1 0 .1 0M12 11v6M12 7.5v.2',
  key: 'M8 11a4 4 0 1 0 .1 0M11 14l9-9M16 9l3 3',
  list: 'M4 6h16M4 12h16M4 18h16',
  live: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  lock: 'M5 11h14v9H5zM8 11V8a4 4 0 0 1 8 0v3',
  logout: 'M10 4H5v16h5M9 12h11M16 8l4 4-4 4',
  minus: 'M5 12h14',
  more: 'M12 5v.2M12 12v.2M12 19v.2',
  motion: 'M4 12h3l2-4 3 8 3-10 2 6h3',
  move: 'M12 3v18M3 12h18M9.5 5.5L12 3l2.5 2.5M9.5 18.5L12 21l2.5-2.5M5.5 9.5L3 12l2.5 2.5M18.5 9.5L21 12l-2.5 2.5',
  muted: 'M4 9h4l5-4v14l-5-4H4zM17 10l4 4M21 10l-4 4',
  next: 'M5 5l10 7-10 7zM19 5v14',
  now: 'M12 8a4 4 0 1 0 .1 0M12 2v4M12 18v4M2 12h4M18 12h4',
  offline: 'M3 3l18 18M5 12c1-1 2.3-1.8 3.7-2.2M13 9.3c2.3.2 4.4 1.2 6 2.7M8.5 15.5c2-1.6 5-1.6 7 0M12 19v.2',
  pause: 'M8 5v14M16 5v14',
  person: 'M12 4a3.5 3.5 0 1 0 .1 0M5 20c0-9 14-9 14 0',
  play: 'M7 5l12 7-12 7z',
  plus: 'M12 5v14M5 12h14',
  previous: 'M19 5L9 12l10 7zM5 5v14',
  record: 'M12 6a6 6 0 1 0 .1 0',
  refresh: 'M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5',
  settings: 'M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4',
  share:
    'M6 9.5a2.5 2.5 0 1 0 .1 0M18 3.5a2.5 2.5 0 1 0 .1 0M18 15.5a2.5 2.5 0 1 0 .1 0M8.3 10.8l7.5-3.6M8.3 13.2l7.5 3.6',
  snapshot: 'M3 8h4l2-3h6l2 3h4v11H3zM12 10a3.5 3.5 0 1 0 .1 0',
  sound: 'M4 9h4l5-4v14l-5-4H4zM16 9c1.5 1.5 1.5 4.5 0 6M18.5 6.5c3 3 3 8 0 11',
  step: 'M8 5l7 7-7 7M18 5v14',
  still: 'M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9',
  storage: 'M4 6c0-3 16-3 16 0v12c0 3-16 3-16 0zM4 6c0 3 16 3 16 0M4 12c0 3 16 3 16 0',
  talk: 'M9 6a3 3 0 0 1 6 0v5a3 3 0 0 1-6 0zM5.5 11c0 8.5 13 8.5 13 0M12 17.5V21',
  timeline: 'M12 3.5a8.5 8.5 0 1 0 .1 0M12 7.5V12l3 2',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  unlock: 'M5 11h14v9H5zM8 11V8a4 4 0 0 1 7.5-2',
  up: 'M5 15l7-7 7 7',
  user: 'M12 4a4 4 0 1 0 .1 0M4 21c0-9 16-9 16 0',
  vehicle: 'M3 16v-4l3-1 2-4h8l2 4 3 1v4zM7 16a1.8 1.8 0 1 0 .1 3.6M17 16a1.8 1.8 0 1 0 .1 3.6',
  warn: 'M12 4l9 16H3zM12 10v4M12 17v.2',
  zoom: 'M10.5 4a6.5 6.5 0 1 0 .1 0M15.5 15.5L21 21M7.5 10.5h6M10.5 7.5v6',
} as const;

export type IconName = keyof typeof PATHS;

export interface IconProps {
  name: IconName;
  /** Said to those who do not see it; without it the icon is decoration beside a text. */
  label?: string;
}

export function Icon({ name, label }: IconProps) {
  return (
    <svg class="icon" viewBox="0 0 24 24" role={label ? 'img' : undefined} aria-label={label} aria-hidden={!label}>
      <path d={PATHS[name]} />
    </svg>
  );
}
