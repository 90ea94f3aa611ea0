# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Linux guest under TCG in the place of the one that a plan is for: a kernel, one program, a console."""
import glob
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

LAB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lab')
sys.path.insert(0, LAB)
import lab_kernel

COMPILERS = {'x86_64': ('gcc', 'cc'), 'aarch64': ('aarch64-linux-gnu-gcc',)}
LAB_NAMES = {'x86_64': 'x86', 'aarch64': 'arm64'}
CONSOLES = {'x86_64': 'ttyS0', 'aarch64': 'ttyAMA0'}
FIRMWARE = 'usr/share/AAVMF/AAVMF_CODE.no-secboot.fd', 'usr/share/AAVMF/AAVMF_VARS.fd'
FIRMWARE_BYTES = 64 << 20
MEMORY_MIB = {'x86_64': 320, 'aarch64': 512}
SECONDS = 200
TRIES = 3


class Unavailable(Exception):
    """Why no guest of that kind can be booted here."""


def kernel_of(architecture, directory):
    """A bootable kernel: of the folder that was named, of the lab's cache, or of this machine"""
    for place in [directory, os.environ.get('LAB_KERNELS')]:
        if place:
            found = lab_kernel.newest(place, 'vmlinuz-*', 'Image*') or \
                lab_kernel.newest(os.path.join(place, LAB_NAMES[architecture]), 'vmlinuz-*', 'Image*')
            if found:
                return found
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    for path in sorted(glob.glob(f'{cache}/virt-viommu-lab/kernel-{LAB_NAMES[architecture]}*/')):
        found = lab_kernel.newest(path, 'vmlinuz-*', 'Image*')
        if found:
            return found
    found = lab_kernel.newest('/boot', 'vmlinuz-*') if os.uname().machine == architecture else None
    if not found:
        raise Unavailable(f'no {architecture} kernel: --kernels DIRECTORY, LAB_KERNELS, or one in /boot')
    return found


def newc(name, mode, content):
    """One entry of a cpio archive"""
    raw = name.encode() + b'\0'
    fields = [1, mode, 0, 0, 1, 0, len(content), 0, 0, 5 if name == 'dev/console' else 0,
              1 if name == 'dev/console' else 0, len(raw), 0]
    entry = b'070701' + b''.join(b'%08X' % field for field in fields) + raw
    entry += b'\0' * (-len(entry) % 4) + content
    return entry + b'\0' * (-len(entry) % 4)


def make_initrd(architecture, path, program='guest-init.c'):
    compiler = next((name for name in COMPILERS[architecture] if shutil.which(name)), None)
    if not compiler or (compiler == 'cc' and os.uname().machine != architecture):
        raise Unavailable(f'no compiler for {architecture} ({COMPILERS[architecture][0]})')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), program)
    run = subprocess.run([compiler, '-static', '-O1', '-o', f'{path}.init', source], capture_output=True, text=True)
    if run.returncode != 0:
        raise Unavailable(f'{compiler} links no static program: {run.stderr.strip()[-200:]}')
    with open(f'{path}.init', 'rb') as program, open(path, 'wb') as archive:
        archive.write(newc('dev', 0o040755, b'') + newc('dev/console', 0o020600, b'') +
                      newc('init', 0o100755, program.read()) + newc('TRAILER!!!', 0, b''))


def place_firmware(root, directory):
    for source, name in zip(FIRMWARE, ('AAVMF_CODE.fd', 'AAVMF_VARS.fd')):
        found = next((path for path in (f'{root}/{source}', f'/{source}') if os.path.exists(path)), None)
        if not found:
            raise Unavailable('no UEFI firmware for Arm (package qemu-efi-aarch64)')
        shutil.copyfile(found, f'{directory}/{name}')
        with open(f'{directory}/{name}', 'r+b') as file:
            file.truncate(FIRMWARE_BYTES)


def prepare(architecture, kernels, root, directory):
    """Puts kernel, initrd and firmware where the worker sees them."""
    kernel = kernel_of(architecture, kernels)
    if kernel.endswith('.gz'):
        with open(f'{directory}/kernel-{architecture}', 'wb') as out:
            subprocess.run(['gzip', '-dc', kernel], stdout=out, check=True)
    else:
        shutil.copyfile(kernel, f'{directory}/kernel-{architecture}')
    make_initrd(architecture, f'{directory}/initrd-{architecture}')
    if architecture == 'aarch64':
        place_firmware(root, directory)


def boot_text(text, name, architecture):
    """The domain as it starts, with a kernel of ours and its console in a file"""
    root = ET.fromstring(text)
    os_element = root.find('os')
    for child in list(os_element):
        if child.tag in ('loader', 'nvram', 'boot'):
            os_element.remove(child)
    if architecture == 'aarch64':
        ET.SubElement(os_element, 'loader', {'readonly': 'yes', 'type': 'pflash'}).text = '/mnt/AAVMF_CODE.fd'
        ET.SubElement(os_element, 'nvram').text = '/mnt/AAVMF_VARS.fd'
    ET.SubElement(os_element, 'kernel').text = f'/mnt/kernel-{architecture}'
    ET.SubElement(os_element, 'initrd').text = f'/mnt/initrd-{architecture}'
    ET.SubElement(os_element, 'cmdline').text = f'console={CONSOLES[architecture]} panic=-1 loglevel=4 intel_iommu=on'
    root.find('memory').text = str(MEMORY_MIB[architecture])
    cells = root.findall('cpu/numa/cell')
    for cell in cells:
        cell.set('memory', str(MEMORY_MIB[architecture] // len(cells)))
    devices = root.find('devices')
    for tag in ('serial', 'console'):
        for element in devices.findall(tag):
            devices.remove(element)
    serial = ET.SubElement(devices, 'serial', {'type': 'file'})
    ET.SubElement(serial, 'source', {'path': f'/mnt/{name}.console'})
    ET.SubElement(serial, 'target', {'port': '0'})
    return ET.tostring(root, encoding='unicode')


def functions(console):
    """{guest address: (vendor:device, group or "-")}; empty while the guest has not told"""
    text = console.replace('\r', '')
    if 'FUNCTIONS END' not in text:
        return {}
    return {match[1]: (match[2], match[3])
            for match in re.finditer(r'^FUNCTION (\S+) (\S+) (\S+)$', text, flags=re.M)}


def boot(worker, name, text):
    """(functions, complaint, console) of that domain's guest. On a busy machine a guest under TCG may miss
    its first timer interrupts and panic, so it has more than one try."""
    found, complaint, console = {}, '', ''
    for _ in range(TRIES):
        found, complaint, console = boot_once(worker, name, text)
        if found:
            break
    return found, complaint, console


def boot_once(worker, name, text):
    path = f'{worker.directory}/{name}.xml'
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    with open(f'{worker.directory}/{name}.console', 'wb'):
        pass
    answered, refused = worker.refused(f'define /mnt/{name}.xml')
    if answered and not refused:
        answered, refused = worker.refused(f'start {name}')
    if not answered or refused:
        return {}, refused or 'libvirt gave no answer', ''
    found, deadline, console = {}, time.monotonic() + SECONDS, ''
    while not found and time.monotonic() < deadline:
        time.sleep(0.5)
        if os.path.exists(f'{worker.directory}/{name}.console'):
            with open(f'{worker.directory}/{name}.console', encoding='utf-8', errors='replace') as file:
                console = file.read(1 << 20)
            found = functions(console)
        if 'Kernel panic' in console:
            break
    worker.ask(f'destroy {name}')
    worker.ask(f'undefine {name} --keep-nvram')
    return found, '' if found else f'the guest tells nothing: {console[-300:]!r}', console
