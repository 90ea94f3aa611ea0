# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program as an ordinary user's."""
import os
import shutil
import subprocess

import program
import tap

NOBODY = 65534
POWERLESS = ['--bounding-set=-all', '--inh-caps=-all']


def words(*more):
    """Words before the program, behind @more, that make it a user's who owns nothing. Who is a user
    already needs none."""
    if os.getuid() != 0:
        return list(more)
    become = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', *POWERLESS]
    if not works([*become, 'true']):
        raise tap.Skip('runs as root, and setpriv cannot make it a user')
    os.chmod(program.SCRATCH.name, 0o755)
    come_within_reach(become)
    return [*more, *become]


def works(command):
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except OSError:
        return False


def come_within_reach(become):
    """A build below root's home is out of a user's reach: takes a copy."""
    if works([*become, program.PROGRAM, '--version']):
        return
    place = os.path.join(program.SCRATCH.name, 'bin')
    os.makedirs(place)
    needed = subprocess.run(['ldd', program.PROGRAM], capture_output=True, check=True)
    build = os.path.dirname(os.path.dirname(program.PROGRAM)) + '/'
    for path in [program.PROGRAM] + needed.stdout.decode().split():
        if path.startswith(build):
            shutil.copy(path, place)
    program.PROGRAM = os.path.join(place, os.path.basename(program.PROGRAM))
    os.environ['LD_LIBRARY_PATH'] = place
    tap.true(works([*become, program.PROGRAM, '--version']), 'a copy that a user can run')


def own(tree):
    """Gives the user a tree, all files of which he can then shut for himself. Their paths."""
    if os.getuid() == 0:
        subprocess.run(['chown', '-hR', f'{NOBODY}:{NOBODY}', tree], check=True)
    found = [os.path.join(directory, name) for directory, names, files in os.walk(tree)
             for name in names + files]
    return sorted(path for path in found if not os.path.islink(path))


class Shut:
    """Files and directories out of reach of their owner, for a while"""

    def __init__(self, *paths):
        # what is in a directory comes before it
        self.modes = [(path, os.stat(path).st_mode & 0o7777) for path in sorted(paths, reverse=True)]

    def __enter__(self):
        for path, _ in self.modes:
            os.chmod(path, 0)

    def __exit__(self, *_):
        for path, mode in reversed(self.modes):
            os.chmod(path, mode)
