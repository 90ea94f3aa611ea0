# SPDX-License-Identifier: LGPL-2.1-or-later
"""One running nested host: QEMU, a folder shared with it, and a line to give it commands."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

import lab_cache
from lab_cache import note

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_SECONDS = 300
DISK_BYTES = 64 << 20


class Lost(Exception):
    """The nested host does not answer any more."""


class Skipped(Exception):
    """Why a case says nothing on this nested host."""


class Machine:
    """Use as a context: what was started ends with it, and nothing else does."""

    def __init__(self, command, share=None):
        """@command(directory) is the command line of QEMU without the folder and the line; @share
        maps paths below the shared folder to files and folders that are copied there."""
        self.command, self.copies = command, share or {}
        self.directory = tempfile.mkdtemp(prefix='lab.')
        self.share = f'{self.directory}/share'
        self.process = self.line = None
        self.count = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.line:
            self.line.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        if os.environ.get('LAB_KEEP'):
            note(f'kept: {self.directory}')
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        shutil.copytree(f'{HERE}/guest', self.share)
        for name in ('init', 'limited'):
            os.chmod(f'{self.share}/{name}', 0o755)
        os.mkdir(f'{self.share}/q')
        for name, source in self.copies.items():
            target = os.path.join(self.share, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(source):
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        for name in ('nd0', 'nd1'):  # what the NVMe devices hold
            with open(f'{self.directory}/{name}', 'wb') as file:
                file.truncate(DISK_BYTES)
        begin = time.monotonic()
        command = ['setpriv', '--pdeathsig', 'KILL', *self.command(self.directory),
                   '-serial', f'file:{self.directory}/console']
        with open(f'{self.directory}/errors', 'wb') as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env=dict(os.environ, TMPDIR=self.directory))
        self.connect()
        self.expect('up', BOOT_SECONDS)
        note(f'nested host is up after {time.monotonic() - begin:.1f} s')

    def connect(self):
        for _ in range(100):
            try:
                line = socket.socket(socket.AF_UNIX)
                line.connect(f'{self.directory}/line')
                self.line = line.makefile('rw', encoding='utf-8', newline='\n')
                self.socket = line
                return
            except OSError:
                line.close()
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise Lost(f'QEMU did not start: {self.tail("errors")}')

    def tail(self, name):
        try:
            with open(f'{self.directory}/{name}', encoding='utf-8', errors='replace') as file:
                lines = [line for line in file if "TCG doesn't support" not in line]
                return ''.join(lines[-25:])[-3000:].rstrip()
        except OSError:
            return ''

    def expect(self, word, seconds):
        """The rest of the line that begins with @word"""
        self.socket.settimeout(seconds)
        try:
            for text in self.line:
                first, _, rest = text.strip().partition(' ')
                if first == word:
                    return rest
            why = 'QEMU ended'
        except OSError:
            why = f'no answer within {seconds} s'
        raise Lost(f'{why}\n{self.tail("errors")}\nconsole:\n{self.tail("console")}')

    def run(self, script, seconds=120):
        """(exit code, output) of a bash script on the nested host; lib.sh is read before it"""
        self.count += 1
        name = f'{self.share}/q/{self.count}'
        with open(f'{name}.sh', 'w', encoding='utf-8') as file:
            file.write(f'. /lab/lib.sh\n{script}\n')
        self.line.write(f'{self.count}\n')
        self.line.flush()
        code = int(self.expect(str(self.count), seconds))
        with open(f'{name}.out', encoding='utf-8', errors='replace') as file:
            return code, file.read()

    def must(self, script, seconds=120):
        """Output of a script that has to work"""
        code, text = self.run(script, seconds)
        if code != 0:
            raise AssertionError(f'exit {code} of {script.strip()[:200]!r}: {text.strip()[-1500:]}')
        return text

    def write(self, name, text):
        """A file in the shared folder; its path on the nested host"""
        path = os.path.join(self.share, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return f'/lab/{name}'


def keep(machine, name, recipe, produce):
    """A file that a nested host made at an earlier time, or that produce(machine) makes it make in
    its shared folder now; its path there."""
    path = f'{machine.share}/{name}'
    cached = os.path.join(lab_cache.directory(), f'{lab_cache.key(recipe)}-{os.path.basename(name)}')
    if os.path.exists(cached):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(cached, path)
        return True
    produce(machine)
    if os.path.exists(path):
        shutil.copy(path, f'{cached}.partial')
        os.rename(f'{cached}.partial', cached)
    return False
