# SPDX-License-Identifier: LGPL-2.1-or-later
"""Families of buses and places: what goes below what, slots, numbers, functions.
Each function yields (what is varied, guest)."""
import itertools

from oracle_families import expander, pcie, port
from oracle_guest import Guest, address, arm, attributes, controller, device, iommu

INTEL = [iommu('intel')]
# one bus of each kind, with what it needs above it; the bus to look at has index 9
ABOVE = {
    'pcie-root': ([], 0),
    'pcie-root-port': ([port(9)], 9),
    'pcie-expander-bus': ([expander(9, 8, 64)], 9),
    'port on expander': ([expander(1, 8, 64), port(9, 1, 0)], 9),
    'pcie-switch-upstream-port': ([port(1), controller('pcie-switch-upstream-port', 9,
                                                       address(1, 0))], 9),
    'pcie-switch-downstream-port': ([port(1), controller('pcie-switch-upstream-port', 2,
                                                         address(1, 0)),
                                     controller('pcie-switch-downstream-port', 9,
                                                address(2, 3))], 9),
    'dmi-to-pci-bridge': ([controller('dmi-to-pci-bridge', 9, address(0, '0x1e'))], 9),
    'pcie-to-pci-bridge': ([port(1), controller('pcie-to-pci-bridge', 9, address(1, 0))], 9),
    'pci-bridge': ([controller('dmi-to-pci-bridge', 1, address(0, '0x1e')),
                    controller('pci-bridge', 9, address(1, 4))], 9),
}
CONTROLLERS = ('pcie-root-port', 'pcie-expander-bus', 'pci-expander-bus', 'pci-bridge',
               'pcie-switch-upstream-port', 'pcie-switch-downstream-port', 'dmi-to-pci-bridge',
               'pcie-to-pci-bridge', 'pcie-root', 'pci-root')
ENDPOINTS = ('virtio-rng', 'e1000e', 'e1000', 'qemu-xhci', 'ac97')


def endpoints_on_buses():
    for (name, (above, bus)), kind in itertools.product(ABOVE.items(), ENDPOINTS):
        slots = (0, 1, 2) if kind == 'virtio-rng' else (0,) if bus and 'port' in name else (3,)
        for slot in slots:
            yield f'{kind} in slot {slot} of {name}', Guest(
                controllers=pcie(*above), devices=[device(kind, address(bus, slot))], iommus=INTEL)


def controllers_on_buses():
    for (name, (above, bus)), model in itertools.product(ABOVE.items(), CONTROLLERS):
        slot = 0 if bus and 'port' in name else 3
        yield f'{model} in slot {slot} of {name}', Guest(
            controllers=pcie(*above, controller(model, 10, address(bus, slot))), iommus=INTEL)
    for model in CONTROLLERS:
        yield f'{model} without address', Guest(controllers=pcie(controller(model, 1)),
                                                iommus=INTEL)
        yield f'{model} on pc', Guest(machine='pc', controllers=[controller(model, 1)])


def places():
    buses = pcie(port(1), port(2, slot=2))
    for bus, slot, function in ((0, 0, 0), (0, 1, 1), (0, 3, 0), (0, 3, 1), (0, 3, 7), (0, 3, 8),
                                (0, 31, 0), (0, 31, 1), (0, 31, 2), (0, 31, 3), (0, 32, 0),
                                (0, 29, 0), (0, 27, 0), (1, 0, 0), (1, 0, 1), (1, 1, 0),
                                (1, 31, 0), (3, 0, 0), (3, 1, 0), (4, 0, 0), (9, 0, 0), (255, 0, 0),
                                (256, 0, 0), ('x', 0, 0), (0, '0x1z', 0), ('', 0, 0), (0, '', 0),
                                (0, -1, 0), ('0x', 0, 0), (0, ' 3', 0)):
        yield f'rng at {bus}:{slot}.{function}', Guest(
            controllers=buses, devices=[device('virtio-rng', address(bus, slot, function))],
            iommus=INTEL)
    for at in (address(0, 3, domain=1), address(0, 3, domain='0x0'), address(0, 3, 0, uid=1),
               "<address type='pci' slot='3'/>", "<address type='pci' bus='1'/>",
               "<address type='pci'/>", "<address slot='3'/>", "<address type='pci' slot='0x1f'/>",
               address(0, 3, multifunction='yes')):
        yield f'rng at {at}', Guest(controllers=buses, devices=[device('virtio-rng', at)],
                                    iommus=INTEL)
    for bus in (1, 5, 30, 200):
        yield f'only an address on bus {bus}', Guest(
            devices=[device('virtio-rng', address(bus, 0))], iommus=INTEL)
        yield f'only an address on bus {bus} of virt', arm(
            devices=[device('virtio-rng', address(bus, 0))])
        yield f'slot 3 of bus {bus} on pc', Guest(
            machine='pc', devices=[device('virtio-rng', address(bus, 3))])


def doubles():
    buses = pcie(port(1), port(2, slot=2), expander(3, 8, 64), port(4, 3, 0))
    for bus, slot in ((0, 5), (1, 0), (4, 0)):
        yield f'two at {bus}:{slot}', Guest(
            controllers=buses, iommus=INTEL,
            devices=[device('virtio-rng', address(bus, slot)),
                     device('virtio-net', address(bus, slot))])
    for first, second in ((None, None), ('on', None), ('off', None), (None, 'on'), ('off', 'on')):
        yield f'functions 0 and 1, multifunction {first} {second}', Guest(
            iommus=INTEL,
            devices=[device('virtio-rng', address(0, 5, 0, multifunction=first)),
                     device('virtio-net', address(0, 5, 1, multifunction=second))])
        yield f'functions 1 and 0, multifunction {first} {second}', Guest(
            iommus=INTEL,
            devices=[device('virtio-net', address(0, 5, 1, multifunction=second)),
                     device('virtio-rng', address(0, 5, 0, multifunction=first))])
    yield 'function 1 alone', Guest(iommus=INTEL,
                                    devices=[device('virtio-rng', address(0, 5, 1))])
    yield 'functions in a port', Guest(
        controllers=buses, iommus=INTEL,
        devices=[device('virtio-rng', address(1, 0, 0, multifunction='on')),
                 device('virtio-net', address(1, 0, 1))])
    for slot in (1, 2):
        yield f'ports as functions of slot {slot}', Guest(controllers=pcie(
            port(1, slot=slot, multifunction='on'), port(2, slot=slot, function=1),
            port(3, slot=slot, function=7)), iommus=INTEL)
        yield f'ports as functions of slot {slot}, not said', Guest(controllers=pcie(
            port(1, slot=slot), port(2, slot=slot, function=1)), iommus=INTEL)
    yield 'device on a port', Guest(controllers=pcie(port(1, slot=4)), iommus=INTEL,
                                    devices=[device('virtio-rng', address(0, 4))])


def indexes():
    yield 'two index 1', Guest(controllers=pcie(port(1), port(1, slot=2)), iommus=INTEL)
    yield 'two index 0', Guest(controllers=[controller('pcie-root', 0), controller('pcie-root', 0)])
    yield 'gap', Guest(controllers=pcie(port(1), port(4, slot=2)), iommus=INTEL)
    yield 'no root', Guest(controllers=[port(1)], iommus=INTEL)
    yield 'no index', Guest(controllers=[controller('pcie-root-port')], iommus=INTEL)
    yield 'root, and no index', Guest(controllers=pcie(controller('pcie-root-port'),
                                                       controller('pcie-root-port')))
    yield 'root port as 0', Guest(controllers=[controller('pcie-root-port', 0)])
    yield 'pci-root on q35', Guest(controllers=[controller('pci-root', 0)])
    yield 'pcie-root on pc', Guest(machine='pc', controllers=[controller('pcie-root', 0)])
    yield 'own bus', Guest(controllers=pcie(port(1, bus=1, slot=0)))
    yield 'each on the other', Guest(controllers=pcie(port(1, bus=2, slot=0),
                                                      port(2, bus=1, slot=0)))
    yield 'later bus', Guest(controllers=pcie(port(1, bus=2, slot=0), expander(2, 8, 64)))
    yield 'index 255', Guest(controllers=pcie(controller('pcie-root-port', 255)))
    yield 'index 256', Guest(controllers=pcie(controller('pcie-root-port', 256)))
    yield 'index x', Guest(controllers=pcie(controller('pcie-root-port', 'x')))
    yield 'index -1', Guest(controllers=pcie(controller('pcie-root-port', -1)))
    yield '30 ports without address', Guest(controllers=pcie(
        *(controller('pcie-root-port', index) for index in range(1, 31))), iommus=INTEL)
    yield 'no model', Guest(controllers=["<controller type='pci' index='0'/>"])
    yield 'unknown model', Guest(controllers=pcie(controller('pcie-bridge', 1)))


def targets():
    def with_target(text, model='pcie-root-port', name='', at=''):
        return controller(model, 1, at, target=text, name=name)

    for text in (" chassis='1' port='0x10'", " chassis='0'", " chassis='255'", " chassis='256'",
                 " port='255'", " port='256'", " port='-1'", " chassis='x'", " hotplug='off'",
                 " hotplug='no'", " busNr='5'", " memReserve='65536'", " memReserve='4194304'",
                 " memReserve='5242880'", " memReserve='100'", " memReserve='x'",
                 " memReserve='0'", " index='1'", " chassisNr='1'", " chassis=' 3'",
                 " chassis='3 '", " chassis='+3'", " chassis='0x1f'", " chassis=''"):
        yield f'root port{text}', Guest(controllers=pcie(with_target(text)), iommus=INTEL)
    for text in (" hotplug='off'", " memReserve='1024'", " busNr='5'", " chassis='1'"):
        yield f'root{text}', Guest(controllers=[controller('pcie-root', 0, target=text)],
                                   iommus=INTEL)
        yield f'expander{text}', Guest(iommus=INTEL, controllers=pcie(
            controller('pcie-expander-bus', 1, target=text)))
    for number in (0, 1, 255, 256):
        yield f'chassisNr {number}', Guest(iommus=INTEL, controllers=pcie(
            port(1), controller('pcie-to-pci-bridge', 2),
            controller('pci-bridge', 3, target=f" chassisNr='{number}'")))
    for model in ('pcie-root-port', 'pcie-root'):
        yield f'node of {model}', Guest(iommus=INTEL, controllers=[
            controller('pcie-root', 0, node=0 if model == 'pcie-root' else None),
            controller('pcie-root-port', 1, node=0 if model == 'pcie-root-port' else None)])
    for model, name in (('pcie-root-port', 'ioh3420'), ('pcie-root-port', 'pcie-root-port'),
                        ('pcie-root-port', 'pxb-pcie'), ('pcie-root-port', 'nonsense'),
                        ('pcie-expander-bus', 'pxb'), ('pci-bridge', 'pci-bridge'),
                        ('dmi-to-pci-bridge', 'i82801b11-bridge'),
                        ('pcie-to-pci-bridge', 'pcie-pci-bridge')):
        at = address(0, 8) if model == 'pcie-expander-bus' else ''
        yield f'{model} as {name}', Guest(controllers=pcie(with_target('', model, name, at)),
                                          iommus=INTEL)
    yield 'two of one chassis', Guest(controllers=pcie(
        controller('pcie-root-port', 1, target=" chassis='3' port='1'"),
        controller('pcie-root-port', 2, target=" chassis='3' port='1'")), iommus=INTEL)
    for chassis in (1, 2, '010'):
        yield f'chassis {chassis} beside automatic ones', Guest(iommus=INTEL, controllers=pcie(
            controller('pcie-root-port', 1), controller('pcie-root-port', 8),
            controller('pcie-root-port', 9, target=f" chassis='{chassis}'")))
    yield 'one chassis, two ports', Guest(controllers=pcie(
        controller('pcie-root-port', 1, target=" chassis='3' port='1'"),
        controller('pcie-root-port', 2, target=" chassis='3' port='2'")), iommus=INTEL)
    for number in (0, 1, 2, 64, 254, 255, 256, -1, 'x', '', None):
        yield f'expander busNr={number}', Guest(controllers=pcie(expander(1, 8, number)),
                                                iommus=INTEL)
    for first, second in ((64, 64), (64, 65), (128, 64), (2, 3), (None, None), (254, None),
                          (64, None), (3, None), (2, None)):
        yield f'expanders {first} and {second}', Guest(controllers=pcie(
            expander(1, 8, first), port(2, 1, 0), expander(3, 9, second), port(4, 3, 0)),
            iommus=INTEL)
    numa = ("<cpu><numa><cell id='0' cpus='0' memory='16' unit='MiB'/>"
            "<cell id='1' cpus='1' memory='16' unit='MiB'/></numa></cpu>")
    for node in (0, 1, 2, -1, 'x'):
        yield f'expander of node {node}', Guest(
            controllers=pcie(expander(1, 8, 64, node)), cpu=numa, vcpus=2, iommus=INTEL)
        yield f'expander of node {node} without numa', Guest(
            controllers=pcie(expander(1, 8, 64, node)), iommus=INTEL)
    yield 'expander in slot 0 of bus 0', Guest(controllers=pcie(expander(1, 0, 64)))
    yield 'expander on pc', Guest(machine='pc', controllers=[
        controller('pci-root', 0), controller('pci-expander-bus', 1, address(0, 8),
                                              target=" busNr='128'")])


def expanders():
    above = pcie(expander(1, 8, 64), port(2, 1, 0))
    for model in ('intel', 'amd', 'virtio', None):
        iommus = [iommu(model)] if model else []
        for usb, balloon in itertools.product((True, False), repeat=2):
            yield f'{model}, usb {usb}, balloon {balloon}', Guest(
                controllers=above, iommus=iommus, usb=usb, balloon=balloon)
        yield f'{model} and a device in the port', Guest(
            controllers=above, iommus=iommus, devices=[device('virtio-rng', address(2, 0))])
        yield f'{model} and a device without address', Guest(
            controllers=above, iommus=iommus, usb=False, balloon=False,
            devices=[device('virtio-rng')])
    for count in (1, 4, 8, 16, 30):
        yield f'{count} ports on one expander', Guest(usb=False, controllers=pcie(
            expander(1, 8, 64), *(port(2 + number, 1, number) for number in range(count))))
    yield '33 ports on one expander', Guest(usb=False, controllers=pcie(
        expander(1, 8, 64), *(port(2 + number, 1, number) for number in range(33))))
    for firmware in (True, False):
        for usb in (True, False):
            yield f'virt, firmware {firmware}, usb {usb}', arm(
                acpi=firmware, firmware=firmware, controllers=above, usb=usb,
                devices=[device('virtio-rng', address(2, 0))],
                iommus=[iommu('smmuv3', driver={'pciBus': '1'})])


def many_devices():
    for count in (1, 10, 40):
        yield f'{count} devices without address', Guest(devices=[device('virtio-rng')] * count,
                                                        iommus=INTEL)
        yield f'{count} devices without address on virt', arm(
            devices=[device('virtio-rng')] * count)
        yield f'{count} conventional devices', Guest(devices=[device('e1000')] * count,
                                                     iommus=INTEL)
    for kind in ('e1000', 'virtio-rng'):
        for model in ('virtio', 'intel'):
            for bridge in ('pcie-to-pci-bridge', 'dmi-to-pci-bridge', 'pci-bridge'):
                above, bus = ABOVE[bridge]
                yield f'{kind} on {bridge} with {model}', Guest(
                    controllers=pcie(*above), devices=[device(kind, address(bus, 2))],
                    iommus=[iommu(model)])


def holes():
    """<pcihole64>: the window for BARs above 4 GiB"""
    for unit, size in (('GiB', '1'), ('GiB', '0'), ('GiB', '512'), ('GiB', '768'), ('GiB', '900'),
                       ('TiB', '1'), ('TiB', '4'), ('TiB', '64'), ('EiB', '16'), ('foo', '1'),
                       (None, '1024'), (None, '536870912'), (None, '536870913'), (None, 'x'),
                       (None, '-1'), (None, ''), ('b', '549755813889'), ('GiB', '512 '),
                       ('GiB', '0x200')):
        hole = f'<pcihole64{attributes(unit=unit)}>{size}</pcihole64>'
        root = controller('pcie-root', 0, hole)
        yield f'hole of {size} {unit}', Guest(controllers=[root], iommus=INTEL)
        yield f'hole of {size} {unit} on virt', arm(controllers=[root],
                                                    iommus=[iommu('smmuv3')])
    for model in ('pcie-root-port', 'pcie-expander-bus'):
        yield f'hole in a {model}', Guest(iommus=INTEL, controllers=pcie(
            controller(model, 1, "<pcihole64 unit='GiB'>1</pcihole64>")))
