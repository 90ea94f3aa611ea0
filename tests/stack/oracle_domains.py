# SPDX-License-Identifier: LGPL-2.1-or-later
"""The oracle's domains: the families one thing at a time, and random guests that mix all of it.
The same seed gives the same domains, and a smaller size gives the first of them."""
import itertools
import random
import re

import oracle_buses
import oracle_families
from oracle_families import (GRANULES, NUMBERS, OTHER_X86, Q35, SWITCHES, VIRT, WIDTHS, expander,
                             pcie)
from oracle_guest import CONVENTIONAL, DEVICES, SINGLE, Guest, address, arm, controller, device, iommu

SEED = 20261121
FAMILIES = tuple(value for module in (oracle_families, oracle_buses)
                 for name, value in sorted(vars(module).items())
                 if callable(value) and value.__module__ == module.__name__
                 and name not in ('expander', 'pcie', 'port', 'smmu_guest'))
SWITCH_ODDS = ('on', 'on', 'on', 'off', 'off', 'yes')
BELOW = {  # what may stand below what, as far as a random tree goes
    'pcie-root': ('pcie-root-port', 'pcie-root-port', 'pcie-root-port', 'pcie-expander-bus',
                  'dmi-to-pci-bridge'),
    'pcie-expander-bus': ('pcie-root-port', 'pcie-root-port', 'dmi-to-pci-bridge'),
    'pcie-root-port': ('pcie-switch-upstream-port', 'pcie-to-pci-bridge'),
    'pcie-switch-upstream-port': ('pcie-switch-downstream-port',),
    'pcie-switch-downstream-port': ('pcie-to-pci-bridge',),
    'dmi-to-pci-bridge': ('pci-bridge',),
    'pcie-to-pci-bridge': ('pci-bridge',),
    'pci-bridge': ('pci-bridge',),
}
ONE_SLOT = ('pcie-root-port', 'pcie-switch-downstream-port')
FROM_ZERO = ('pcie-expander-bus', 'pcie-switch-upstream-port')


class Tree:
    """A random tree of buses; remembers what is taken, so that most places are good."""

    def __init__(self, rng):
        self.rng = rng
        self.buses = {0: 'pcie-root'}
        self.taken = {(0, 0), (0, 1), (0, 2), (0, 31)}
        self.numbers = list(range(32, 255, 24))

    def slot(self, bus):
        """A free slot of that bus, or now and then any"""
        if self.rng.random() < 0.04:
            return self.rng.randrange(32)
        if self.buses.get(bus) in ONE_SLOT:
            return 0
        first = 0 if self.buses.get(bus) in FROM_ZERO else 1
        free = [slot for slot in range(first, 31) if (bus, slot) not in self.taken]
        return self.rng.choice(free) if free else 3

    def place(self, bus):
        if self.rng.random() < 0.02:
            bus = self.rng.choice((len(self.buses), len(self.buses) + 3, 200))
        slot = self.slot(bus)
        self.taken.add((bus, slot))
        return address(bus, hex(slot), 0, multifunction='on' if self.rng.random() < 0.05 else None)

    def full(self, bus):
        return self.buses[bus] in ONE_SLOT and (bus, 0) in self.taken

    def number(self):
        odds = self.rng.random()
        if odds < 0.05 or not self.numbers:
            return self.rng.choice((0, 1, 64, 255, 32))
        return None if odds < 0.15 else self.numbers.pop(self.rng.randrange(len(self.numbers)))

    def grow(self):
        """One more controller"""
        index = len(self.buses)
        parents = [bus for bus, kind in self.buses.items() if BELOW[kind] and not self.full(bus)]
        bus = self.rng.choice(parents + [0] * 3)
        model = self.rng.choice(BELOW[self.buses[bus]])
        if self.rng.random() < 0.04:
            model = self.rng.choice(tuple(BELOW))
        self.buses[index] = model
        at = self.place(bus) if self.rng.random() < 0.9 else ''
        if model == 'pcie-expander-bus' and bus == 0:
            slot = self.slot(0)
            self.taken.add((0, slot))
            return expander(index, slot, self.number())
        name = 'ioh3420' if model == 'pcie-root-port' and self.rng.random() < 0.1 else ''
        target = " hotplug='off'" if model == 'pcie-root-port' and self.rng.random() < 0.1 else ''
        return controller(model, index, at, name=name, target=target)

    def bus_for(self, kind):
        fits = [bus for bus, model in self.buses.items()
                if not self.full(bus) and model != 'pcie-expander-bus' and 'upstream' not in model
                and (kind in CONVENTIONAL) <= (model in ('dmi-to-pci-bridge', 'pcie-to-pci-bridge',
                                                         'pci-bridge', 'pcie-root'))]
        if self.rng.random() < 0.04:
            return self.rng.choice(list(self.buses))
        return self.rng.choice(fits or [0])


def random_iommu(rng, model, tree):
    driver, inside, at = {}, '', ''
    own = {'intel': ('intremap', 'caching_mode', 'eim', 'iotlb', 'dma_translation'),
           'amd': ('intremap', 'iotlb', 'passthrough', 'xtsup'),
           'virtio': (), 'smmuv3': ('accel', 'ats', 'ril', 'cmdqv')}[model]
    for name in own:
        if rng.random() < (0.15 if model == 'smmuv3' else 0.4):
            driver[name] = rng.choice(SWITCH_ODDS)
    if rng.random() < 0.05:
        driver[rng.choice(SWITCHES)] = 'on'
    if model in ('intel', 'virtio') and rng.random() < 0.4:
        driver['aw_bits'] = rng.choice(('39', '48', '48', *WIDTHS))
    if model == 'virtio' and rng.random() < 0.3:
        inside = f'<granule {rng.choice(GRANULES[:7])}/>'
    if model == 'virtio' and rng.random() < 0.4:
        at = tree.place(rng.choice((0, 0, 0, 0, 1)))
    if model == 'smmuv3' and rng.random() < 0.75:
        roots = [bus for bus, kind in tree.buses.items() if kind == 'pcie-expander-bus']
        driver['pciBus'] = rng.choice(roots * 3 + [0, 1, 2])
    for name in ('ssidsize', 'oas'):
        if model == 'smmuv3' and rng.random() < 0.08:
            driver[name] = rng.choice(NUMBERS[name])
    return iommu(model, driver=driver or None, inside=inside, at=at,
                 alias='ua-iommu' if rng.random() < 0.1 else None)


def random_devices(rng, tree):
    seen = set()
    for _ in range(rng.randrange(6)):
        kind = rng.choice(tuple(DEVICES))
        if SINGLE.get(kind, kind) in seen:
            continue
        if kind in SINGLE:
            seen.add(SINGLE[kind])
        at = tree.place(tree.bus_for(kind)) if rng.random() < 0.7 else ''
        driver = " iommu='on'" if kind.startswith('virtio') and rng.random() < 0.4 else ''
        yield device(kind, at, driver)


def random_guest(rng):
    tree = Tree(rng)
    on_arm = rng.random() < 0.4
    buses = pcie(*(tree.grow() for _ in range(rng.randrange(9))))
    devices = list(random_devices(rng, tree))
    models = ('smmuv3', 'smmuv3', 'virtio') if on_arm else ('intel', 'intel', 'amd', 'virtio')
    model = rng.choice(models)
    count = rng.choice((0, 1, 1, 1, 1, 1, 2))
    iommus = [random_iommu(rng, model if rng.random() < 0.9 else
                           rng.choice(('intel', 'amd', 'virtio', 'smmuv3')), tree)
              for _ in range(count)]
    common = {'controllers': buses, 'devices': devices, 'iommus': iommus,
              'usb': not any('usb' in text for text in devices) and rng.random() < 0.4,
              'balloon': rng.random() < 0.6}
    if any("type='usb'" in text for text in devices):
        common['usb'] = True  # its own controller stands for the automatic one
    if on_arm:
        firmware = rng.random() < 0.6
        machine = 'virt' if rng.random() < 0.7 else rng.choice(VIRT)
        return arm(machine=machine, acpi=firmware, firmware=firmware, **common)
    machine = 'q35' if rng.random() < 0.8 else rng.choice(Q35 + OTHER_X86[:2])
    guest = Guest(machine=machine, **common)
    if rng.random() < 0.1:
        guest.vcpus, guest.vcpu_attributes = rng.choice((8, 256, 288)), " current='1'"
    if rng.random() < 0.1:
        guest.features = rng.choice(("<ioapic driver='qemu'/>", "<ioapic driver='kvm'/>"))
    return guest


def systematic():
    for family in FAMILIES:
        for label, guest in family():
            yield f'{family.__name__}: {label}', guest


def all_guests(seed):
    """Two of the families, one random guest, and so on; random guests only when those are used up"""
    known = list(systematic())
    random.Random(seed).shuffle(known)
    numbers = itertools.count()
    for position in itertools.count():
        if position % 3 < 2 and known:
            yield known.pop(0)
        else:
            number = next(numbers)
            yield f'random: {number}', random_guest(random.Random(f'{seed} {number}'))


def generate(size, seed=SEED):
    """(name, label, XML text) of @size domains"""
    for position, (label, guest) in enumerate(itertools.islice(all_guests(seed), size)):
        name = f'o{position:05}-' + re.sub(r'[^A-Za-z0-9]+', '-', label).strip('-')[:48]
        yield name, label, guest.render(name)
