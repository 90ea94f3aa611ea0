# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of the nested host whose Linux runs: what it boots, what it says, and what is done to it"""
import dataclasses
import os
import re
import shutil
import tarfile
import time

import cases_plans
import lab_cpio
import lab_try

SECONDS = 900
MEBIBYTES = 256
MODULES = ('nvme-core.ko', 'nvme.ko')
CONSOLES = {'x86': 'ttyS0', 'arm64': 'ttyAMA0'}
# a device that does not answer is given up soon
ARGUMENTS = 'quiet panic=-1 intel_iommu=on no_timer_check nvme_core.admin_timeout=10'


@dataclasses.dataclass
class Boot:
    guest: object          # that can be rendered
    profile: str
    nested: bool = False   # the guest's own tables translate
    planned: bool = True   # the domain is what apply makes of it; else as it is written
    hooked: bool = True    # our hook is asked, and lets it start
    disks: int = 1         # NVMe functions that move data
    lost: int = 0          # that do not
    steps: tuple = ()      # ('attach' or 'detach', address, how many then move data, and do not)
    arguments: str = ''    # more for its kernel
    short: bool = False


def prepare(machine, lab):
    """Kernel and first root of guests, in the shared folder"""
    machine.must('cp "$(command -v busybox)" /lab/busybox')
    files = {'init': (f'{machine.share}/guest-init', 0o755),
             'bin/busybox': (f'{machine.share}/busybox', 0o755)}
    contents = {}
    for name, (path, mode) in files.items():
        with open(path, 'rb') as file:
            contents[name] = file.read(), mode
    if lab.kernel.modules:
        with tarfile.open(lab.kernel.modules) as packed:
            for member in packed:
                if os.path.basename(member.name) in MODULES:
                    data = packed.extractfile(member).read()
                    contents[f'modules/{os.path.basename(member.name)}'] = data, 0o644
    with open(f'{machine.share}/guest.cpio', 'wb') as file:
        file.write(lab_cpio.archive(contents))
    shutil.copy(lab.image(lab.stack), f'{machine.share}/kernel')


def render(guest, name, host):
    boot = (f'<kernel>/lab/kernel</kernel><initrd>/lab/guest.cpio</initrd>'
            f'<cmdline>console={CONSOLES[host]} {ARGUMENTS} {guest.arguments}</cmdline></os>')
    serial = f"<serial type='file'><source path='/lab/{name}.log'/></serial></devices>"
    return guest.guest.render(name).replace('</os>', boot).replace('</devices>', serial)


class Running:
    """Paused until it goes; @row gets what it says, and what is locked"""

    def __init__(self, machine, name, row):
        self.machine, self.name, self.row, self.rounds = machine, name, row, 0
        self.lines = int(machine.must('dmesg | wc -l'))

    def go(self, guest):
        self.row['locked'].append(('start', self.locked()))
        self.machine.must(f'virsh -q resume {self.name}')
        self.round('mapped', guest.disks, guest.lost)
        for what, address, disks, *lost in guest.steps:
            said, did = cases_plans.plug(self.machine, self.name, address, what)
            self.row['said'].append(f'{what} of {address[5:]}: we say {said}, {did}')
            if (said, did) != ('yes', 'done'):
                raise AssertionError(self.row['said'][-1])
            self.round(f'after {what}', disks, sum(lost))

    def round(self, when, disks, lost):
        """The guest tries all that it has; what it says, and what is locked then"""
        lines = self.wait()
        said = '\n'.join(lines)
        self.row['said'] += [line for line in lines
                             if ' in group ' not in line or line not in self.row['said']]
        moved, still = len(re.findall('moved 1 MiB', said)), len(re.findall('moves no data', said))
        self.row['said'] += self.host_log()
        if (moved, still) != (disks, lost):
            raise AssertionError(f'{when}: {moved} move data and {still} do not, wanted {disks} and '
                                 f'{lost}:\n' + '\n'.join(self.row['said']))
        strays = [line for line in lines if ' in group ' in line and ' of 1, DMA' not in line]
        if strays:
            raise AssertionError(f'not alone, or not translated: {strays}')
        self.row['locked'].append((when, self.locked()))

    def locked(self):
        """What is locked now, and what we say of the domain as it is now"""
        self.machine.must(f'virsh -q dumpxml {self.name} >/lab/domains/{self.name}-live.xml')
        figures = lab_try.parse(self.machine.must(f'echo stage runs; figures {self.name}'))
        figures.accounted = lab_try.figures(self.machine, f'{self.name}-live')['accounted']
        return figures

    def wait(self):
        """What the guest said in its next round"""
        path, text, end = f'{self.machine.share}/{self.name}.log', '', time.monotonic() + SECONDS
        self.rounds += 1
        last = f'LAB ROUND {self.rounds} '
        while last not in text:
            if time.monotonic() > end:
                raise AssertionError(f'no {last.strip()}:\n{text[-2000:]}')
            time.sleep(1)
            if os.path.exists(path):
                with open(path, encoding='utf-8', errors='replace') as file:
                    text = file.read().replace('\r', '')
        told = text.partition(last)[0].rpartition('LAB ROUND ')[2]
        return re.findall(r'LAB (.*)', told)

    def host_log(self):
        """What the host's kernel says of DMA, once"""
        count, _, text = self.machine.must(
            f'dmesg | wc -l\ndmesg | tail -n +{self.lines + 1} | cut -c16- | '
            "grep -iE 'arm-smmu.*event|DMAR.*fault' | head -2").partition('\n')
        self.lines = int(count)
        return [f'host: {line}' for line in text.splitlines()]
