// The system calls that the unit for systemd lets through: all that the service makes, and none that only root's programs need.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';

const test = suite('systemd unit');
const unit = readFileSync(fileURLToPath(new URL('../../packaging/systemd/thimble.service', import.meta.url)), 'utf8');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** The calls of a set as systemd has it, those of the sets in it included. */
function callsOf(name: string): string[] {
  if (!name.startsWith('@')) return [name];
  const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' });
  const words = stdout
    .split('\n')
    .slice(1)
    .map(line => line.trim());
  return words.filter(word => word !== '' && !word.startsWith('#')).flatMap(callsOf);
}

test.needs(hasSystemd, 'systemd-analyze is not installed', 'the service may make its system calls', () => {
  const allowed = new Set((/^SystemCallFilter=(.*)$/m.exec(unit)?.[1] ?? '').split(' ').flatMap(callsOf));
  const needed = [
    // Whether a time server keeps the clock.
    ...['adjtimex', 'clock_adjtime'],
    // Writer and index.
    ...['pwritev', 'fallocate', 'sync_file_range', 'fdatasync', 'ftruncate', 'flock', 'statfs', 'symlink', 'fchmod'],
    // Sockets and threads.
    ...['epoll_wait', 'eventfd2', 'accept4', 'sendto', 'recvfrom', 'clone', 'clone3', 'prctl', 'sched_getaffinity'],
    // V8, and the child that probes the index.
    ...['mprotect', 'madvise', 'execve', 'pipe2', 'wait4'],
    // go2rtc, that child of our own making, and what Go itself needs beside.
    ...[
      'vfork',
      'waitid',
      'setsid',
      'prlimit64',
      'close_range',
      'kill',
      'chdir',
      'sigaltstack',
      'sched_yield',
      'tgkill',
    ],
  ];
  assert.equal(
    needed.filter(call => !allowed.has(call)),
    [],
  );
  for (const call of ['mount', 'reboot', 'ptrace', 'bpf', 'clock_settime', 'init_module'])
    assert.not.ok(allowed.has(call));
});

test.run();
