// What WebRTC takes, as one piece of the program: it is loaded when somebody asks for it.
export { LiveRtc } from './live-rtc.ts';
export { Talk } from './talk.ts';
