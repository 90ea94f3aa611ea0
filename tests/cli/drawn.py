# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree of files that a kernel would show of the host that a host-1 document describes."""
import os
import struct

import program

TYPES = {'endpoint': 0, 'legacy-endpoint': 1, 'root-port': 4, 'upstream-port': 5,
         'downstream-port': 6, 'pcie-to-pci-bridge': 7, 'pci-to-pcie-bridge': 8, 'rc-endpoint': 9,
         'rc-event-collector': 10}
ACS = ('sv', 'tb', 'rr', 'cr', 'uf', 'ec', 'dt')
CHIPS = {('x86_64', True): 'IR-PCI-MSI', ('aarch64', True): 'ITS-PCI-MSI'}


def extended(pcie):
    """(id, words at 4 and 6) of the capabilities that a function has"""
    if pcie.get('ats'):
        yield 0x0f, 0, 0x8000 if pcie.get('ats_enabled') else 0
    if pcie.get('pri'):
        yield 0x13, int(pcie.get('pri_enabled', False)), 0
    if pcie.get('pasid_bits') is not None:
        yield 0x1b, pcie['pasid_bits'] << 8, int(pcie.get('pasid_enabled', False))
    if pcie.get('acs') is not None:
        on = sum(1 << ACS.index(flag) for flag in pcie['acs'])
        yield 0x0d, sum(1 << ACS.index(flag) for flag in pcie.get('acs_cap', pcie['acs'])), on


def config(pcie, virtual):
    """Config space; what a VF has from its PF is not in its own. Unknown: what users may read."""
    data = bytearray(4096)
    if pcie is None:
        return bytes(data[:256])
    if 'type' not in pcie:
        return bytes(data[:64])
    data[0x06] = 0x10
    data[0x34] = 0x40
    data[0x40:0x48] = struct.pack('<BBHI', 0x10, 0, 2 | TYPES[pcie['type']] << 4,
                                  pcie.get('flr', False) << 28)
    found = [one for one in extended(pcie) if not (virtual and one[0] in (0x13, 0x1b))]
    for i, (kind, first, second) in enumerate(found):
        where, after = 0x100 + 0x20 * i, 0x100 + 0x20 * (i + 1) if i + 1 < len(found) else 0
        data[where:where + 8] = struct.pack('<HHHH', kind, after << 4 | 1, first, second)
    return bytes(data)


def resource(bars):
    lines = ['0x0 0x0 0x0'] * 7
    for bar in bars:
        flags = (0x100 if bar.get('io') else 0x200) | 0x2000 * bar.get('prefetch', False) | \
            0x100000 * (bar.get('bits') == 64)
        lines[bar['index']] = f'0x{bar["size"]:x} 0x{2 * bar["size"] - 1:x} 0x{flags:x}'
    return '\n'.join(lines) + '\n'


class Tree:
    def __init__(self, name, document):
        self.name, self.document = name, document
        self.top = os.path.join(program.SCRATCH.name, name)
        self.devices = {device['address']: device for device in document.get('devices') or []}

    def put(self, path, content):
        program.file(f'{self.name}/{path}', content.encode() if isinstance(content, str) else content)

    def link(self, path, target):
        """Both below the top."""
        where = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        os.symlink(os.path.relpath(target, os.path.dirname(path)), where)

    def place(self, address):
        above = self.devices[address].get('parent')
        return f'{self.place(above) if above else "sys/devices/pci" + address[:7]}/{address}'

    def function(self, device):
        address, where = device['address'], self.place(device['address'])
        self.link(f'sys/bus/pci/devices/{address}', where)
        node = device.get('numa_node')
        plain = {'vendor': device['vendor'], 'device': device['device'], 'class': device['class'],
                 'numa_node': -1 if node is None else node, 'reset_method': device.get('reset_method'),
                 'sriov_totalvfs': device.get('sriov_totalvfs'),
                 'sriov_numvfs': device.get('sriov_numvfs')}
        for name, value in plain.items():
            if value is not None:
                self.put(f'{where}/{name}', f'{value}\n')
        self.put(f'{where}/resource', resource(device.get('bars') or []))
        self.put(f'{where}/config', config(device.get('pcie', {}), device.get('physfn')))
        targets = {'iommu': ('sys/class/iommu', device.get('iommu')),
                   'iommu_group': ('sys/kernel/iommu_groups', device.get('group')),
                   'driver': ('sys/bus/pci/drivers', device.get('driver'))}
        for name, (folder, value) in targets.items():
            if value is not None:
                self.link(f'{where}/{name}', f'{folder}/{value}')
        if device.get('physfn'):
            self.link(f'{where}/physfn', self.place(device['physfn']))
        if device.get('net'):
            self.put(f'{where}/net/{device["net"]}/flags',
                     '0x1003\n' if device['net_up'] else '0x1002\n')
        if device.get('vfio_dev'):
            self.put(f'{where}/vfio-dev/{device["vfio_dev"]}/dev', '511:0\n')

    def unit(self, iommu):
        """SMMUs show nothing but their name."""
        where = f'sys/devices/virtual/iommu/{iommu["name"]}'
        os.makedirs(os.path.join(self.top, where))
        self.link(f'sys/class/iommu/{iommu["name"]}', where)
        for name in ('cap', 'ecap'):
            if name in iommu:
                self.put(f'{where}/intel-iommu/{name}', iommu[name][2:] + '\n')
        for name in ('domains_supported', 'domains_used'):
            if name in iommu:
                self.put(f'{where}/intel-iommu/{name}', f'{iommu[name]}\n')
        if 'efr' in iommu:
            halves = [iommu['efr'][2:], iommu['efr2'][2:]]
            if self.document['kernel']['release'].startswith('6.1.'):  # Linux 6.1 amd/init.c:1999
                halves.reverse()
            self.put(f'{where}/amd-iommu/features', ':'.join(halves) + '\n')

    def group(self, group):
        where = f'sys/kernel/iommu_groups/{group["id"]}'
        for address in group['devices']:
            self.link(f'{where}/devices/{address}', self.place(address))
        for name in ('type', 'name'):
            if group.get(name):
                self.put(f'{where}/{name}', group[name] + '\n')
        rows = [f'0x{int(row["start"], 16):016x} 0x{int(row["end"], 16):016x} {row["type"]}\n'
                for row in group['reserved']]
        self.put(f'{where}/reserved_regions', ''.join(rows))

    def kernel(self):
        document, vfio = self.document, self.document['vfio']
        self.put('proc/sys/kernel/osrelease', document['kernel']['release'] + '\n')
        self.put('proc/sys/kernel/arch', document['arch'] + '\n')
        self.put('proc/cmdline', document['kernel']['cmdline'] + '\n')
        chip = CHIPS.get((document['arch'], vfio['isolated_msi']), 'PCI-MSI')
        self.put('sys/kernel/irq/24/chip_name', chip + '\n')
        self.put('sys/module/vfio/refcnt', '1\n')
        for node, fact in (('dev/iommu', 'iommufd'), ('dev/vfio/vfio', 'container')):
            if vfio[fact]:
                self.put(node, '')
        for fact, path in (('noiommu', 'vfio/parameters/enable_unsafe_noiommu_mode'),
                           ('denylist_off', 'vfio_pci/parameters/disable_denylist'),
                           ('unsafe_interrupts', 'vfio_iommu_type1/parameters/allow_unsafe_interrupts')):
            if fact in vfio:
                self.put(f'sys/module/{path}', 'Y\n' if vfio[fact] else 'N\n')
        if vfio['cdev'] and not any(device.get('vfio_dev') for device in self.devices.values()):
            self.put(f'boot/config-{document["kernel"]["release"]}',
                     '\nCONFIG_VFIO_DEVICE_CDEV=y\nCONFIG_INTEL_IOMMU=y\n')
        self.put('sys/module/vfio_iommu_type1/parameters/dma_entry_limit',
                 f'{vfio["dma_entry_limit"]}\n')


def draw(name, document):
    """Path of the tree"""
    tree = Tree(name, document)
    tree.kernel()
    for folder in ('sys/bus/pci/devices', 'sys/class/iommu', 'sys/kernel/iommu_groups'):
        os.makedirs(os.path.join(tree.top, folder), exist_ok=True)
    for iommu in document['iommus']:
        tree.unit(iommu)
    for driver in {device.get('driver') for device in tree.devices.values()} - {None}:
        os.makedirs(os.path.join(tree.top, 'sys/bus/pci/drivers', driver))
    for device in tree.devices.values():
        tree.function(device)
    for group in document['groups']:
        tree.group(group)
    return tree.top
