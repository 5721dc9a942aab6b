// Lets Node run our TypeScript, by `--import`. In place of tsx, whose start takes more than twice as long: a test run starts
// hundreds of processes.
import { register } from 'node:module';

process.setSourceMapsEnabled(true);
register('./typescript-hooks.mjs', import.meta.url);
