# SPDX-License-Identifier: LGPL-2.1-or-later
"""Planned domains whose Linux boots, finds the assigned NVMe alone in its group, and moves data to
and from it through the vIOMMU."""
import io
import os
import shutil
import tarfile
import time

import cases_plans
import lab_arm64
import lab_cpio
import lab_try
import plans_arm64
import plans_x86
import verdicts_arm64
import verdicts_x86

SECONDS = 900
MEBIBYTES = 256
MODULES = ('nvme-core.ko', 'nvme.ko')
CONSOLES = {'x86': 'ttyS0', 'arm64': 'ttyAMA0'}
# what shows up in the guest: the model in its own words, and whether groups are seen at all
WANTED = ('FOUND', 'ALONE', 'TRANSLATED', 'WRITTEN', 'SAME')


def x86_guests():
    for name, iommufd, iommus in (('VT-d, legacy', False, ()), ('VT-d, iommufd', True, ()),
                                  ('virtio vIOMMU, iommufd', True, (plans_x86.virtio(),))):
        yield name, 'shadow', plans_x86.asked(verdicts_x86.DISK, iommufd=iommufd, iommus=iommus,
                                              memory=MEBIBYTES)


def arm64_guests():
    yield 'vSMMU, nested', lab_arm64.NESTED, plans_arm64.asked(verdicts_arm64.DISK)
    yield 'virtio vIOMMU where nothing nests', lab_arm64.INCOHERENT, \
        plans_arm64.asked(verdicts_arm64.DISK)


GUESTS = {'x86': x86_guests, 'arm64': arm64_guests}


def initramfs(machine, lab):
    machine.must('cp "$(command -v busybox)" /lab/busybox')
    files = {'init': (f'{machine.share}/guest-init', 0o755),
             'bin/busybox': (f'{machine.share}/busybox', 0o755)}
    contents = {name: (open(path, 'rb').read(), mode) for name, (path, mode) in files.items()}
    if lab.kernel.modules:
        with tarfile.open(lab.kernel.modules) as packed:
            for member in packed:
                if os.path.basename(member.name) in MODULES:
                    data = packed.extractfile(member).read()
                    contents[f'modules/{os.path.basename(member.name)}'] = data, 0o644
    with open(f'{machine.share}/guest.cpio', 'wb') as file:
        file.write(lab_cpio.archive(contents))


class Booting:
    """A guest that boots our kernel and writes to a file"""

    def __init__(self, wish, console):
        self.wish, self.console = wish, console

    def render(self, name):
        boot = (f'<kernel>/lab/kernel</kernel><initrd>/lab/guest.cpio</initrd>'
                f'<cmdline>console={self.console} quiet panic=-1 intel_iommu=on no_timer_check'
                '</cmdline></os>')
        serial = f"<serial type='file'><source path='/lab/{name}.log'/></serial></devices>"
        return self.wish.render(name).replace('</os>', boot).replace('</devices>', serial)


def boot(lab, profile, name, wish):
    machine = lab.machine(profile)
    cases_plans.install_hook(machine)
    lab_try.start_daemon(machine, lab)
    initramfs(machine, lab)
    shutil.copy(lab.image(lab.stack), f'{machine.share}/kernel')
    short = f'guest-{lab_try.slug(name)}'
    machine.write(f'domains/{short}-asked.xml',
                  Booting(wish, CONSOLES[lab.chosen.host]).render(short))
    begin = time.monotonic()
    try:
        machine.must(f'vv apply /lab/domains/{short}-asked.xml >/lab/domains/{short}.xml && '
                     f'virsh -q define --validate /lab/domains/{short}.xml && '
                     f'virsh -q start {short}', 300)
        text = wait(f'{machine.share}/{short}.log')
    finally:
        machine.run(f'finish {short}', 300)
    missing = [word for word in WANTED if f'LAB {word}' not in text]
    took = f'{time.monotonic() - begin:.0f} s'
    told = [line.partition('LAB ')[2] for line in text.splitlines() if 'LAB ' in line]
    lab.guests.append([profile, name, '; '.join(told)])
    if missing:
        raise AssertionError(f'after {took} no {" ".join(missing)}:\n{text[-2000:]}')
    return '\n'.join([took, *told])


def wait(path):
    """What the guest said until it was done"""
    text, end = '', time.monotonic() + SECONDS
    while time.monotonic() < end and 'LAB DONE' not in text:
        time.sleep(2)
        if os.path.exists(path):
            with io.open(path, encoding='utf-8', errors='replace') as file:
                text = file.read().replace('\r', '')
    return text


def cases(lab):
    for profile in lab.profiles:
        for name, wanted, wish in GUESTS[lab.chosen.host]():
            if wanted == profile and not lab.chosen.short:
                yield f'guest {profile}: {name}', \
                    lambda profile=profile, name=name, wish=wish: boot(lab, profile, name, wish)
