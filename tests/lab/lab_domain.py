# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains with assigned devices, as text"""
from oracle_guest import Guest, address, attributes, controller, iommu, override

MEBIBYTES = 64
SPLIT = "<ioapic driver='qemu'/>"
IOMMUFD = "<iommufd enabled='yes'/>"


def wants_iommufd(text):
    return IOMMUFD in text or "iommufd='yes'" in text


def port(index, bus=0, slot=None, function=0, hotplug=None):
    target = f" hotplug='{hotplug}'" if hotplug else ''
    return controller('pcie-root-port', index, address(bus, hex(slot or index), function),
                      target=target)


def hostdev(host, at='', *, iommufd=None, managed='yes', alias=None, rom=''):
    """@iommufd: yes, no, or None for what the domain says"""
    domain, bus, rest = host.split(':')
    slot, function = rest.split('.')
    source = address(f'0x{bus}', f'0x{slot}', function, domain=f'0x{domain}') \
        .replace(" type='pci'", '')
    driver = f"<driver{attributes(name='vfio', iommufd=iommufd)}/>" if iommufd else ''
    name = f"<alias name='{alias}'/>" if alias else ''
    return (f"<hostdev mode='subsystem' type='pci' managed='{managed}'>{driver}"
            f'<source>{source}</source>{rom}{name}{at}</hostdev>')


def domain(*devices, iommus=(), ports=4, memory=MEBIBYTES, iommufd=False, memtune='', extra='',
           controllers=None, **more):
    """An x86 guest with @ports root ports on slots 1 and up, which get the devices in their order;
    devices that have an address keep it."""
    if controllers is None:
        controllers = [port(index) for index in range(1, ports + 1)]
    placed, free = [], iter(range(1, 32))
    for text in devices:
        if '<hostdev' in text and "<address type='pci'" not in text:
            text = text.replace('</hostdev>', f'{address(next(free), 0)}</hostdev>')
        placed.append(text)
    text = f"<memory unit='MiB'>{memory}</memory>"
    if memtune:
        text += f"<memtune><hard_limit unit='KiB'>{memtune}</hard_limit></memtune>"
    if iommufd:
        text += f'\n  {IOMMUFD}'
    return Guest(memory=text, features=SPLIT if iommus or extra else '', usb=False, balloon=False,
                 controllers=[controller('pcie-root', 0), *controllers], devices=placed,
                 iommus=list(iommus), extra=extra, **more)


def intel(caching_mode='on', alias=None, **driver):
    return iommu('intel', driver={'intremap': 'on', 'caching_mode': caching_mode, **driver},
                 alias=alias)


def virtio(granule='', at='', **driver):
    return iommu('virtio', driver=driver or None, inside=granule, at=at)


def first_stage(*, alias='iommu0', **more):
    """An override with the properties of first stage; a value of None takes one out"""
    properties = {'scalable-mode': ('bool', 'true'), 'fsts': ('bool', 'true')}
    properties.update({name.replace('_', '-'): value for name, value in more.items()})
    return override(alias, **{name: value for name, value in properties.items() if value})
