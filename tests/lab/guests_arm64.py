# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on the arm64 host that boot"""
from lab_arm64 import INCOHERENT, NESTED
from lab_guest import Boot
from plans_arm64 import asked
from verdicts_arm64 import DISK, DISK2, NIC, PARENT, VALUES, at, domain, smmu


# Firmware gives an expander bus no window for prefetchable memory; a Linux that wants one for a port
# takes it from a port whose device runs. See docs/truth.md.
SMALL_WINDOWS = 'pci=hpmmioprefsize=0,hpiosize=0'


def guests():
    yield 'vSMMU', Boot(asked(DISK), NESTED, nested=True, short=True)
    yield 'two vSMMUs, one for each host SMMU', Boot(asked(DISK, DISK2), NESTED, nested=True, disks=2)
    yield 'vSMMU, devices of two host SMMUs', Boot(
        domain(*at(5, DISK, DISK2), iommus=[smmu()]), NESTED, nested=True, planned=False,
        hooked=False, disks=0, lost=2)
    yield 'vSMMU, automatic values, devices come and go', Boot(
        asked(NIC, ports=1), NESTED, nested=True, disks=0, arguments=SMALL_WINDOWS, steps=(
            ('attach', DISK, 1), ('detach', NIC, 1), ('attach', NIC, 1), ('detach', DISK, 0),
            ('detach', NIC, 0), ('attach', DISK, 1)))
    yield 'two vSMMUs, fixed values, all devices plugged in', Boot(
        domain(iommus=[smmu(**VALUES), smmu(8, **VALUES)]), NESTED, nested=True, planned=False,
        disks=0, arguments=SMALL_WINDOWS, steps=(
            ('attach', DISK, 1), ('attach', DISK2, 2), ('detach', DISK, 1), ('attach', DISK, 2)))
    yield 'vSMMU, a device plugged into a port without a window, Linux as it comes', Boot(
        domain(*at(5, DISK), iommus=[smmu()]), NESTED, nested=True, planned=False,
        steps=(('attach', NIC, 0, 1),))
    yield 'vSMMU, devices plugged into a port with a window of its own, Linux as it comes', Boot(
        asked(DISK, ports=1), NESTED, nested=True, steps=(
            ('attach', NIC, 1), ('detach', NIC, 1), ('attach', PARENT, 1)))
    yield 'virtio vIOMMU where nothing nests', Boot(asked(DISK), INCOHERENT)
    yield 'virtio vIOMMU where nothing nests, two devices', Boot(asked(DISK, DISK2), INCOHERENT,
                                                                 disks=2)
