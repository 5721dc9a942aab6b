// The pages of whoever looks after the board, as one piece of the program for the reason that viewer-pages.ts names.
export { default as SetupPage } from './account/setup-page.tsx';
export { default as AddCameraPage } from './cameras/add.tsx';
export { default as EditCameraPage } from './cameras/edit.tsx';
export { default as CamerasPage } from './cameras/list.tsx';
export { default as WebhooksPage } from './settings/events-page.tsx';
export { default as HealthPage } from './settings/health.tsx';
export { default as HubPage } from './settings/hub-page.tsx';
export { default as SettingsPage } from './settings/index.tsx';
export { default as LogsPage } from './settings/logs.tsx';
export { default as MqttPage } from './settings/mqtt-page.tsx';
export { default as StoragePage } from './settings/storage-page.tsx';
export { default as SystemPage } from './settings/system-page.tsx';
export { default as UsersPage } from './settings/users-page.tsx';
