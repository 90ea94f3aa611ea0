# SPDX-License-Identifier: LGPL-2.1-or-later
"""The arm64 domains of cases_verdicts.py. Their buses: root ports 1 to 3 on pcie.0; expander 4 with
ports 5 to 7; expander 8 with ports 9 and 10."""
import dataclasses
import re

from lab_arm64 import ADDRESSES
from lab_domain import IOMMUFD, hostdev
from oracle_families import expander
from oracle_guest import Guest, address, controller, device, iommu
from verdicts_x86 import BACKENDS, Case

NIC, DISK, PARENT = ADDRESSES['nic'], ADDRESSES['disk'], ADDRESSES['parent']
NIC2, DISK2, SHARED = ADDRESSES['other_nic'], ADDRESSES['other_disk'], ADDRESSES['shared']
ALONE, VF = ADDRESSES['untranslated'], ADDRESSES['virtual_functions']
MEBIBYTES = 256
FLASH = ("<loader readonly='yes' type='pflash'>/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd</loader>"
         "<nvram template='/usr/share/AAVMF/AAVMF_VARS.fd'/>")
VALUES = {'ats': 'off', 'ril': 'on', 'ssidsize': '0', 'oas': '44', 'cmdqv': 'off'}


@dataclasses.dataclass
class ArmGuest(Guest):
    kind: str = 'kvm'

    def render(self, name):
        text = super().render(name).replace("<domain type='qemu'", f"<domain type='{self.kind}'")
        return re.sub('<loader .*</nvram>', FLASH, text)


def buses():
    port = lambda index, bus, slot: controller('pcie-root-port', index, address(bus, slot))
    return [controller('pcie-root', 0), *(port(index, 0, index) for index in (1, 2, 3)),
            expander(4, 8, 64), *(port(index, 4, index - 5) for index in (5, 6, 7)),
            expander(8, 9, 128), *(port(index, 8, index - 9) for index in (9, 10))]


def at(port, *devices, **more):
    """Assigned functions in the ports from that one on"""
    return [hostdev(host, address(port + number, 0), **more) for number, host in enumerate(devices)]


def domain(*devices, iommus=(), iommufd=True, memory=MEBIBYTES, more=(), firmware=True, **fields):
    text = f"<memory unit='MiB'>{memory}</memory>" + (f'\n  {IOMMUFD}' if iommufd else '')
    return ArmGuest(arch='aarch64', machine='virt', memory=text, acpi=firmware, firmware=firmware,
                    features="<gic version='3'/>", cpu="<cpu mode='host-passthrough'/>", usb=False,
                    balloon=False, controllers=[*buses(), *more], devices=list(devices),
                    iommus=list(iommus), **fields)


def smmu(bus=4, accel='on', **values):
    return iommu('smmuv3', driver={'pciBus': bus, 'accel': accel, **values})


def accelerated():
    one = [smmu()]
    yield 'vSMMU, NIC', Case(domain(*at(5, NIC), iommus=one), short=True)
    yield 'vSMMU, NVMe', Case(domain(*at(5, DISK), iommus=one))
    yield 'vSMMU, NIC and NVMe of one host SMMU', Case(domain(*at(5, NIC, DISK), iommus=one))
    yield 'vSMMU, devices of two host SMMUs', Case(domain(*at(5, NIC, NIC2), iommus=one),
                                                   short=True)
    yield 'two vSMMUs, one for each host SMMU', Case(
        domain(*at(5, NIC), *at(9, NIC2), iommus=[smmu(), smmu(8)]), short=True)
    yield 'two vSMMUs over one host SMMU', Case(
        domain(*at(5, NIC), *at(9, DISK), iommus=[smmu(), smmu(8)]))
    yield 'vSMMU, legacy backend', Case(domain(*at(5, NIC), iommus=one, iommufd=False), short=True)
    yield 'vSMMU, emulated device in one of its ports', Case(
        domain(*at(5, NIC), device('virtio-rng', address(6, 0)), iommus=one), short=True)
    yield 'vSMMU, emulated device on pcie.0', Case(
        domain(*at(5, NIC), device('virtio-rng', address(1, 0)), iommus=one))
    bridge = [controller('pcie-to-pci-bridge', 11, address(6, 0))]
    yield 'vSMMU, emulated device behind a bridge below it', Case(
        domain(*at(5, NIC), device('e1000', address(11, 1)), iommus=one, more=bridge))
    yield 'vSMMU, assigned device behind a bridge below it', Case(
        domain(hostdev(NIC, address(11, 1)), iommus=one, more=bridge))
    yield 'vSMMU on pcie.0', Case(domain(*at(1, NIC), iommus=[smmu(0)]))
    yield 'vSMMU on pcie.0, NIC elsewhere', Case(domain(*at(5, NIC), iommus=[smmu(0)]))
    yield 'vSMMU of a root port', Case(domain(*at(5, NIC), iommus=[smmu(5)]))
    yield 'two vSMMUs of one bus', Case(domain(*at(5, NIC), iommus=[smmu(), smmu()]))
    yield 'vSMMU without bus', Case(domain(*at(5, NIC), iommus=[
        iommu('smmuv3', driver={'accel': 'on'})]))
    yield 'vSMMU and virtio vIOMMU', Case(domain(*at(5, NIC), iommus=[smmu(), iommu('virtio')]))
    yield 'vSMMU and a plain one', Case(
        domain(*at(5, NIC), iommus=[smmu(), iommu('smmuv3', driver={'pciBus': 8})]))
    emulated = domain(*at(5, NIC), iommus=one, kind='qemu')
    emulated.cpu = "<cpu mode='maximum'/>"
    yield 'vSMMU under TCG', Case(emulated)
    yield 'vSMMU without firmware', Case(domain(*at(5, NIC), iommus=one, firmware=False))


def beside():
    one = [smmu()]
    yield 'vSMMU, and NVMe that it does not cover', Case(
        domain(*at(5, NIC), *at(9, DISK), iommus=one))
    yield 'vSMMU, and legacy NVMe that it does not cover', Case(
        domain(*at(5, NIC), *at(1, DISK, iommufd='no'), iommus=one))
    yield 'vSMMU without accel, iommufd', Case(domain(*at(5, NIC), iommus=[smmu(accel=None)]),
                                               short=True)
    yield 'vSMMU without accel, legacy', Case(domain(*at(5, NIC), iommus=[smmu(accel=None)],
                                                     iommufd=False))
    yield 'vSMMU without accel, NIC elsewhere', Case(domain(*at(1, NIC),
                                                            iommus=[smmu(accel=None)]))


def values():
    def one(name, **given):
        return f'vSMMU, {name}', Case(domain(*at(5, NIC), iommus=[smmu(**given)]))

    for name, value in (('oas', '44'), ('oas', '48'), ('oas', '40'), ('ssidsize', '0'),
                        ('ssidsize', '8'), ('ssidsize', '21'), ('ats', 'on'), ('ats', 'off'),
                        ('ril', 'on'), ('ril', 'off'), ('cmdqv', 'on')):
        yield one(f'{name} {value}', **{name: value})
    yield one('all values', **VALUES)
    yield 'vSMMU without a device, automatic values', Case(domain(iommus=[smmu()]), short=True)
    yield 'vSMMU without a device, all values', Case(domain(iommus=[smmu(**VALUES)]))
    for name, value in (('oas', '48'), ('ats', 'on'), ('ssidsize', '8')):
        yield f'vSMMU without accel, {name} {value}', Case(
            domain(*at(1, NIC), iommus=[smmu(accel=None, **{name: value})]))


def groups():
    one = [smmu()]
    unbind = f'echo {SHARED[1]} >$functions/{SHARED[1]}/driver/unbind'
    back = f'bind "" {SHARED[1]}'
    yield 'vSMMU, two of one group', Case(domain(*at(5, *SHARED), iommus=one), short=True)
    yield 'two vSMMUs, two of one group', Case(
        domain(*at(5, SHARED[0]), *at(9, SHARED[1]), iommus=[smmu(), smmu(8)]))
    yield 'vSMMU, one of a group, the other with its host driver', Case(
        domain(*at(5, SHARED[0]), iommus=one))
    yield 'vSMMU, one of a group, the other with no driver', Case(
        domain(*at(5, SHARED[0]), iommus=one), before=unbind, after=back)
    yield 'vSMMU, a device without IOMMU', Case(domain(*at(5, ALONE), iommus=one), short=True)
    yield 'vSMMU, a virtual function', Case(
        domain(*at(5, VF[0]), iommus=one), before=f'echo 2 >$functions/{PARENT}/sriov_numvfs',
        after=f'echo 0 >$functions/{PARENT}/sriov_numvfs')
    for backend, iommufd in BACKENDS.items():
        yield f'no vIOMMU, {backend}', Case(domain(*at(1, NIC, NIC2), iommufd=iommufd))
        yield f'no vIOMMU, two of one group, {backend}', Case(domain(*at(1, *SHARED),
                                                                     iommufd=iommufd))
        yield f'no vIOMMU, a device without IOMMU, {backend}', Case(domain(*at(1, ALONE),
                                                                           iommufd=iommufd))
        yield f'virtio vIOMMU, two devices, {backend}', Case(
            domain(*at(1, NIC, DISK), iommus=[iommu('virtio')], iommufd=iommufd))
        yield f'virtio vIOMMU, two of one group, {backend}', Case(
            domain(*at(1, *SHARED), iommus=[iommu('virtio')], iommufd=iommufd))


def incoherent():
    yield 'vSMMU, NIC', Case(domain(*at(5, NIC), iommus=[smmu()]), 'incoherent')
    yield 'two vSMMUs', Case(domain(*at(5, NIC), *at(9, NIC2), iommus=[smmu(), smmu(8)]),
                             'incoherent')
    yield 'no vIOMMU', Case(domain(*at(1, NIC)), 'incoherent')
    yield 'virtio vIOMMU', Case(domain(*at(1, NIC), iommus=[iommu('virtio')]), 'incoherent')


def domains():
    for family in (accelerated, beside, values, groups):
        for name, case in family():
            yield name, dataclasses.replace(case, profile='nested')
    yield from incoherent()
