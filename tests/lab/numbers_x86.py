# SPDX-License-Identifier: LGPL-2.1-or-later
"""One x86 guest of each way to lock memory: (name, profile, guest, bytes of RAM, whether in CI)"""
from lab_domain import MEBIBYTES, domain, first_stage, hostdev, intel, port, virtio
from oracle_guest import address, controller
from verdicts_x86 import BACKENDS, BRIDGED, DISK, NIC

RAM = MEBIBYTES << 20


def guests():
    one, two = [hostdev(NIC)], [hostdev(NIC), hostdev(DISK)]
    bridge = [port(1), controller('pcie-to-pci-bridge', 2, address(1, 0)), port(3)]
    behind = [hostdev(host, address(2, slot)) for host, slot in zip(BRIDGED, (1, 2))]
    for backend, iommufd in BACKENDS.items():
        def make(name, *devices, profile='shadow', short=False, **more):
            more.setdefault('memory', MEBIBYTES)
            return (f'{name}, {backend}', profile, domain(*devices, iommufd=iommufd, **more),
                    more['memory'] << 20, short)
        yield make('no vIOMMU, one device', *one)
        yield make('no vIOMMU, two devices', *two)
        yield make('VT-d, one device', *one, iommus=[intel()])
        yield make('VT-d, two devices', *two, iommus=[intel()], short=iommufd)
        yield make('VT-d, two devices, 256 MiB', *two, iommus=[intel()], memory=256)
        yield make('VT-d without DMA translation, two devices', *two,
                   iommus=[intel(dma_translation='off')])
        yield make('VT-d, two conventional devices behind one bridge', *behind,
                   controllers=bridge, iommus=[intel()])
        yield make('virtio vIOMMU, two devices', *two, iommus=[virtio()])
        if iommufd:
            yield make('first stage, two devices', *two, profile='nested', iommus=[intel()],
                       extra=first_stage())
    yield ('VT-d, two devices on two backends', 'shadow', domain(
        hostdev(NIC, iommufd='yes'), hostdev(DISK, iommufd='no'), iommus=[intel()]), RAM, False)
