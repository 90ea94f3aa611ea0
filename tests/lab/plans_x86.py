# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked for on the x86 host, and which devices are plugged in later"""
import dataclasses

from lab_domain import domain, hostdev, intel, virtio
from oracle_guest import INTENT, Guest
from verdicts_x86 import BRIDGED, DISK, DISK2, FUNCTIONS, NIC, NO_FUNCTIONS, SHARED, VF


@dataclasses.dataclass
class Plan:
    guest: object          # that can be rendered
    profile: str = 'shadow'
    before: str = ''
    after: str = ''
    plugs: tuple = ()      # (address, whether it can be plugged in)
    refused: str = ''      # the rule by which there is no plan
    short: bool = False


@dataclasses.dataclass
class Wish:
    """A guest with an intent"""
    guest: Guest
    usage: str
    ports: int
    devices: int

    def render(self, name):
        wishes = ''.join(f"<viommu:device alias='ua-dev{number}' usage='{self.usage}'/>"
                         for number in range(self.devices) if self.usage)
        if self.ports is not None:
            wishes += f"<viommu:hotplug ports='{self.ports}'/>"
        intent = INTENT.replace('/></metadata>', f'>{wishes}</viommu:intent></metadata>')
        return self.guest.render(name).replace(INTENT, '').replace(
            '<memory ', f'{intent}\n  <memory ', 1)


def named(hosts):
    return [hostdev(host, alias=f'ua-dev{number}') for number, host in enumerate(hosts)]


def asked(*hosts, usage='guest-iommu', ports=None, **more):
    """A domain that says what its devices are for, and leaves all else to the planner"""
    guest = domain(ports=0, **more)
    guest.devices, guest.controllers = named(hosts), []
    return Wish(guest, usage, ports, len(hosts))


def plans():
    around = {'before': FUNCTIONS, 'after': NO_FUNCTIONS}
    yield 'one NIC', Plan(asked(NIC), short=True)
    yield 'NIC and NVMe, two spare ports', Plan(asked(NIC, DISK, ports=2), short=True, plugs=(
        (DISK2, True), (SHARED[0], False)))
    yield 'NIC on iommufd, a spare port', Plan(asked(NIC, iommufd=True, ports=1),
                                               plugs=((DISK, True),))
    yield 'no device yet, two spare ports', Plan(asked(usage='', ports=2), plugs=((NIC, True),
                                                                                 (DISK, True)))
    yield 'plain DMA, both functions of a group', Plan(asked(*SHARED, usage='dma'))
    yield 'plain DMA, a spare port', Plan(asked(NIC, usage='dma', ports=1), plugs=((DISK, True),))
    yield 'two virtual functions', Plan(asked(*VF), **around)
    yield 'a virtual function and NVMe', Plan(asked(VF[0], DISK), **around)
    yield 'VT-d without caching mode, to be mended', Plan(asked(NIC, iommus=[intel(None)]))
    yield 'a virtio vIOMMU that is there', Plan(asked(NIC, DISK, iommus=[virtio()]))
    beside = asked(NIC, DISK)
    beside.guest.usb = beside.guest.balloon = True
    yield 'beside emulated devices', Plan(beside)
    yield '256 vCPUs', Plan(asked(NIC, usage='dma', vcpus=256, vcpu_attributes=" current='1'"))
    yield 'one of a group, the other with its host driver', Plan(asked(SHARED[0]),
                                                                 refused='group-viable')
    for text, before in (('on vfio-pci', f'bind vfio-pci {SHARED[1]}'),
                         ('with no driver', f'echo {SHARED[1]} >$functions/{SHARED[1]}/driver/unbind')):
        yield f'one of a group, the other {text}', Plan(asked(SHARED[0]), before=before,
                                                        after=f'bind "" {SHARED[1]}')
    yield 'both functions of a group behind a vIOMMU', Plan(asked(*SHARED),
                                                            refused='group-singleton')
    yield 'PASIDs', Plan(asked(NIC, usage='pasid'), refused='vtd-pasid-host')
    yield 'NIC and NVMe, 47 bits', Plan(asked(NIC, DISK, ports=1), profile='first-stage',
                                        plugs=((DISK2, True),))
    yield 'NIC and NVMe, nested', Plan(asked(NIC, DISK, ports=1), profile='nested',
                                       plugs=((DISK2, True),))
    yield 'conventional device, nested', Plan(asked(BRIDGED[0]), profile='nested',
                                              refused='group-singleton')
