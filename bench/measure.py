# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times of whole commands, taken in turns."""
import os
import statistics
import subprocess
import time

ROUNDS = 7


def seconds(command, stdin):
    """Wall time and processor time"""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    quiet.append((os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0))
    start = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    usage = os.wait4(child, 0)[2]
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


def both_in_turns(*commands, rounds=ROUNDS, stdin=os.devnull):
    """Median wall time and median processor time of each; taken in turns, so that a busy machine is
    as unfair to each."""
    samples = [[seconds(command, stdin) for command in commands] for _ in range(rounds + 1)][1:]
    return [tuple(map(statistics.median, zip(*column))) for column in zip(*samples)]


def in_turns(*commands, **options):
    """Wall time alone"""
    return [wall for wall, _ in both_in_turns(*commands, **options)]


def peak_kib(command, stdin=os.devnull):
    """Median of several, since where the loader puts things adds some hundred KiB or does not. By
    time(1): a child of this program would count this program's memory as its own."""
    return statistics.median(one_peak(command, stdin) for _ in range(ROUNDS))


def one_peak(command, stdin):
    with open(stdin, 'rb') as text:
        run = subprocess.run(['/usr/bin/time', '-f', 'peak %M', *command], stdin=text, text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return int(run.stderr.rsplit('peak ', 1)[1])
