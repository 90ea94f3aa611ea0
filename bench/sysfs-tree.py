#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A directory tree for --sysroot with any number of PCI functions.  usage: sysfs-tree.py DIR COUNT

Of each 16 functions one is a root port, one an SR-IOV PF behind it and 14 are its VFs, each in a
group of its own, behind one of 8 VT-d units: the shape of a large SR-IOV host."""
import os
import struct
import sys

UNITS = 8


def write(path, text):
    with open(path, 'w', encoding='ascii') as out:
        out.write(text)


def address(index):
    bus, rest = divmod(index, 256)
    domain, bus = divmod(bus, 256)
    return f'{domain:04x}:{bus:02x}:{rest >> 3:02x}.{rest & 7}'


def make_units(sys_dir):
    os.makedirs(f'{sys_dir}/class/iommu')
    for unit in range(UNITS):
        home = f'{sys_dir}/devices/virtual/iommu/dmar{unit}'
        os.makedirs(f'{home}/intel-iommu')
        write(f'{home}/intel-iommu/cap', '19ed008c40780c66\n')
        write(f'{home}/intel-iommu/ecap', '3ee9e86f050df\n')
        write(f'{home}/intel-iommu/domains_supported', '65536\n')
        write(f'{home}/intel-iommu/domains_used', '12\n')
        os.symlink(f'../../devices/virtual/iommu/dmar{unit}', f'{sys_dir}/class/iommu/dmar{unit}')


def config_space(vendor, device, klass, port):
    """PCI Express, and on functions that are no ports ATS and PASID (linux/pci_regs.h)"""
    space = bytearray(4096)
    struct.pack_into('<HHHHI', space, 0, vendor, device, 0, 1 << 4, klass << 8 | 1)
    space[0x0e], space[0x34] = 1 if port else 0, 0x40
    struct.pack_into('<BBH', space, 0x40, 0x10, 0, 0x42 if port else 0x02)
    if not port:
        struct.pack_into('<IHH', space, 0x100, 0x110 << 20 | 1 << 16 | 0x0f, 0, 0x8000)
        struct.pack_into('<IH', space, 0x110, 1 << 16 | 0x1b, 20 << 8)
    return bytes(space)


def make_function(sys_dir, index):
    place, name = index % 16, address(index)
    port, pf = place == 0, place == 1
    home = f'{sys_dir}/devices/pci0000:00/{name}'
    group = f'{sys_dir}/kernel/iommu_groups/{index}'
    os.makedirs(home)
    os.makedirs(f'{group}/devices')
    write(f'{home}/vendor', '0x8086\n' if port else '0x15b3\n')
    write(f'{home}/device', '0x352a\n' if port else '0x101e\n')
    write(f'{home}/class', '0x060400\n' if port else '0x020000\n')
    for extra in ('revision', 'subsystem_vendor', 'subsystem_device'):  # for lspci
        write(f'{home}/{extra}', '0x0000\n')
    write(f'{home}/irq', '0\n')
    write(f'{home}/numa_node', f'{index * 2 % 4 // 2}\n')
    write(f'{home}/resource', '0x0000000000000000 0x0000000000000000 0x0000000000000000\n' * 7)
    write(f'{home}/reset_method', 'flr bus\n')
    with open(f'{home}/config', 'wb') as out:
        out.write(config_space(*((0x8086, 0x352a, 0x060400) if port else (0x15b3, 0x101e, 0x020000)),
                               port))
    if pf:
        write(f'{home}/sriov_totalvfs', '14\n')
        write(f'{home}/sriov_numvfs', '14\n')
    elif not port:
        os.symlink(f'../{address(index - place + 1)}', f'{home}/physfn')
    driver = 'pcieport' if port else 'mlx5_core' if pf else 'vfio-pci'
    os.symlink(f'../../../bus/pci/drivers/{driver}', f'{home}/driver')
    os.symlink(f'../../../kernel/iommu_groups/{index}', f'{home}/iommu_group')
    os.symlink(f'../../virtual/iommu/dmar{index // 16 % UNITS}', f'{home}/iommu')
    write(f'{group}/type', 'DMA-FQ\n')
    write(f'{group}/reserved_regions', '0x00000000fee00000 0x00000000feefffff msi\n')
    os.symlink(f'../../../../devices/pci0000:00/{name}', f'{group}/devices/{name}')
    os.symlink(f'../../../devices/pci0000:00/{name}', f'{sys_dir}/bus/pci/devices/{name}')


def main():
    root, count = sys.argv[1], int(sys.argv[2])
    sys_dir = f'{root}/sys'
    for folder in ('bus/pci/devices', 'bus/pci/drivers/vfio-pci', 'bus/pci/drivers/pcieport',
                   'bus/pci/drivers/mlx5_core'):
        os.makedirs(f'{sys_dir}/{folder}')
    make_units(sys_dir)
    for index in range(count):
        make_function(sys_dir, index)
    os.makedirs(f'{root}/proc')
    os.makedirs(f'{root}/dev')
    write(f'{root}/proc/meminfo', 'MemTotal:       65536000 kB\n')
    write(f'{root}/proc/cmdline', 'intel_iommu=on,sm_on\n')


main()
