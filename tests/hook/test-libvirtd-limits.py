#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locked memory: what a real libvirt daemon sets for a domain, to the byte, against what 'limits' says
of it.  usage: test-libvirtd-limits.py HOOK PROGRAM SOURCE-ROOT"""
import json
import os
import re
import subprocess
import sys

HOOK, PROGRAM, SOURCE = map(os.path.abspath, sys.argv[1:4])
sys.path.insert(0, f'{SOURCE}/tests/cli')
import stage  # noqa: E402
import tap  # noqa: E402
from stage import VIOMMU, function  # noqa: E402

UUID = '00000000-0000-0000-0000-000000000001'
UNLIMITED = (1 << 64) - 1
LIBVIRT_UNLIMITED = (1 << 53) - 1  # VIR_DOMAIN_MEMORY_PARAM_UNLIMITED, which becomes RLIM_INFINITY
# libvirt opens or prepares them; the stage's emulator hears nothing of them
VDPA = ("    <interface type='vdpa'><source dev='/dev/vhost-vdpa-{0}'/>"
        "<model type='virtio'/></interface>\n")
NVME = """    <disk type='nvme' device='disk'>
      <driver name='qemu' type='raw'/>
      <source type='pci' managed='no' namespace='1'>
        <address domain='0x0000' bus='{bus:#x}' slot='{slot:#x}' function='{function:#x}'/>
      </source>
      <target dev='vd{letter}' bus='virtio'/>
    </disk>
"""
LOCKED = '<memoryBacking><locked/></memoryBacking>'
HARD = "<memtune><hard_limit unit='KiB'>%u</hard_limit></memtune>"


def functions(count):
    return ''.join(map(function, range(count)))


def nvme(count):
    return ''.join(stage.device_of(NVME, 20 + number, letter='ab'[number]) for number in range(count))


def vdpa(count):
    for number in range(count):
        with open(f'/dev/vhost-vdpa-{number}', 'w', encoding='ascii'):
            pass
    return ''.join(map(VDPA.format, range(count)))


def foretold():
    """What libvirt sets by itself; None: nothing"""
    done = subprocess.run([PROGRAM, 'limits', '--json', f'{here.dir}/vm.xml'], capture_output=True,
                          text=True, check=True,
                          env={'PATH': '/usr/bin:/bin', 'HOME': '/root',
                               'VIRT_VIOMMU_CONFDIR': here.conf,
                               'VIRT_VIOMMU_PROFILES': f'{SOURCE}/policy/profiles'})
    figure = json.loads(done.stdout)['now'].get('libvirt', 'unknown')
    return UNLIMITED if figure == 'unlimited' else figure


def limit_of(pid):
    with open(f'/proc/{pid}/limits', encoding='ascii') as text:
        word = re.search(r'^Max locked memory\s+(\S+)', text.read(), re.M)[1]
    return UNLIMITED if word == 'unlimited' else int(word)


def really_set():
    """From QEMU's process; from libvirt's words where it may not set that much; None: nothing set"""
    done = here.virsh('start', 'vm', check=False)
    refused = re.search(r'cannot limit locked memory of process \d+ to (\d+):', done.stderr)
    if refused:
        figure = int(refused[1])
        return UNLIMITED if figure == LIBVIRT_UNLIMITED else figure, 'wanted'
    tap.equal(done.returncode, 0, done.stderr)
    with open('/run/libvirt/qemu/vm.pid', encoding='ascii') as text:
        limit = limit_of(text.read())
    here.virsh('destroy', 'vm')
    inherited = limit_of(here.daemons['libvirtd'].pid)
    return None if limit == inherited else limit, 'set'


def compare(devices, limit='', **options):
    here.define('vm', UUID, devices, limit=limit, **options)
    said, (figure, how) = foretold(), really_set()
    print(f'# {how}: {figure}')
    tap.equal(said, figure)


def test_devices():
    compare(functions(1))
    compare(functions(4))
    compare(functions(4) + VIOMMU)


def test_a_viommu_alone_sets_nothing():
    compare(VIOMMU)


def test_memory_is_rounded_up():
    compare(functions(2) + VIOMMU, memory="<memory unit='KiB'>5001</memory>")


def test_memory_that_may_come_does_not_count():
    compare(functions(2) + VIOMMU, memory="<maxMemory slots='2' unit='MiB'>64</maxMemory>"
            "<memory unit='MiB'>4</memory><cpu><numa><cell id='0' cpus='0' memory='4' unit='MiB'/>"
            "</numa></cpu>")


def test_vdpa():
    compare(vdpa(1))
    compare(vdpa(2) + functions(2))
    compare(vdpa(1) + functions(2) + VIOMMU)


def test_nvme():
    compare(nvme(1))
    compare(nvme(2))
    compare(nvme(2) + VIOMMU)
    compare(nvme(2) + functions(2))
    compare(nvme(1) + vdpa(1))
    compare(nvme(2) + vdpa(1) + functions(2) + VIOMMU)


def test_a_hard_limit_is_taken_as_it_is():
    compare(functions(2) + VIOMMU, limit=HARD % 4321)
    compare(functions(2), limit=LOCKED + HARD % 8191)


def test_locked():
    compare(functions(1), limit=LOCKED)


def inside():
    global here
    here = stage.Stage(os.environ['VIOMMU_STAGE'], HOOK, SOURCE, sys.executable)
    here.start('virtlogd')
    here.start('libvirtd')
    here.policy(hook={'mode': 'audit'})
    print(f'# {here.versions()}')
    code = tap.run({name: value for name, value in globals().items() if name.startswith('test_')})
    here.end()
    return code


here = None

if __name__ == '__main__':
    sys.exit(stage.main(inside))
