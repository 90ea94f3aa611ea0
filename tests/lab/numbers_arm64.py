# SPDX-License-Identifier: LGPL-2.1-or-later
"""One arm64 guest of each way to lock memory: (name, profile, guest, bytes of RAM, whether in CI)"""
import lab_arm64
from oracle_guest import iommu
from verdicts_arm64 import DISK, DISK2, MEBIBYTES, NIC, NIC2, at, domain, smmu
from verdicts_x86 import BACKENDS

RAM = MEBIBYTES << 20


def on_both_backends():
    virtio = [iommu('virtio')]
    for backend, iommufd in BACKENDS.items():
        def make(name, *devices, iommus=()):
            return f'{name}, {backend}', domain(*devices, iommus=iommus, iommufd=iommufd)
        yield make('no vIOMMU, one device', *at(1, NIC))
        yield make('no vIOMMU, devices of two host SMMUs', *at(1, NIC, NIC2))
        yield make('virtio vIOMMU, one device', *at(1, NIC), iommus=virtio)
        yield make('virtio vIOMMU, two devices of one host SMMU', *at(1, NIC, DISK), iommus=virtio)
        yield make('virtio vIOMMU, devices of two host SMMUs', *at(1, NIC, NIC2), iommus=virtio)
        yield make('vSMMU without accel, a device elsewhere', *at(1, NIC),
                   iommus=[smmu(accel=None)])


def nested():
    one, two = [smmu()], [smmu(), smmu(8)]
    yield 'vSMMU, one device', domain(*at(5, NIC), iommus=one)
    yield 'vSMMU, two devices of one host SMMU', domain(*at(5, NIC, DISK), iommus=one)
    yield 'vSMMU, devices of two host SMMUs', domain(*at(5, NIC, NIC2), iommus=one)
    yield 'two vSMMUs, one for each host SMMU', domain(*at(5, NIC), *at(9, NIC2), iommus=two)
    yield 'two vSMMUs over one host SMMU', domain(*at(5, NIC), *at(9, DISK), iommus=two)
    yield 'two vSMMUs with two devices each', domain(*at(5, NIC, DISK), *at(9, NIC2, DISK2),
                                                     iommus=two)
    yield 'vSMMU, and a device that it does not cover', domain(*at(5, NIC), *at(1, DISK),
                                                               iommus=one)
    yield 'vSMMU, and a legacy device that it does not cover', domain(
        *at(5, NIC), *at(1, DISK, iommufd='no'), iommus=one)
    yield 'vSMMU of a domain of 512 MiB, two devices', domain(*at(5, NIC, DISK), iommus=one,
                                                              memory=2 * MEBIBYTES)


def guests():
    for name, guest in (*on_both_backends(), *nested()):
        ram = RAM * 2 if '512 MiB' in name else RAM
        yield name, lab_arm64.NESTED, guest, ram, False
    yield 'virtio vIOMMU where nothing nests, two devices, iommufd', lab_arm64.INCOHERENT, domain(
        *at(1, NIC, NIC2), iommus=[iommu('virtio')]), RAM, False
