# SPDX-License-Identifier: LGPL-2.1-or-later
"""What takes long to make is made once and kept outside the tree, under a key of its recipe."""
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import time

START = time.monotonic()


class Unavailable(Exception):
    """Why the lab cannot run here."""


def note(text):
    """Progress, with the seconds since the start, on standard error"""
    print(f'{time.monotonic() - START:7.1f}s {text}', file=sys.stderr, flush=True)


def directory():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(base, 'virt-viommu-lab')


def key(recipe):
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]


@contextlib.contextmanager
def locked(path):
    with open(f'{path}.lock', 'w', encoding='utf-8') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def once(name, recipe, make, wanted=True):
    """The directory that make(directory) filled for that recipe, now or at an earlier time. Nothing
    is made unless @wanted: then what is not there makes the lab unavailable."""
    path = os.path.join(directory(), f'{name}-{key(recipe)}')
    if os.path.isdir(path):
        return path
    if not wanted:
        raise Unavailable(f'no {name} is given or was made before; tests/lab/run makes it')
    os.makedirs(directory(), exist_ok=True)
    with locked(path):
        if os.path.isdir(path):
            return path
        note(f'makes {path}')
        partial = f'{path}.partial'
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        try:
            make(partial)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        with open(f'{partial}/recipe.json', 'w', encoding='utf-8') as file:
            json.dump(recipe, file, indent=1, sort_keys=True)
        os.rename(partial, path)
        note(f'made {os.path.basename(path)}')
    return path
