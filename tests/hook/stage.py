# SPDX-License-Identifier: LGPL-2.1-or-later
"""A libvirt daemon of our own, in a mount namespace of its own: its run, state and configuration
directories, /dev and /sys are ours, and nothing of the machine's is touched. /sys shows a generated host
with hundreds of functions. Only to be used inside 'unshare --mount'."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

NODES = ('null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx')
QEMU = '/usr/bin/qemu-system-x86_64'
QEMU_CONF = """security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
user = "root"
group = "root"
"""
LIBVIRTD_CONF = """unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
max_client_requests = 64
max_clients = 200
log_outputs = "2:stderr"
"""
# libvirt prepares the devices as for real; only QEMU is not told of them, since there are none
WRAPPER = """#!/bin/bash
arguments=()
while [ $# -gt 0 ]; do
    if [[ "$1 $2" == "-device "*@(vfio-pci|virtio-net|virtio-blk)* ||
        "$1 $2" == "-netdev "*vhost-vdpa* || "$1 $2" == "-blockdev "*nvme* ]]; then
        shift 2
    else
        arguments+=("$1")
        shift
    fi
done
exec {qemu} "${{arguments[@]}}"
"""
HOOK = """#!/bin/sh
export VIRT_VIOMMU_CONFDIR={confdir} VIRT_VIOMMU_PROFILES={profiles}
exec {hook} "$@"
"""
# writes down what libvirt calls
RECORD = """#!/bin/sh
echo "$2" >>{calls}
"""
DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  {memory}
  {limit}
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><ioapic driver='qemu'/></features>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
{devices}  </devices>
</domain>
"""
DEVICE = """    <hostdev mode='subsystem' type='pci' managed='no'>
      <driver name='vfio'/>
      <source><address domain='0x0000' bus='{bus:#x}' slot='{slot:#x}' function='{function:#x}'/></source>
    </hostdev>
"""
MEMORY = "<memory unit='MiB'>4</memory>"
# what a daemon may set that may not raise its own limit
LIMIT = "<memtune><hard_limit unit='KiB'>8192</hard_limit></memtune>"
VIOMMU = "    <iommu model='intel'><driver intremap='on' caching_mode='on'/></iommu>\n"
NO_CACHING = "    <iommu model='intel'><driver intremap='on'/></iommu>\n"


def missing():
    """Why it cannot be done here, or None"""
    if os.geteuid() != 0:
        return 'needs root'
    for tool in ('unshare', 'libvirtd', 'virtlogd', 'virsh', 'qemu-system-x86_64'):
        if not shutil.which(tool, path='/usr/sbin:/usr/bin:/sbin:/bin'):
            return f'needs {tool} (libvirt-daemon, libvirt-daemon-driver-qemu, qemu-system-x86)'
    if not glob.glob('/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so'):
        return 'needs libvirt-daemon-driver-qemu'
    tried = subprocess.run(['unshare', '--mount', '--propagation', 'private', 'mount', '-t', 'tmpfs',
                            'tmpfs', '/mnt'], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f'needs mounts of its own: {tried.stderr.strip()}'
    return None


def enter(words):
    """Runs the program again inside, where VIOMMU_STAGE names the stage's directory. Nothing is ever
    removed from the stage, where /dev and /sys are mounted: with the namespace its mounts go, and an
    empty directory remains. The shell is the first process in there, and buries what libvirt's
    daemons leave."""
    scratch = tempfile.mkdtemp(prefix='viommu-libvirtd-')
    inner = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation',
             'private', 'sh', '-c', '"$@"; exit $?', 'sh', sys.executable, *words]
    try:
        return subprocess.run(inner, check=False,
                              env={**os.environ, 'VIOMMU_STAGE': scratch}).returncode
    finally:
        os.rmdir(scratch)


def main(inside):
    """A test program's: skips where there can be no stage, else runs @inside on it; its exit code"""
    if 'VIOMMU_STAGE' in os.environ:
        return inside()
    reason = missing()
    if reason:
        print(f'1..0 # SKIP {reason}')
        return 0
    return enter(sys.argv)


def mount(*arguments):
    subprocess.run(['mount', *arguments], check=True, capture_output=True, text=True)


class Stage:
    def __init__(self, scratch, hook, source, python):
        self.dir, self.hook, self.source, self.python = scratch, hook, source, python
        self.conf = f'{scratch}/conf'
        self.daemons = {}
        self.journal = None
        mount('-t', 'tmpfs', 'tmpfs', scratch)
        self._private_directories()
        self._user()
        self._private_dev()
        self._generated_sys()
        self._configuration()
        self._journal_socket()

    def _private_directories(self):
        mount('-t', 'tmpfs', 'tmpfs', '/run')
        for path in ('/etc/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt'):
            if not os.path.isdir(path):
                mount('-t', 'tmpfs', 'tmpfs', os.path.dirname(path))
                os.mkdir(path)
            mount('-t', 'tmpfs', 'tmpfs', path)

    def _user(self):
        """The user whom Debian's package of the daemon's units would make; libvirtd asks for it."""
        for path, line in (('/etc/passwd', 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin\n'),
                           ('/etc/group', 'libvirt-qemu:x:64055:\n')):
            with open(path, encoding='utf-8') as text:
                known = text.read()
            if '\nlibvirt-qemu:' not in known:
                copy = f'{self.dir}/{os.path.basename(path)}'
                self.write(copy, known.rstrip('\n') + '\n' + line)
                mount('--bind', copy, path)

    def _private_dev(self):
        old = f'{self.dir}/dev'
        os.mkdir(old)
        mount('--bind', '/dev', old)
        mount('-t', 'tmpfs', 'tmpfs', '/dev')
        for name in NODES:
            if os.path.exists(f'{old}/{name}'):
                open(f'/dev/{name}', 'w', encoding='ascii').close()
                mount('--bind', f'{old}/{name}', f'/dev/{name}')
        for name in ('pts', 'shm'):
            os.mkdir(f'/dev/{name}')
            if os.path.isdir(f'{old}/{name}'):
                mount('--rbind', f'{old}/{name}', f'/dev/{name}')
        os.mkdir('/dev/vfio')
        for name in ['vfio', *map(str, range(64))]:
            open(f'/dev/vfio/{name}', 'w', encoding='ascii').close()
        open('/dev/iommu', 'w', encoding='ascii').close()

    def _generated_sys(self):
        tree = f'{self.dir}/tree'
        subprocess.run([self.python, f'{self.source}/bench/sysfs-tree.py', tree, '512'], check=True)
        # interrupts are remapped on this host
        os.makedirs(f'{tree}/sys/kernel/irq/24')
        with open(f'{tree}/sys/kernel/irq/24/chip_name', 'w', encoding='ascii') as out:
            out.write('IR-PCI-MSI\n')
        # libvirt 12 asks for the driver that fits
        for path in glob.glob(f'{tree}/sys/bus/pci/devices/*'):
            self.write(f'{path}/modalias', 'pci:v000015B3d0000101Esv00000000sd00000000bc02sc00i00\n')
        # its processors are ours
        os.makedirs(f'{tree}/sys/devices/system')
        mount('--bind', '/sys/devices/system', f'{tree}/sys/devices/system')
        # without a cgroup in sight libvirt does without
        with open('/proc/self/mounts', encoding='ascii') as mounts:
            below = [line.split()[1] for line in mounts if line.split()[1].startswith('/sys/')]
        for path in reversed(below):
            subprocess.run(['umount', '-l', path], check=False, capture_output=True)
        mount('--rbind', f'{tree}/sys', '/sys')

    def _configuration(self):
        os.makedirs('/etc/libvirt/hooks/qemu.d')
        os.mkdir(self.conf)
        self.write('/etc/libvirt/qemu.conf', QEMU_CONF)
        self.write('/etc/libvirt/libvirtd.conf', LIBVIRTD_CONF)
        self.emulator = f'{self.dir}/qemu'
        self.write(self.emulator, WRAPPER.format(qemu=QEMU), 0o755)
        self.hook_file = '/etc/libvirt/hooks/qemu.d/50-viommu'
        self.write(self.hook_file, HOOK.format(
            confdir=self.conf, profiles=f'{self.source}/policy/profiles', hook=self.hook), 0o755)

        self.call_file = f'{self.dir}/calls'
        self.write('/etc/libvirt/hooks/qemu.d/10-record', RECORD.format(calls=self.call_file), 0o755)

    def _journal_socket(self):
        os.makedirs('/run/systemd/journal')
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.journal.bind('/run/systemd/journal/socket')
        self.journal.setblocking(False)

    @staticmethod
    def write(path, text, mode=0o644):
        with open(path, 'w', encoding='utf-8') as out:
            out.write(text)
        os.chmod(path, mode)

    def policy(self, **members):
        self.write(f'{self.conf}/policy.json',
                   json.dumps({'policy': 1, 'name': 'site', **members}))

    def said(self):
        """What the journal got since the last look: field -> value, one for each entry"""
        entries = []
        while True:
            try:
                text = self.journal.recv(1 << 20).decode(errors="replace")
            except BlockingIOError:
                return entries
            if 'virt-viommu-hook' in text:
                entries.append(dict(line.split('=', 1) for line in text.splitlines()))

    def calls(self):
        """Operations that libvirt has called hooks for since the last look"""
        try:
            with open(self.call_file, encoding='ascii') as text:
                found = text.read().split()
            os.unlink(self.call_file)
        except FileNotFoundError:
            return []
        return found

    def start(self, name):
        log = open(f'{self.dir}/{name}.log', 'ab')
        self.daemons[name] = subprocess.Popen(
            [f'/usr/sbin/{name}'], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LC_ALL': 'C'})
        for _ in range(600):
            if name != 'libvirtd' or self.virsh('version', check=False).returncode == 0:
                return
            if self.daemons[name].poll() is not None:
                break
            time.sleep(0.1)
        with open(f'{self.dir}/{name}.log', encoding='utf-8', errors='replace') as text:
            raise AssertionError(f'{name} does not answer: {text.read()[-2000:]}')

    def kill(self, name, how=signal.SIGKILL):
        daemon = self.daemons.pop(name)
        daemon.send_signal(how)
        daemon.wait()

    def virsh(self, *words, check=True, timeout=120):
        done = subprocess.run(['/usr/bin/virsh', '-c', 'qemu:///system', *words],
                              capture_output=True, text=True, timeout=timeout, check=False,
                              env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C', 'HOME': '/root'})
        if check and done.returncode != 0:
            raise AssertionError(f'virsh {words}: {done.stderr}')
        return done

    def define(self, name, uuid, devices, verb='define', limit=LIMIT, memory=MEMORY):
        path = f'{self.dir}/{name}.xml'
        self.write(path, DOMAIN.format(name=name, uuid=uuid, devices=devices, limit=limit,
                                       memory=memory, emulator=self.emulator))
        return self.virsh(verb, path)

    def versions(self):
        words = self.virsh('version').stdout.split()
        return f"libvirt {words[words.index('libvirt') + 1]}, QEMU {words[-1]}"

    def running(self):
        return sorted(self.virsh('list', '--name').stdout.split())

    def reset(self):
        """Nothing runs and nothing is defined; policy, journal and calls are empty."""
        if 'libvirtd' not in self.daemons:
            self.start('libvirtd')
        if os.path.exists(f'{self.conf}/policy.json'):
            os.unlink(f'{self.conf}/policy.json')
        for name in self.virsh('list', '--all', '--name').stdout.split():
            self.virsh('destroy', name, check=False)
            self.virsh('undefine', name, check=False)
        self.policy()
        self.said()
        self.calls()

    def end(self):
        for name in list(self.daemons):
            self.kill(name, signal.SIGTERM)


def device_of(xml, index, **more):
    """The index-th function of the generated host that is assignable: a VF of the first PFs"""
    number = index // 14 * 16 + 2 + index % 14
    return xml.format(bus=number >> 8, slot=number >> 3 & 31, function=number & 7, **more)


def function(index):
    return device_of(DEVICE, index)


def address(index):
    number = index // 14 * 16 + 2 + index % 14
    return f'0000:{number >> 8:02x}:{number >> 3 & 31:02x}.{number & 7}'
