#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes domains as `virsh dumpxml` prints those of a fleet for the host of examples/hosts/xeon.json:
half of them plain, half with assigned devices, two thirds of these behind a vIOMMU, and a mistake in
every fourth of those. The same number gives the same domains.  usage: domains.py COUNT DIRECTORY"""
import os
import random
import sys
import uuid

FUNCTIONS = ('17:00.0', '65:00.0', '3b:01.0', '3b:01.1', 'c1:00.0', '98:00.0')  # of hosts/xeon.json
X86 = """\
  <os>
    <type arch='x86_64' machine='pc-q35-11.1'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
    <ioapic driver='qemu'/>
  </features>
"""
ARM = """\
  <os firmware='efi'>
    <type arch='aarch64' machine='virt-11.1'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <gic version='3'/>
  </features>
"""


def at(bus, slot=0, function=0, multifunction=''):
    return (f"<address type='pci' domain='0x0000' bus='0x{bus:02x}' slot='0x{slot:02x}' "
            f"function='0x{function:x}'{multifunction}/>")


class Domain:
    """Devices in the order of their ports"""

    def __init__(self, number):
        self.rng = random.Random(number)
        self.number = number
        self.arm = self.rng.random() < 0.2
        self.devices = []
        self.buses = 0

    def below(self, lines, *more):
        """A device on a root port of its own"""
        self.buses += 1
        self.devices.append((lines, at(self.buses), more))

    def disk(self, index):
        self.below(("disk type='file' device='disk'", "driver name='qemu' type='qcow2'",
                    f"source file='/var/lib/libvirt/images/vm{self.number}-{index}.qcow2'",
                    f"target dev='vd{'abcdef'[index]}' bus='virtio'"))

    def interface(self, index):
        self.below(("interface type='bridge'",
                    f"mac address='52:54:00:{index:02x}:{self.number >> 8:02x}"
                    f":{self.number & 255:02x}'",
                    "source bridge='br0'", "model type='virtio'"))

    def hostdev(self, index, address):
        bus, rest = address.split(':')
        slot, function = rest.split('.')
        self.below(("hostdev mode='subsystem' type='pci' managed='yes'",
                    "driver name='vfio'"), '      <source>\n'
                   f"        <address domain='0x0000' bus='0x{bus}' slot='0x{slot}' "
                   f"function='0x{function}'/>\n      </source>",
                   f"      <alias name='ua-dev{index}'/>")

    def fill(self):
        rng = self.rng
        for index in range(rng.randrange(1, 5)):
            self.disk(index)
        for index in range(rng.randrange(1, 4)):
            self.interface(index)
        self.below(("controller type='usb' index='0' model='qemu-xhci' ports='15'",))
        self.below(("rng model='virtio'",), "      <backend model='random'>/dev/urandom</backend>")
        self.below(("memballoon model='virtio'",))
        if rng.random() < 0.5:
            return ''
        for index, address in enumerate(rng.sample(FUNCTIONS, rng.choice((1, 1, 1, 2, 2, 4)))):
            self.hostdev(index, address)
        return self.viommu() if rng.random() < 2 / 3 else ''

    def viommu(self):
        good = self.rng.random() < 0.75
        if self.rng.random() < 0.25:
            return f"    <iommu model='virtio'>\n      {at(0, 9)}\n    </iommu>\n"
        if self.arm:
            return "    <iommu model='smmuv3'/>\n" if good else \
                "    <iommu model='smmuv3'>\n      <driver oas='52'/>\n    </iommu>\n"
        mode = " caching_mode='on' aw_bits='39'" if good else " aw_bits='48'"
        return f"    <iommu model='intel'>\n      <driver intremap='on'{mode}/>\n    </iommu>\n"

    def ports(self):
        """A root port for each device and four to spare, eight functions to a slot"""
        yield "    <controller type='pci' index='0' model='pcie-root'/>\n"
        for index in range(1, self.buses + 5):
            slot, function = 2 + (index - 1) // 8, (index - 1) % 8
            first = " multifunction='on'" if function == 0 else ''
            yield (f"    <controller type='pci' index='{index}' model='pcie-root-port'>\n"
                   "      <model name='pcie-root-port'/>\n"
                   f"      <target chassis='{index}' port='0x{15 + index:x}'/>\n"
                   f"      {at(0, slot, function, first)}\n    </controller>\n")

    def text(self):
        viommu = self.fill()
        gib = self.rng.choice((2, 4, 8, 16, 64)) << 20
        parts = ["<domain type='kvm'>\n", f"  <name>vm{self.number}</name>\n",
                 f'  <uuid>{uuid.UUID(int=self.rng.getrandbits(128), version=4)}</uuid>\n',
                 f"  <memory unit='KiB'>{gib}</memory>\n",
                 f"  <currentMemory unit='KiB'>{gib}</currentMemory>\n",
                 f"  <vcpu placement='static'>{self.rng.choice((1, 2, 4, 8, 32))}</vcpu>\n",
                 ARM if self.arm else X86,
                 "  <cpu mode='host-passthrough' check='none' migratable='on'/>\n",
                 "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n",
                 '  <on_reboot>restart</on_reboot>\n  <on_crash>destroy</on_crash>\n  <devices>\n',
                 f"    <emulator>/usr/bin/qemu-system-{'aarch64' if self.arm else 'x86_64'}"
                 '</emulator>\n', *self.ports()]
        for (first, *inside), place, more in self.devices:
            parts += [f'    <{first}>\n', *(f'      <{line}/>\n' for line in inside),
                      *(f'{line}\n' for line in more),
                      f'      {place}\n    </{first.split()[0]}>\n']
        parts += ["    <serial type='pty'>\n      <target port='0'/>\n    </serial>\n",
                  "    <console type='pty'>\n      <target type='serial' port='0'/>\n"
                  '    </console>\n', viommu, '  </devices>\n</domain>\n']
        return ''.join(parts)


def write(count, directory):
    """Paths of @count domains"""
    paths = [os.path.join(directory, f'vm{number:05}.xml') for number in range(count)]
    for number, path in enumerate(paths):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(Domain(number).text())
    return paths


if __name__ == '__main__':
    write(int(sys.argv[1]), sys.argv[2])
