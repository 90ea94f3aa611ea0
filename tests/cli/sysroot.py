# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small host as a directory tree, with something of each kind of fact and the permission bits that
Linux and Debian give: what only root may read, only root can."""
import os
import struct

import program

NIC, PORT, DISK, VF = '0000:3b:00.0', '0000:00:1c.0', '0000:41:00.0', '0000:3b:00.1'
PATHS = {PORT: f'pci0000:00/{PORT}', NIC: f'pci0000:00/{PORT}/{NIC}',
         VF: f'pci0000:00/{PORT}/{VF}', DISK: f'pci0000:00/{DISK}'}
SMMU = 'smmu3.0x0000000005000000'
IOMMU_OF = {PORT: 'dmar0', NIC: 'dmar0', VF: 'ivhd0', DISK: SMMU}
GROUPS = {14: [PORT], 15: [NIC], 16: [VF], 17: [DISK]}

STATUS = ('Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nVmLck:\t  131584 kB\nVmPin:\t   65792 kB\n'
          'CapEff:\t000001ffffffffff\n')
LIMITS = 'Limit                     Soft Limit           Hard Limit           Units     \n' \
         'Max locked memory         67108864             67108864             bytes     \n'

FILES = {
    'proc/version': 'Linux version 7.2.13 (build@host) (gcc) #1 SMP\n',
    'proc/sys/kernel/osrelease': '7.2.13\n',
    'proc/sys/kernel/arch': 'x86_64\n',
    'proc/sys/kernel/hostname': 'house\n',
    'proc/cmdline': 'root=/dev/sda1 intel_iommu=on,sm_on\n',
    'proc/meminfo': 'MemTotal:       65536000 kB\n',
    'proc/interrupts': ' 24:  0  IR-PCI-MSI-0000:00:1c.0  0-edge  pcie\n',
    'boot/config-7.2.13': '\nCONFIG_IOMMUFD=m\nCONFIG_VFIO=m\nCONFIG_VFIO_DEVICE_CDEV=y\n'
                          'CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y\n',
    'usr/lib/x86_64-linux-gnu/libvirt.so.0.12008.0': '',
    'usr/lib/systemd/system/libvirtd.service': '[Service]\nLimitMEMLOCK=64M\n',
    'usr/lib/systemd/system/service.d/all.conf': '[Service]\nLimitNOFILE=9\n',
    'etc/systemd/system/libvirtd.service.d/10-lock.conf': '[Service]\nLimitMEMLOCK=8G\n',
    'etc/systemd/system/libvirtd.service.d/20-files.conf': '[Service]\nLimitNOFILE=8192\n',
    'var/lib/dpkg/status': '\nPackage: other\nStatus: install ok installed\nVersion: 1\n\n',
    'var/cache/libvirt/qemu/capabilities/0a.xml':
        '<qemuCaps>\n<version>11001002</version>\n<arch>x86_64</arch>\n</qemuCaps>\n',
    'dev/iommu': '',
    'dev/vfio/vfio': '',
    'dev/vfio/devices/vfio0': '',
    'sys/module/vfio/parameters/enable_unsafe_noiommu_mode': 'N\n',
    'sys/module/vfio_pci/parameters/disable_denylist': 'N\n',
    'sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts': 'N\n',
    'sys/module/iommufd/parameters/allow_unsafe_interrupts': 'N\n',
    'sys/module/vfio_iommu_type1/parameters/dma_entry_limit': '65535\n',
    'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '512\n',
    'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': '500\n',
    # of two chips one isolates: who sees only the other must not call it not isolated
    'sys/kernel/irq/24/chip_name': 'PCI-MSI\n',
    'sys/kernel/irq/25/chip_name': 'IR-PCI-MSI\n',
    'sys/firmware/acpi/tables/IORT': '',
    'sys/devices/virtual/iommu/dmar0/intel-iommu/cap': 'd2008c222f0686\n',
    'sys/devices/virtual/iommu/dmar0/intel-iommu/ecap': 'f00f4e\n',
    'sys/devices/virtual/iommu/dmar0/intel-iommu/domains_supported': '65536\n',
    'sys/devices/virtual/iommu/dmar0/intel-iommu/domains_used': '12\n',
    'sys/devices/virtual/iommu/ivhd0/amd-iommu/features': '246577efa2254afa:10\n',
    f'sys/devices/virtual/iommu/{SMMU}/dev': '',
    f'sys/devices/{PATHS[NIC]}/vfio-dev/vfio0/dev': '511:0\n',
    f'sys/devices/{PATHS[NIC]}/sriov_totalvfs': '8\n',
    f'sys/devices/{PATHS[NIC]}/sriov_numvfs': '1\n',
    f'sys/devices/{PATHS[DISK]}/mdev_supported_types/nvme-small/name': 'small\n',
    f'sys/devices/{PATHS[DISK]}/mdev_supported_types/nvme-small/device_api': 'vfio-pci\n',
    f'sys/devices/{PATHS[DISK]}/mdev_supported_types/nvme-small/available_instances': '3\n',
    f'sys/devices/{PATHS[VF]}/vdpa0/vhost-vdpa-0/dev': '511:9\n',
}

LINKS = {
    'usr/lib/x86_64-linux-gnu/libvirt.so.0': 'libvirt.so.0.12008.0',
    'sys/class/iommu/dmar0': '../../devices/virtual/iommu/dmar0',
    'sys/class/iommu/ivhd0': '../../devices/virtual/iommu/ivhd0',
    f'sys/class/iommu/{SMMU}': f'../../devices/virtual/iommu/{SMMU}',
    f'sys/devices/{PATHS[VF]}/physfn': f'../{NIC}',
    f'sys/devices/{PATHS[VF]}/vdpa0/driver': '../../../../../bus/vdpa/drivers/vhost_vdpa',
    'sys/bus/vdpa/devices/vdpa0': f'../../../devices/{PATHS[VF]}/vdpa0',
}

# fs/proc/base.c and drivers make the rest of these trees readable for all
MODES = {
    'sys/firmware/acpi/tables/IORT': 0o400,             # drivers/acpi/sysfs.c: acpi_table_attr_init()
    'var/cache/libvirt': 0o711,                         # Debian's libvirt-daemon
    'var/cache/libvirt/qemu': 0o750,
    'var/cache/libvirt/qemu/capabilities/0a.xml': 0o600,  # libvirt src/util/virfilecache.c
    'dev/iommu': 0o660,                                 # drivers/iommu/iommufd/main.c
    'dev/vfio/devices/vfio0': 0o600,
}


def iort():
    """One SMMUv3 and one root complex behind it, with coherent walks guaranteed."""
    smmu = struct.pack('<BHBIII', 4, 68, 4, 0, 0, 0) + struct.pack('<Q', 0x5000000) + bytes(44)
    mapping = struct.pack('<IIIII', 0, 0xffff, 0, 48, 0)
    root = struct.pack('<BHBIII', 2, 56, 3, 0, 1, 36) + bytes(7) + b'\4' + bytes(12) + mapping
    nodes = smmu + root
    header = b'IORT' + struct.pack('<IB', 48 + len(nodes), 5) + bytes(27)
    return header + struct.pack('<III', 2, 48, 0) + nodes


def config(length):
    """A PCI Express endpoint with ATS and PASID; the kernel shows users the first 64 bytes."""
    data = bytearray(4096)
    data[0x06] = 0x10
    data[0x34] = 0x40
    data[0x40:0x48] = struct.pack('<BBHI', 0x10, 0, 2, 1 << 28)
    data[0x100:0x108] = struct.pack('<IHH', 0x1101000f, 0, 0x8000)
    data[0x110:0x118] = struct.pack('<IHH', 0x1b, 0x1400, 1)
    return bytes(data[:length])


def process(put, pid, name, uid):
    put(f'proc/{pid}/comm', name + '\n')
    put(f'proc/{pid}/limits', LIMITS)
    put(f'proc/{pid}/status', STATUS.format(name=name, uid=uid))


def function(put, link, address, group, size):
    where = f'sys/devices/{PATHS[address]}'
    up = '../' * (where.count('/') + 1)
    for name, text in {'vendor': '0x8086\n', 'device': '0x10d3\n', 'class': '0x020000\n',
                       'numa_node': '0\n', 'reset_method': 'flr bus\n',
                       'resource': '0xfe600000 0xfe61ffff 0x40200\n' + '0x0 0x0 0x0\n' * 6}.items():
        put(f'{where}/{name}', text)
    put(f'{where}/net/eth{group}/flags', '0x1003\n')
    put(f'{where}/config', config(size))
    link(f'{where}/iommu', f'{up}sys/class/iommu/{IOMMU_OF[address]}')
    link(f'{where}/iommu_group', f'{up}sys/kernel/iommu_groups/{group}')
    link(f'{where}/driver', f'{up}sys/bus/pci/drivers/' + ('vfio-pci' if address == NIC else 'e1000e'))
    link(f'sys/bus/pci/devices/{address}', f'../../../devices/{PATHS[address]}')
    link(f'sys/kernel/iommu_groups/{group}/devices/{address}', f'../../../../devices/{PATHS[address]}')
    put(f'sys/kernel/iommu_groups/{group}/type', 'DMA-FQ\n')
    put(f'sys/kernel/iommu_groups/{group}/reserved_regions',
        '0x00000000fee00000 0x00000000feefffff msi\n')


def make(name, config_size=4096):
    """Path of a new tree; @config_size: how much of config space there is to read"""
    top = os.path.join(program.SCRATCH.name, name)

    def put(path, content):
        program.file(f'{name}/{path}', content.encode() if isinstance(content, str) else content)

    def link(path, target):
        os.makedirs(os.path.dirname(f'{top}/{path}'), exist_ok=True)
        os.symlink(target, f'{top}/{path}')

    for path, content in FILES.items():
        put(path, content)
    put('sys/firmware/acpi/tables/IORT', iort())
    for path, target in LINKS.items():
        link(path, target)
    for driver in ('pci/drivers/vfio-pci', 'pci/drivers/e1000e', 'vdpa/drivers/vhost_vdpa'):
        os.makedirs(f'{top}/sys/bus/{driver}')
    process(put, 1, 'systemd', 0)
    process(put, 812, 'libvirtd', 0)
    process(put, 2000, 'qemu-system-x86', 64055)
    process(put, 2001, 'qemu-system-x86', 64055)
    for group, members in GROUPS.items():
        for address in members:
            function(put, link, address, group, config_size)
    for path, mode in MODES.items():
        os.chmod(f'{top}/{path}', mode)
    return top
