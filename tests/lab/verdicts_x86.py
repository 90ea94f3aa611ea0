# SPDX-License-Identifier: LGPL-2.1-or-later
"""The x86 domains of cases_verdicts.py: names, guests, and what is done around them"""
import dataclasses

from lab_domain import (MEBIBYTES, domain, first_stage, hostdev, intel, port, virtio)
from lab_x86 import ADDRESSES
from oracle_guest import Guest, address, commandline, controller, device, iommu, override

NIC, DISK, DISK2 = ADDRESSES['nic'], ADDRESSES['disk'], ADDRESSES['disk2']
SHARED, BRIDGED = ADDRESSES['shared'], ADDRESSES['bridged']
PARENT, VF = ADDRESSES['parent'], ADDRESSES['virtual_functions']
BACKENDS = {'legacy': False, 'iommufd': True}
FUNCTIONS = f'echo 2 >$functions/{PARENT}/sriov_numvfs'
NO_FUNCTIONS = f'echo 0 >$functions/{PARENT}/sriov_numvfs'
KIB = MEBIBYTES << 10


@dataclasses.dataclass
class Case:
    guest: Guest
    profile: str = 'shadow'
    before: str = ''       # script on the nested host, before check
    after: str = ''        # undoes it
    others: tuple = ()     # guests that run already
    options: str = ''      # of check
    short: bool = False
    warned: str = ''       # the rule that foretells a refusal without calling it an error


def both(name, *devices, short=False, **more):
    """The same domain on each backend"""
    around = {key: more.pop(key) for key in ('profile', 'before', 'after', 'options') if key in more}
    for backend, iommufd in BACKENDS.items():
        yield f'{name}, {backend}', Case(domain(*devices, iommufd=iommufd, **more), short=short,
                                         **around)


def plain():
    yield from both('no vIOMMU', hostdev(NIC))
    yield from both('no vIOMMU, two devices', hostdev(NIC), hostdev(DISK))
    yield from both('no vIOMMU, two of one group', *map(hostdev, SHARED), short=True)
    yield 'no vIOMMU, two of one group on two backends', Case(domain(
        hostdev(SHARED[0], iommufd='yes'), hostdev(SHARED[1], iommufd='no')))
    for first, second in (('yes', 'no'), ('no', 'yes')):
        words = 'iommufd first' if first == 'yes' else 'legacy first'
        yield f'no vIOMMU, two groups on two backends, {words}', Case(domain(
            hostdev(NIC, iommufd=first), hostdev(DISK, iommufd=second)))
        yield f'no vIOMMU, three groups on two backends, {words}', Case(domain(
            hostdev(NIC, iommufd=first), hostdev(DISK, iommufd=second),
            hostdev(DISK2, iommufd=first)))


def caching_mode():
    yield from both('VT-d', hostdev(NIC), iommus=[intel()], short=True)
    yield from both('VT-d, two devices', hostdev(NIC), hostdev(DISK), iommus=[intel()])
    yield from both('VT-d without caching mode', hostdev(NIC), iommus=[intel(None)], short=True)
    yield from both('VT-d with caching mode off', hostdev(DISK), iommus=[intel('off')])
    yield from both('VT-d without DMA translation or caching mode', hostdev(NIC),
                    iommus=[intel(None, dma_translation='off')])
    yield from both('VT-d without DMA translation', hostdev(NIC),
                    iommus=[intel(dma_translation='off')])
    bridge = [port(1), controller('pcie-to-pci-bridge', 2, address(1, 0)), port(3)]
    yield 'VT-d on two backends behind one bridge', Case(domain(
        hostdev(NIC, address(2, 1), iommufd='yes'), hostdev(DISK, address(2, 2), iommufd='no'),
        controllers=bridge, iommus=[intel()]))
    yield 'VT-d on two backends', Case(domain(hostdev(NIC, iommufd='yes'),
                                              hostdev(DISK, iommufd='no'), iommus=[intel()]))


def groups():
    yield from both('VT-d, two of one group', *map(hostdev, SHARED), iommus=[intel()], short=True)
    yield from both('VT-d, one of a group', hostdev(SHARED[0]), iommus=[intel()],
                    before=f'bind vfio-pci {SHARED[1]}', after=f'bind "" {SHARED[1]}')
    yield from both('VT-d, one of a group, the other with its host driver', hostdev(SHARED[0]),
                    iommus=[intel()], short=True)
    yield from both('no vIOMMU, one of a group, the other with its host driver',
                    hostdev(SHARED[1]))
    yield from both('VT-d, one of a group, the other with no driver', hostdev(SHARED[0]),
                    iommus=[intel()], before=f'echo {SHARED[1]} >$functions/{SHARED[1]}/driver/unbind',
                    after=f'bind "" {SHARED[1]}')
    yield from both('virtio vIOMMU, two of one group', *map(hostdev, SHARED), iommus=[virtio()])
    at = [address(1, 0, function, multifunction=None if function else 'on')
          for function in (0, 1)]
    yield from both('VT-d, two functions of one group in one slot',
                    *(hostdev(host, place) for host, place in zip(SHARED, at)), iommus=[intel()])
    yield 'absent function', Case(domain(hostdev('0000:0a:00.0'), iommus=[intel()]))
    yield from both('a root port', hostdev('0000:00:10.0'))
    yield 'one function twice', Case(domain(hostdev(NIC), hostdev(NIC)))
    yield 'with its host driver, not managed', Case(domain(hostdev(NIC, managed='no')))


def bridges():
    bridge = [port(1), controller('pcie-to-pci-bridge', 2, address(1, 0)), port(3)]
    behind = [address(2, slot) for slot in (1, 2)]
    yield from both('no vIOMMU, two conventional of one group', *map(hostdev, BRIDGED), ports=6)
    yield from both('VT-d, two conventional of one group behind one bridge',
                    *map(hostdev, BRIDGED, behind), controllers=bridge, iommus=[intel()])
    yield from both('VT-d, two conventional of one group in two ports', *map(hostdev, BRIDGED),
                    iommus=[intel()])
    yield from both('VT-d, assigned and emulated behind one bridge', hostdev(NIC, behind[0]),
                    device('e1000', behind[1]), controllers=bridge, iommus=[intel()])
    yield from both('virtio vIOMMU, assigned and emulated behind one bridge',
                    hostdev(NIC, behind[0]), device('e1000', behind[1]), controllers=bridge,
                    iommus=[virtio()])


def widths():
    for bits in ('39', '48', '57', '64'):
        yield f'VT-d of {bits} bits', Case(domain(hostdev(NIC), iommus=[intel(aw_bits=bits)]))
    for bits in ('32', '39', '64'):
        yield f'virtio vIOMMU of {bits} bits', Case(domain(
            hostdev(NIC), iommus=[virtio(aw_bits=bits)], iommufd=True))
    for granule in ("mode='host'", "size='4' unit='KiB'", "size='64' unit='KiB'"):
        yield from both(f'virtio vIOMMU, granule {granule}', hostdev(NIC),
                        iommus=[virtio(granule=f'<granule {granule}/>')])


def virtual_functions():
    around = {'before': FUNCTIONS, 'after': NO_FUNCTIONS}
    yield from both('VT-d, a virtual function', hostdev(VF[0]), iommus=[intel()], **around)
    yield from both('VT-d, two virtual functions', *map(hostdev, VF), iommus=[intel()], **around)
    yield from both('VT-d, a virtual function that went with its parent\'s driver', hostdev(VF[0]),
                    iommus=[intel()], before=f'{FUNCTIONS}\nbind vfio-pci {PARENT}',
                    after=f'bind "" {PARENT}\n{NO_FUNCTIONS}')
    interface = "<interface type='hostdev' managed='yes'><mac address='52:54:00:aa:00:01'/>" \
        '<source>' + address('0x02', '0x10', 0, domain='0x0000') + '</source>' + address(1, 0) + \
        '</interface>'
    online = f'ip link set "$(ls $functions/{PARENT}/net)" up'
    offline = online.replace(' up', ' down')
    yield 'VT-d, a virtual function as interface', Case(
        domain(interface, iommus=[intel()]), before=f'{FUNCTIONS}\n{online}', after=NO_FUNCTIONS)
    yield 'VT-d, a virtual function as interface, its parent down', Case(
        domain(interface, iommus=[intel()]), before=f'{FUNCTIONS}\n{offline}', after=NO_FUNCTIONS)
    yield 'VT-d, a NIC as interface', Case(domain(interface.replace(
        "bus='0x02' slot='0x10'", "bus='0x01' slot='0x00'", 1), iommus=[intel()]))


def limits():
    two = (hostdev(NIC), hostdev(DISK))
    for text, limit in (('of half the guest', KIB // 2), ('of two address spaces and a bit less',
                        2 * KIB - 4096), ('of two address spaces and 512 MiB', 2 * KIB + (512 << 10))):
        yield from both(f'hard_limit {text}', *two, iommus=[intel()], memtune=limit)
    yield from both('hard_limit of RAM alone, no vIOMMU', hostdev(NIC), memtune=KIB)
    big = 768
    for backend, iommufd in BACKENDS.items():
        own = commandline('-device', 'intel-iommu,intremap=on,caching-mode=on')
        yield f'VT-d by qemu:commandline, one device, {backend}', Case(domain(
            hostdev(NIC), extra=own, iommufd=iommufd))
        yield f'VT-d by qemu:commandline, three devices of {big} MiB, {backend}', Case(domain(
            hostdev(NIC), hostdev(DISK), hostdev(DISK2), extra=own, memory=big, iommufd=iommufd))
        yield f'VT-d by qemu:commandline, two devices of {big} MiB, {backend}', Case(domain(
            hostdev(NIC), hostdev(DISK), extra=own, memory=big, iommufd=iommufd))
        yield f'a second domain of the same user, {backend}', Case(domain(
            hostdev(NIC), iommufd=iommufd, memtune=120 << 10), others=(
                domain(hostdev(DISK), iommufd=iommufd),))


def daemons():
    """libvirtd as in a container: without CAP_SYS_RESOURCE. On iommufd a managed device would leave
    libvirt 12.8 hanging (docs/upstream.md)."""
    for limit in (64 << 20, 2 << 30):
        before = f'bind vfio-pci {NIC}; daemon_ends; daemon prlimit --memlock={limit}:{limit} ' \
            'setpriv --bounding-set -sys_resource'
        yield from both(f'libvirtd of {limit >> 20} MiB that cannot raise it',
                        hostdev(NIC, managed='no'), iommus=[intel()], before=before,
                        after=f'daemon_ends; daemon; bind "" {NIC}')


def users():
    """iommufd that QEMU opens itself counts for the user, all domains together. What libvirt opens
    counts for each process: "a second domain of the same user" above."""
    def guest(host, memtune=''):
        properties = override('hostdev0', iommufd=('string', 'iommufd0'))
        return domain(hostdev(host, managed='no'), memtune=memtune,
                      extra=properties + commandline('-object', 'iommufd,id=iommufd0'))

    nodes = ', '.join(f'"/dev/{name}"' for name in (
        'null', 'full', 'zero', 'random', 'urandom', 'ptmx', 'kvm', 'iommu', *(
            f'vfio/devices/vfio{number}' for number in range(32))))
    around = {'before': f"""bind vfio-pci {NIC} {DISK}
        chmod 666 /dev/iommu /dev/vfio/devices/*
        echo 'cgroup_device_acl = [ {nodes} ]' >>/etc/libvirt/qemu.conf
        daemon_ends; daemon""", 'after': f"""bind "" {NIC} {DISK}
        sed -i '/^cgroup_device_acl/d' /etc/libvirt/qemu.conf; daemon_ends; daemon"""}
    yield 'iommufd by qemu:override', Case(guest(NIC), **around)
    yield 'iommufd by qemu:override, a second domain of the same user', Case(
        guest(NIC, 120 << 10), others=(guest(DISK),), warned='memlock-per-user', **around)
    yield 'iommufd by qemu:override, a second domain within the limit', Case(
        guest(NIC, 160 << 10), others=(guest(DISK),), **around)


def stacks():
    yield 'two vIOMMUs', Case(domain(hostdev(NIC), iommus=[intel(), virtio()]))
    yield from both('AMD vIOMMU', hostdev(NIC), iommus=[iommu('amd')])
    yield 'VT-d, eim', Case(domain(hostdev(NIC), iommus=[intel(eim='on')]))
    yield 'VT-d, iotlb', Case(domain(hostdev(NIC), iommus=[intel(iotlb='on')]))
    yield '256 vCPUs and no vIOMMU', Case(domain(hostdev(NIC), vcpus=256,
                                                 vcpu_attributes=" current='1'"))
    yield '256 vCPUs and VT-d', Case(domain(hostdev(NIC), vcpus=256, vcpu_attributes=" current='1'",
                                            iommus=[intel()]))


def overrides(profile):
    """First stage, on a host that can (by force), that cannot, and one that has it for itself"""
    def one(name, *devices, iommufd=True, short=False, iommus=None, ports=4, controllers=None,
            **properties):
        return name, Case(domain(*(devices or (hostdev(NIC),)), iommufd=iommufd,
                                 iommus=iommus or [intel()], extra=first_stage(**properties),
                                 ports=ports, controllers=controllers), profile, short=short)

    yield one('first stage', short=True)
    yield one('first stage, legacy', iommufd=False)
    yield one('first stage, two devices', hostdev(NIC), hostdev(DISK))
    yield one('first stage, one of two devices legacy', hostdev(NIC),
              hostdev(DISK, iommufd='no'))
    yield one('first stage without caching mode', iommus=[intel(None)])
    yield one('first stage without scalable mode', scalable_mode=None)
    yield one('first stage of 39 bits', iommus=[intel(aw_bits='39')])
    yield one('first stage of 48 bits', iommus=[intel(aw_bits='48')])
    yield one('first stage and PASIDs', pasid_bits=('unsigned', '20'), iommus=[intel(iotlb='on')])
    yield one('first stage, PASIDs and svm', pasid_bits=('unsigned', '20'), svm=('bool', 'true'),
              iommus=[intel(iotlb='on')])
    yield one('first stage and svm without PASIDs', svm=('bool', 'true'),
              iommus=[intel(iotlb='on')])
    yield one('first stage and svm without iotlb', svm=('bool', 'true'),
              pasid_bits=('unsigned', '20'))
    yield one('first stage without 1 GiB pages', fs1gp=('bool', 'false'))
    yield one('first stage without DMA translation', iommus=[intel(dma_translation='off')])
    yield one('first stage, two of one group', *map(hostdev, SHARED))
    yield one('scalable mode alone', fsts=None)
    yield one('scalable mode alone, legacy', fsts=None, iommufd=False)
    yield one('PASIDs without first stage', fsts=None, pasid_bits=('unsigned', '20'))
    yield one('PASIDs of 21 bits', pasid_bits=('unsigned', '21'))
    yield one('snoop control', fsts=None, snoop_control=('bool', 'true'))
    bridge = [port(1), controller('pcie-to-pci-bridge', 2, address(1, 0)), port(3)]
    yield one('first stage, behind a bridge', hostdev(NIC, address(2, 1)), controllers=bridge)
    yield one('first stage, conventional behind its bridge', hostdev(BRIDGED[0], address(2, 1)),
              hostdev(BRIDGED[1], address(2, 2)), controllers=bridge)


def apertures():
    """A host whose IOVAs end at 47 bits"""
    for bits in (None, '39', '48'):
        yield from both(f'VT-d of {bits or "default"} bits', hostdev(NIC),
                        iommus=[intel(aw_bits=bits)], profile='first-stage')
    yield from both('virtio vIOMMU of 48 bits', hostdev(NIC), iommus=[virtio(aw_bits='48')],
                    profile='first-stage')
    yield from both('no vIOMMU, 47 bits', hostdev(NIC), profile='first-stage')


def domains():
    for family in (plain, caching_mode, groups, bridges, widths, virtual_functions, limits, daemons,
                   users, stacks):
        yield from family()
    yield from overrides('shadow')
    yield from apertures()
    yield from overrides('first-stage')
    yield from overrides('nested')
