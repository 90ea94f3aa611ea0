# SPDX-License-Identifier: LGPL-2.1-or-later
"""The arm64 host: virt with emulated EL2, so that it has KVM, and two SMMUv3s that nest.

| address      | device                                | behind     | group     |
| 01:00.0      | e1000e                                | SMMU 0     | alone     |
| 02:00.0      | igb, with virtual functions           | SMMU 0     | alone     |
| 03:00.0      | NVMe                                  | SMMU 0     | alone     |
| 04:00.0, .1  | e1000e, two functions without ACS     | SMMU 0     | together  |
| 41:00.0      | e1000e                                | SMMU 1     | alone     |
| 42:00.0      | NVMe                                  | SMMU 1     | alone     |
| 81:00.0      | e1000e                                | no SMMU    | none      |
"""
import os
import shutil

import lab_cache
import lab_cpio
import lab_machine
import lab_root
from lab_cache import note

NAME = 'arm64'
# nothing of these is run when the disk is made, so nothing is left out that maintainer scripts do
PACKAGES = ('base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'debianutils', 'findutils',
            'grep', 'gzip', 'hostname', 'libc-bin', 'mount', 'sed', 'tar', 'util-linux', 'kmod',
            'pciutils', 'iproute2', 'procps', 'udev', 'busybox-static', 'qemu-utils',
            'libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-daemon-log',
            'libvirt-daemon-lock', 'libvirt-clients', 'qemu-system-arm', 'qemu-efi-aarch64')
TOOL_PACKAGES = ('qemu-system-arm', 'qemu-efi-aarch64')
VARIANT = 'extract'
COMPILER = 'aarch64-linux-gnu-gcc'
ADDRESSES = {'probed': ('0000:01:00.0', '0000:41:00.0'),  # one behind each unit
             'nic': '0000:01:00.0', 'parent': '0000:02:00.0', 'disk': '0000:03:00.0',
             'shared': ('0000:04:00.0', '0000:04:00.1'), 'other_nic': '0000:41:00.0',
             'other_disk': '0000:42:00.0', 'untranslated': '0000:81:00.0',
             'virtual_functions': ('0000:02:10.0', '0000:02:10.2')}
# whether firmware's table says that page table walks are coherent, without which nothing nests
NESTED, INCOHERENT = 'nested', 'incoherent'
PROFILES = {NESTED: True, INCOHERENT: False}
FIRMWARE = 'usr/share/AAVMF/AAVMF_CODE.no-secboot.fd'
VARIABLES = 'usr/share/AAVMF/AAVMF_VARS.fd'
PASSWD = '''root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
libvirt-qemu:x:64055:64055:Libvirt Qemu:/var/lib/libvirt:/usr/sbin/nologin
'''
GROUP = '''root:x:0:
tty:x:5:
kvm:x:104:libvirt-qemu
nogroup:x:65534:
libvirt:x:105:
libvirt-qemu:x:64055:
'''


def settle(root):
    """does what maintainer scripts would: users, sh, /run; version 1"""
    for name, text in (('passwd', PASSWD), ('group', GROUP),
                       ('nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')):
        with open(f'{root}/etc/{name}', 'w', encoding='utf-8') as file:
            file.write(text)
    if not os.path.lexists(f'{root}/usr/bin/sh'):
        os.symlink('bash', f'{root}/usr/bin/sh')
    if not os.path.islink(f'{root}/var/run'):
        shutil.rmtree(f'{root}/var/run', ignore_errors=True)
        os.symlink('/run', f'{root}/var/run')
    for name in ('proc', 'sys', 'dev', 'run', 'tmp', 'root'):
        os.makedirs(f'{root}/{name}', exist_ok=True)


def devices():
    """Buses, SMMUs, ports and what is in them; each bus is named, or it would be the last one"""
    yield 'pxb-pcie,id=pxb1,bus_nr=64,bus=pcie.0,addr=0x10'
    yield 'pxb-pcie,id=pxb2,bus_nr=128,bus=pcie.0,addr=0x11'
    yield 'arm-smmuv3,id=smmu0,primary-bus=pcie.0,stage=nested'
    yield 'arm-smmuv3,id=smmu1,primary-bus=pxb1,stage=nested'
    ports = (('pcie.0', 2), ('pcie.0', 3), ('pcie.0', 4), ('pcie.0', 5), ('pxb1', 1), ('pxb1', 2),
             ('pxb2', 1))
    for number, (bus, slot) in enumerate(ports, 1):
        yield f'pcie-root-port,id=rp{number},bus={bus},chassis={number},slot={number},addr={slot:#x}'
    yield 'e1000e,bus=rp1,romfile='
    yield 'igb,bus=rp2,romfile='
    yield 'nvme,bus=rp3,serial=nv0,drive=nd0'
    yield 'e1000e,bus=rp4,addr=0.0,multifunction=on,romfile='
    yield 'e1000e,bus=rp4,addr=0.1,romfile='
    yield 'e1000e,bus=rp5,romfile='
    yield 'nvme,bus=rp6,serial=nv1,drive=nd1'
    yield 'e1000e,bus=rp7,romfile='


def command(tools, disk, kernel, image, profile, memory=4096):
    """directory → QEMU's command line"""

    def line(directory):
        shutil.copy(f'{tools}/{VARIABLES}', f'{directory}/vars.fd')
        parts = [*lab_root.program(tools, 'qemu-system-aarch64'), '-L', f'{tools}/usr/share/qemu',
                 '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
                 '-M', 'virt,virtualization=on,gic-version=3,its=on',
                 '-cpu', 'max,pauth-impdef=on', '-accel', 'tcg,thread=multi', '-smp', '2',
                 '-m', str(memory),
                 '-drive', f'if=pflash,format=raw,readonly=on,file={tools}/{FIRMWARE}',
                 '-drive', f'if=pflash,format=raw,file={directory}/vars.fd',
                 '-kernel', image,
                 '-append', 'console=ttyAMA0 panic=-1 root=/dev/vda rootfstype=ext4 rw quiet '
                 'init=/lab-init loglevel=4',
                 '-drive', f'file={disk},format=raw,if=none,id=disk,snapshot=on',
                 '-drive', f'file={directory}/nd0,format=raw,if=none,id=nd0',
                 '-drive', f'file={directory}/nd1,format=raw,if=none,id=nd1',
                 '-fsdev', f'local,id=share,path={directory}/share,security_model=none',
                 '-chardev', f'socket,id=line,path={directory}/line,server=on,wait=off',
                 '-object', 'rng-random,id=rng,filename=/dev/urandom']
        if kernel.initrd and PROFILES[profile]:
            parts += ['-initrd', kernel.initrd]
        for device in devices():
            parts += ['-device', device]
        for device in ('virtio-blk-pci,drive=disk,addr=6', 'virtio-rng-pci,rng=rng,addr=7',
                       'virtio-9p-pci,fsdev=share,mount_tag=lab,addr=8',
                       'virtio-serial-pci,id=serial,addr=9'):
            parts += ['-device', f'{device},bus=pcie.0']
        return parts + ['-device', 'virtserialport,chardev=line,name=lab,bus=serial.0']

    return line


def coherent(table):
    """The IORT with the flag that QEMU leaves out: bit 2 of the memory access flags of the root
    complexes (IO Remapping Table E.f, 3.1.1.3), another revision, and the checksum"""
    table = bytearray(table)
    nodes, at = int.from_bytes(table[36:40], 'little'), int.from_bytes(table[40:44], 'little')
    for _ in range(nodes):
        kind, length = table[at], int.from_bytes(table[at + 1:at + 3], 'little')
        if kind == 2:  # root complex: 16 bytes of header, 4 cache coherency, 4 of which 1 flags
            table[at + 16 + 7] |= 1 << 2
        at += length
    table[24] += 1
    table[9] = 0
    table[9] = -sum(table) & 0xff
    return bytes(table)


def prepare(lab):
    """The kernel gets firmware's table from an initrd, as its documentation tells
    (admin-guide/acpi/initrd_table_override.rst); the table itself from a first boot without it."""
    recipe = {'kernel': lab.kernel.image, 'devices': list(devices()), 'tools': lab.tools}

    def make(path):
        note('  reads the IORT on a first boot')
        with lab_machine.Machine(command(lab.tools, lab.disk_image, lab.kernel,
                                         lab.image(lab.stack), 'incoherent')) as machine:
            machine.must('cp /sys/firmware/acpi/tables/IORT /lab/iort')
            with open(f'{machine.share}/iort', 'rb') as file:
                table = coherent(file.read())
        with open(f'{path}/initrd', 'wb') as file:
            file.write(lab_cpio.archive({'kernel/firmware/acpi/iort.aml': (table, 0o644)}))

    lab.kernel.initrd = lab_cache.once('iort-arm64', recipe, make) + '/initrd'

