# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real libvirt and QEMU that judge domains, by libvirt's embedded driver: no daemon, no network,
nothing of this machine's configuration. Each worker is one virsh in mount and process namespaces of
its own, with an empty /dev (no KVM, no VFIO); what it started dies with it.

A stack is this machine itself or a private root of a Debian suite, made with mmdebstrap from the
mirror that apt is configured for and kept in the user's cache directory."""
import dataclasses
import glob
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading

import libvirt_source

SUITES = {'9.0': 'bookworm', '12.8': 'forky'}
PACKAGES = ('libvirt-daemon-driver-qemu', 'libvirt-clients', 'qemu-system-x86', 'qemu-system-arm')
DRIVER = 'usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so'
EMULATORS = ('usr/bin/qemu-system-x86_64', 'usr/bin/qemu-system-aarch64')
DOMAINS = '/mnt'  # where a worker sees its directory; the domains name files in there
FLASH_BYTES = 64 << 20
DISK_BYTES = 1 << 20
COMMAND_SECONDS = 60

QEMU_CONF = '''security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
user = "root"
group = "root"
remember_owner = 0
'''

# $1: the root (may be empty), $2: the worker's directory, $3: empty files in /dev
ENTER = '''set -e
mount --make-rprivate /
if [ -n "$1" ]; then
    mount --bind "$1" "$1"
    mount --rbind /sys "$1/sys"
fi
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/mnt"
dev=$2/dev
mkdir -p "$dev"
mount -t tmpfs tmpfs "$dev"
for node in null zero full random urandom tty; do cp -a /dev/$node "$dev/"; done
mkdir "$dev/pts" "$dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$dev/pts"
ln -s pts/ptmx "$dev/ptmx"
for node in $3; do touch "$dev/$node"; done
mount --rbind "$dev" "$1/dev"
cd "$1/mnt"
# this shell is the first process of its namespace and has to wait for what QEMU leaves behind
if [ -n "$1" ]; then
    chroot "$1" sh -c 'cd /mnt && virsh -q -c "qemu:///embed?root=/mnt"; exit'
else
    virsh -q -c "qemu:///embed?root=/mnt"
fi
exit
'''


class Unavailable(Exception):
    """Why this stack cannot judge here."""


@dataclasses.dataclass
class Answer:
    """What the stack did with one domain."""
    outcome: str          # starts, schema, define, start or lost
    text: str = ''        # the complaint that decided; of the schema where nothing else complains
    schema: str = ''      # what define --validate says, where it refuses
    kept: str = ''        # the definition that libvirt keeps


def has_stack(root):
    return bool(glob.glob(f'{root}/{DRIVER}')) and \
        all(os.path.exists(f'{root}/{name}') for name in EMULATORS) and \
        os.path.exists(f'{root}/usr/bin/virsh')


def driver_version(root):
    """"9.0" by the name of the library; empty when there is none"""
    for path in glob.glob(f'{root}/usr/lib/*/libvirt.so.0.*'):
        match = re.search(r'libvirt\.so\.0\.(\d+)(\d{3})\.\d+$', path)
        if match:
            return f'{match[1]}.{int(match[2])}'
    return ''


def cache_directory():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(base, 'virt-viommu', 'oracle')


def make_root(suite):
    """The private root of that suite, made when it is not there."""
    root = os.path.join(cache_directory(), suite)
    if has_stack(root):
        return root
    if not shutil.which('mmdebstrap'):
        raise Unavailable(f'a private root of {suite} needs mmdebstrap')
    try:
        mirror, _ = libvirt_source.mirror_and_suite()
    except libvirt_source.Unavailable as reason:
        raise Unavailable(str(reason)) from reason
    os.makedirs(os.path.dirname(root), exist_ok=True)
    partial = f'{root}.partial'
    shutil.rmtree(partial, ignore_errors=True)
    run = subprocess.run(
        ['mmdebstrap', '--quiet', '--mode=root', '--variant=apt',
         '--aptopt=Acquire::Check-Valid-Until "false"', f'--include={",".join(PACKAGES)}',
         suite, partial, mirror], capture_output=True, text=True)
    if run.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise Unavailable(f'mmdebstrap {suite}: {run.stderr.strip().splitlines()[-1:]}')
    os.rename(partial, root)
    return root


def find_root(stack, make=True):
    """Where that stack is: "" is this machine."""
    if os.getuid() != 0:
        raise Unavailable('needs root for namespaces of its own')
    if not shutil.which('unshare'):
        raise Unavailable('needs unshare')
    if has_stack('') and driver_version('') == stack:
        return ''
    suite = SUITES.get(stack)
    if not suite:
        raise Unavailable(f'no suite is known that has libvirt {stack}')
    if not make and not has_stack(os.path.join(cache_directory(), suite)):
        raise Unavailable(f"needs libvirt {stack}'s QEMU driver and QEMU for x86 and Arm, here or in "
                          f'the private root that "tests/stack/oracle --stack {stack}" makes')
    return make_root(suite)


def complaint(lines):
    """virsh's own lines, without what the library logs and without what virsh says of each"""
    texts = [line[len('error: '):].strip() if line.startswith('error: ') else line.strip()
             for line in lines if not re.match(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+0000: \d+: ',
                                               line)]
    texts = [text for text in texts if text and not text.startswith(
        ('Failed to define domain', 'Failed to start domain', 'Failed to undefine'))]
    return re.sub(r'\d{4}-\d\d-\d\dT[0-9:.]+Z ', '', ' '.join(texts))


class Worker:
    """One virsh that is asked one command after the other."""

    def __init__(self, root, directory, capabilities=None, nodes=()):
        self.root, self.directory, self.count, self.nodes = root, directory, 0, nodes
        self.output = subprocess.DEVNULL  # of virsh; what it wrote is flushed when a command has ended
        os.makedirs(f'{directory}/etc', exist_ok=True)
        with open(f'{directory}/etc/qemu.conf', 'w', encoding='utf-8') as file:
            file.write(QEMU_CONF)
        for name, size in (('code.fd', FLASH_BYTES), ('vars.fd', FLASH_BYTES),
                           ('disk.raw', DISK_BYTES)):
            with open(f'{directory}/{name}', 'wb') as file:
                file.truncate(size)
        if capabilities:
            shutil.copytree(capabilities, f'{directory}/cache/qemu/capabilities')
        self.virsh = None

    def open(self, **streams):
        return subprocess.Popen(
            ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'enter',
             self.root, self.directory, ' '.join(self.nodes)], stdin=subprocess.PIPE, text=True, errors='replace',
            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C', 'HOME': '/root'},
            **streams)

    def once(self, *commands):
        """Standard output and errors of a virsh that only does this"""
        with self.open(stdout=subprocess.PIPE, stderr=subprocess.PIPE) as virsh:
            return virsh.communicate('\n'.join([*commands, '']))

    def end(self):
        if self.virsh:
            self.virsh.kill()
            self.virsh.stdin.close()
            self.virsh.stderr.close()
            self.virsh.wait()
            self.virsh = None

    def ask(self, command):
        """What virsh wrote as errors; None when it hung or died."""
        if not self.virsh:
            self.virsh = self.open(stdout=self.output, stderr=subprocess.PIPE)
        self.count += 1
        mark = f'done-{self.count}'
        timer = threading.Timer(COMMAND_SECONDS, self.virsh.kill)
        timer.start()
        lines = []
        try:
            self.virsh.stdin.write(f'{command}\necho --err --str {mark}\n')
            self.virsh.stdin.flush()
            for line in self.virsh.stderr:
                if line.startswith(f'error: {mark}'):
                    return lines
                lines.append(line)
        except OSError:
            pass
        finally:
            timer.cancel()
        self.end()
        return None

    def refused(self, command):
        """(whether it answered, complaint)"""
        lines = self.ask(command)
        return lines is not None, complaint(lines or [])

    def define(self, name, text):
        """(whether libvirt takes it, also by its schema; its complaint; what it keeps)"""
        with open(f'{self.directory}/{name}.xml', 'w', encoding='utf-8') as file:
            file.write(text)
        answered, text = self.refused(f'define --validate {DOMAINS}/{name}.xml')
        os.unlink(f'{self.directory}/{name}.xml')
        if not answered or text:
            return False, text or self.lost(name, 'define').text, ''
        with open(f'{self.directory}/etc/qemu/{name}.xml', encoding='utf-8') as file:
            kept = file.read()
        self.ask(f'undefine {name} --keep-nvram')
        return True, '', kept

    def judge(self, name, text):
        with open(f'{self.directory}/{name}.xml', 'w', encoding='utf-8') as file:
            file.write(text)
        try:
            return self.judge_file(name)
        finally:
            os.unlink(f'{self.directory}/{name}.xml')

    def judge_file(self, name):
        answered, schema = self.refused(f'define --validate {DOMAINS}/{name}.xml')
        if answered and schema:
            answered, text = self.refused(f'define {DOMAINS}/{name}.xml')
            if answered and text:
                return Answer('define', text, schema)
        if not answered:
            return self.lost(name, 'define')
        try:
            with open(f'{self.directory}/etc/qemu/{name}.xml', encoding='utf-8') as file:
                kept = file.read()
        except OSError:
            return self.lost(name, 'definition not kept')
        answered, text = self.refused(f'start --paused {name}')
        if not answered:
            return self.lost(name, 'start')
        if not text and self.ask(f'destroy {name}') is None:
            return self.lost(name, 'destroy')
        self.ask(f'undefine {name} --keep-nvram')
        if text:
            return Answer('start', text, schema, kept)
        return Answer('schema' if schema else 'starts', schema, schema, kept)

    def lost(self, name, where):
        """libvirt hung or died: worth a look by hand, and nothing that a rule could be held to"""
        self.end()
        shutil.rmtree(f'{self.directory}/etc/qemu', ignore_errors=True)
        return Answer('lost', f'no answer at {where} of {name}')


class Stack:
    def __init__(self, name, jobs, make=True, root=None, nodes=()):
        self.name, self.jobs, self.nodes = name, jobs, nodes
        self.root = os.path.abspath(root) if root else find_root(name, make)
        if self.root and not has_stack(self.root):
            raise Unavailable(f'no libvirt QEMU driver, virsh and QEMU in {self.root}')
        self.directory = tempfile.mkdtemp(prefix='oracle.')
        self.workers = []
        self.libvirt = self.qemu = ''

    def __enter__(self):
        first = Worker(self.root, f'{self.directory}/0', nodes=self.nodes)
        self.workers.append(first)
        # so that each emulator is probed, and only once
        text, errors = first.once('version', *(f'domcapabilities --arch {arch} --virttype qemu'
                                               for arch in ('x86_64', 'aarch64')))
        versions = re.search(r'Using API: QEMU (\S+)\s+Running hypervisor: QEMU (\S+)', text)
        if not versions:
            self.__exit__()
            raise Unavailable(f'virsh does not come up: {complaint(errors.splitlines())}')
        self.libvirt, self.qemu = versions[1], versions[2]
        known = f'{self.directory}/0/cache/qemu/capabilities'
        for number in range(1, self.jobs):
            self.workers.append(Worker(self.root, f'{self.directory}/{number}', known, self.nodes))
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def map(self, function, items):
        """[function(worker, item)] in the order of @items, several at a time"""
        work = queue.SimpleQueue()
        for position, item in enumerate(items):
            work.put((position, item))
        results = [None] * work.qsize()

        def labour(worker):
            while True:
                try:
                    position, item = work.get_nowait()
                except queue.Empty:
                    return
                try:
                    results[position] = function(worker, item)
                except Exception as error:  # a thread has nobody to tell
                    results[position] = error

        threads = [threading.Thread(target=labour, args=(worker,)) for worker in self.workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    def judge(self, domains):
        """{name: Answer} of (name, XML text) pairs"""
        domains = list(domains)
        answers = self.map(lambda worker, pair: worker.judge(*pair), domains)
        return {name: answer for (name, _), answer in zip(domains, answers)}
