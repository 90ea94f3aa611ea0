#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the hook adds to 'virsh start' of a domain with many devices: a real libvirt daemon and QEMU on
a generated host (tests/hook/stage.py), starts with the hook and with a program that does nothing in
turns, as a Markdown table.  usage, as root: hook-start.py HOOK [DEVICES [ROUNDS]]     (see README.md)"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f'{HERE}/../tests/hook')
import stage  # noqa: E402
from measure import in_turns  # noqa: E402

CALLS = ('prepare', 'start', 'started')


def start(here, content):
    """Seconds of one start; libvirt looks only at its beginning which hooks there are"""
    here.write(f'{here.hook_file}.new', content, 0o755)
    os.rename(f'{here.hook_file}.new', here.hook_file)
    began = time.monotonic()
    here.virsh('start', 'many')
    taken = time.monotonic() - began
    here.virsh('destroy', 'many')
    return taken


def calls_alone(here, hook):
    """Seconds of the calls of a start by themselves"""
    os.environ.update(VIRT_VIOMMU_CONFDIR=here.conf, VIRT_VIOMMU_PROFILES=f'{HERE}/../policy/profiles',
                      VIRT_VIOMMU_RUNDIR='/run/virt-viommu')
    return in_turns(*([hook, 'many', operation, 'begin', '-'] for operation in CALLS), rounds=21,
                    stdin=f'{here.dir}/many.xml')


def measure(here, devices, rounds):
    os.unlink('/etc/libvirt/hooks/qemu.d/10-record')
    here.policy()
    here.start('virtlogd')
    here.start('libvirtd')
    here.define('many', '00000000-0000-0000-0000-000000000001',
                ''.join(map(stage.function, range(devices))) + stage.VIOMMU)
    with open(here.hook_file, encoding='ascii') as text:
        ours = text.read()
    idle = '#!/bin/sh\nexec /bin/true\n'
    samples = [(start(here, idle), start(here, ours)) for _ in range(rounds + 1)][1:]
    without, with_hook = (statistics.median(column) for column in zip(*samples))
    alone = calls_alone(here, here.hook)
    version = here.virsh('version').stdout.split()
    print(f"libvirt {version[version.index('libvirt') + 1]}, QEMU {version[-1]}, {devices} devices, "
          f'{rounds} starts each\n')
    print('| virsh start | ms | fastest |\n|---|---|---|')
    for name, column, median in (('with a hook that does nothing', 0, without),
                                 ('with 50-viommu', 1, with_hook)):
        fastest = min(sample[column] for sample in samples)
        print(f'| {name} | {median * 1e3:.0f} | {fastest * 1e3:.0f} |')
    each = ', '.join(f'{name} {taken * 1e3:.1f}' for name, taken in zip(CALLS, alone))
    print(f'\nThe calls of a start take {sum(alone) * 1e3:.1f} ms by themselves ({each}), '
          f'{sum(alone) / with_hook * 100:.1f} % of it.')
    here.end()


def main():
    if os.environ.get('VIOMMU_STAGE'):
        words = list(map(int, sys.argv[2:]))
        here = stage.Stage(os.environ['VIOMMU_STAGE'], os.path.abspath(sys.argv[1]),
                           os.path.abspath(f'{HERE}/..'), sys.executable)
        measure(here, words[0] if words else 30, words[1] if len(words) > 1 else 15)
        return
    reason = stage.missing()
    if reason:
        sys.exit(f'hook-start.py: {reason}')
    sys.exit(stage.enter(sys.argv))


main()
