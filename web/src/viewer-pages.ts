// The pages that everybody has beside the grid, as one piece of the program: packed together they are smaller than one by one, and
// one request fetches them all while nothing else is to be done.
export { default as MePage } from './account/me-page.tsx';
export { default as EventPage } from './events/event-page.tsx';
export { default as EventsPage } from './events/page.tsx';
export { default as CameraPage } from './live/camera-page.tsx';
export { GroupsWindow } from './live/groups-window.tsx';
export { GoToTimeWindow } from './shell/go-to-time-window.tsx';
export { HelpWindow } from './shell/help-window.tsx';
export { default as TimelinePage } from './timeline/page.tsx';
