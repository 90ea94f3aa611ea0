# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times of whole commands, taken in turns."""
import os
import statistics
import subprocess
import time

ROUNDS = 7


def seconds(command):
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    start = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    os.waitpid(child, 0)
    return time.monotonic() - start


def in_turns(*commands, rounds=ROUNDS):
    """Median seconds of each; taken in turns, so that a busy machine is as unfair to each."""
    samples = [[seconds(command) for command in commands] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*samples)]


def peak_kib(command):
    """Median of several, since where the loader puts things adds some hundred KiB or does not. By
    time(1): a child of this program would count this program's memory as its own."""
    return statistics.median(one_peak(command) for _ in range(ROUNDS))


def one_peak(command):
    run = subprocess.run(['/usr/bin/time', '-f', 'peak %M', *command], stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True, check=False)
    return int(run.stderr.rsplit('peak ', 1)[1])
