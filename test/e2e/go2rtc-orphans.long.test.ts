// The service killed fifty times: no go2rtc is left over, and nothing that is left over hinders the next start.

import { stopChildren } from '../support/child.ts';
import { both } from '../support/go2rtc/both.ts';
import { killGo2rtcRounds } from '../support/go2rtc/service-kills.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc without its service', { timeoutMs: 1_200_000 });
test.after(stopChildren);

both(test, { timeScale: 1 })('kill -9 of the service, 50 times: no orphan, no socket in the way', program =>
  killGo2rtcRounds(program, 50),
);

test.run();
