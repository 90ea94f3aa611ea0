# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on the x86 host that boot"""
import plans_x86
from lab_guest import MEBIBYTES, Boot
from verdicts_x86 import DISK


def guests():
    for name, iommufd, iommus in (('VT-d, legacy', False, ()), ('VT-d, iommufd', True, ()),
                                  ('virtio vIOMMU, iommufd', True, (plans_x86.virtio(),))):
        yield name, Boot(plans_x86.asked(DISK, iommufd=iommufd, iommus=iommus, memory=MEBIBYTES),
                         'shadow')
