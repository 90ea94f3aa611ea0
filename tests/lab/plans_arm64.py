# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked for on the arm64 host, and which devices are plugged in later"""
from plans_x86 import Plan, Wish, named
from verdicts_arm64 import DISK, DISK2, NIC, NIC2, PARENT, SHARED, VF, ArmGuest
import lab_arm64

MEBIBYTES = 256


def asked(*hosts, usage='guest-iommu', ports=None):
    guest = ArmGuest(arch='aarch64', machine='virt', acpi=True, firmware=True, usb=False,
                     balloon=False, memory=f"<memory unit='MiB'>{MEBIBYTES}</memory>",
                     features="<gic version='3'/>", cpu="<cpu mode='host-passthrough'/>",
                     devices=named(hosts))
    return Wish(guest, usage, ports, len(hosts))


def plans():
    around = {'before': f'echo 2 >$functions/{PARENT}/sriov_numvfs',
              'after': f'echo 0 >$functions/{PARENT}/sriov_numvfs'}
    for name, plan in (
            ('one NIC', Plan(asked(NIC), short=True)),
            ('two host SMMUs, a spare port', Plan(asked(NIC, NIC2, ports=1), short=True,
                                                  plugs=((DISK, True),))),
            ('one host SMMU, a spare port', Plan(asked(NIC, ports=1),
                                                 plugs=((DISK2, False), (DISK, True)))),
            ('NIC and NVMe of one host SMMU', Plan(asked(NIC, DISK))),
            ('a virtual function', Plan(asked(VF[0]), **around)),
            ('plain DMA, both functions of a group', Plan(asked(*SHARED, usage='dma'))),
            ('both functions of a group', Plan(asked(*SHARED), refused='group-singleton')),
            ('no device yet, two spare ports', Plan(asked(usage='', ports=2),
                                                    plugs=((NIC, True), (DISK2, True))))):
        plan.profile = lab_arm64.NESTED
        yield name, plan
    yield 'NIC on a host that cannot nest', Plan(asked(NIC), profile=lab_arm64.INCOHERENT)
