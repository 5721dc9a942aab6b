// A camera in a process of its own, so that it can be stopped and killed like a real one. Argument: CameraOptions as JSON.
// stdout: first {"port", "url"}; afterwards one JSON line per line on stdin: a Fault is done, "report" tells what was sent.
import { createInterface } from 'node:readline';
import { Camera, type Fault } from './camera.ts';

async function main(): Promise<void> {
  const camera = await Camera.start(JSON.parse(process.argv[2] ?? '{}'));
  const say = (what: unknown) => process.stdout.write(`${JSON.stringify(what)}\n`);
  say({ port: camera.port, url: camera.url });
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line) as Fault | 'report';
    if (command === 'report') say({ sent: camera.sent, requests: camera.requests });
    else {
      await camera.inject(command);
      say({ done: command.kind });
    }
  }
  await camera.stop();
}

await main();
