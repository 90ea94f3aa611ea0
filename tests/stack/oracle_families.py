# SPDX-License-Identifier: LGPL-2.1-or-later
"""One fault (or none) at a time: each family varies one thing of a guest that is well otherwise.
Each function yields (what is varied, guest)."""
import itertools

from oracle_guest import (EXPRESS, Guest, address, arm, commandline, controller, device, iommu,
                          override)

SWITCH_VALUES = ('on', 'off', 'yes', '')
SWITCHES = ('intremap', 'caching_mode', 'eim', 'iotlb', 'dma_translation', 'passthrough', 'xtsup',
            'accel', 'ats', 'ril', 'cmdqv')
WIDTHS = ('0', '20', '31', '32', '38', '39', '40', '47', '48', '49', '52', '57', '64', '65', '255',
          '256', '-1', '0x30', ' 48', 'auto', '')
NUMBERS = {'ssidsize': ('0', '1', '16', '20', '21', '99', '-3', 'auto', 'x'),
           'oas': ('auto', '32', '33', '40', '43', '44', '48', '52', '56', '57', '0', '-1', 'x'),
           'pciBus': ('0', '1', '2', '9', '255', '-1', 'x', '')}
GRANULES = ("mode='host'", "mode='guest'", "size='4'", "size='4' unit='KiB'",
            "size='8' unit='KiB'", "size='16' unit='KiB'", "size='64' unit='KiB'",
            "size='4096' unit='b'", "size='2' unit='MiB'", "size='32' unit='KiB'",
            "size='0' unit='KiB'", "size='-4' unit='KiB'", "size='4' unit='pages'",
            "mode='host' size='4' unit='KiB'", '')
MODELS = ('intel', 'amd', 'virtio', 'smmuv3')
X86_MODELS = ('intel', 'amd', 'virtio')
Q35 = ('q35', 'pc-q35-2.12', 'pc-q35-4.2', 'pc-q35-5.2', 'pc-q35-7.2', 'pc-q35-8.2', 'pc-q35-9.1',
       'pc-q35-9.2', 'pc-q35-11.0', 'pc-q35-11.1', 'pc-q35-13.0')
OTHER_X86 = ('pc', 'pc-i440fx-7.2', 'pc-i440fx-8.2', 'microvm')
VIRT = ('virt', 'virt-4.2', 'virt-5.2', 'virt-7.2', 'virt-8.2', 'virt-9.1', 'virt-10.0',
        'virt-11.0', 'virt-11.1', 'virt-13.0')

PXB = {'name': 'pxb-pcie'}


def expander(index, slot, number=None, node=None):
    return controller('pcie-expander-bus', index, address('0', hex(slot)), node=node, **PXB,
                      target=f" busNr='{number}'" if number is not None else '')


def pcie(*more):
    return [controller('pcie-root', 0), *more]


def port(index, bus=0, slot=1, function=0, **more):
    return controller('pcie-root-port', index, address(bus, hex(slot), function, **more))


# ---- vIOMMU attributes

def x86_switches():
    for model, name, value in itertools.product(X86_MODELS, SWITCHES, SWITCH_VALUES):
        # what is wrong for a model is so with any value that can be read
        if value == 'on' or name in ('intremap', 'caching_mode', 'eim', 'xtsup', 'accel'):
            yield f'{model} {name}={value}', Guest(iommus=[iommu(model, driver={name: value})])


def x86_widths():
    for model, value in itertools.product(X86_MODELS, WIDTHS):
        if model != 'amd' or value == '39':
            yield f'{model} aw_bits={value}', Guest(iommus=[iommu(model, driver={'aw_bits': value})])


def x86_combinations():
    for intremap, eim in itertools.product(('on', 'off', None), repeat=2):
        for ioapic in ('', "<ioapic driver='qemu'/>", "<ioapic driver='kvm'/>"):
            yield f'intremap={intremap} eim={eim} {ioapic}', Guest(
                features=ioapic, iommus=[iommu('intel', driver={'intremap': intremap, 'eim': eim})])
    for intremap, xtsup in itertools.product(('on', 'off', None), repeat=2):
        yield f'amd intremap={intremap} xtsup={xtsup}', Guest(
            iommus=[iommu('amd', driver={'intremap': intremap, 'xtsup': xtsup})])
    yield 'all of intel', Guest(iommus=[iommu('intel', driver={
        'intremap': 'on', 'caching_mode': 'on', 'eim': 'on', 'iotlb': 'on', 'aw_bits': '48',
        'dma_translation': 'on'})])
    yield 'no driver', Guest(iommus=[iommu('intel')])
    yield 'unknown attribute', Guest(iommus=[iommu('intel', driver={'caching-mode': 'on'})])
    yield 'unknown model', Guest(iommus=[iommu('vtd')])
    yield 'empty model', Guest(iommus=[iommu('')])


def x86_granules():
    for text in GRANULES:
        inside = f'<granule {text}/>'
        yield f'virtio {text}', Guest(iommus=[iommu('virtio', inside=inside)])
    yield 'intel granule', Guest(iommus=[iommu('intel', inside="<granule mode='host'/>")])


def smmu_guest(driver, *, firmware=True, **more):
    buses = pcie(expander(1, 8, 64), port(2, 1, 0), expander(3, 9, 128), port(4, 3, 0))
    return arm(acpi=firmware, firmware=firmware, controllers=buses,
               iommus=[iommu('smmuv3', driver=driver)], **more)


def smmu_values():
    for name, values in NUMBERS.items():
        for value in values:
            yield f'{name}={value}', smmu_guest({'pciBus': '1', name: value})
            if name != 'pciBus':
                yield f'accel {name}={value}', smmu_guest({'pciBus': '1', 'accel': 'on',
                                                           name: value})
    for name in ('ats', 'ril', 'cmdqv'):
        for value, accel in itertools.product(('on', 'off', 'auto'), ('on', 'off', None)):
            yield f'{name}={value} accel={accel}', smmu_guest({'pciBus': '1', 'accel': accel,
                                                               name: value})
    for value, bus in itertools.product((*SWITCH_VALUES, 'auto'), ('1', None)):
        yield f'accel={value} pciBus={bus}', smmu_guest({'pciBus': bus, 'accel': value})
    for name in ('intremap', 'caching_mode', 'aw_bits', 'iotlb', 'ssidSize'):
        yield f'smmuv3 {name}', smmu_guest({'pciBus': '1', name: '39' if name == 'aw_bits' else 'on'})
    yield 'smmuv3 granule', arm(iommus=[iommu('smmuv3', inside="<granule mode='host'/>")])


def smmu_buses():
    plain = pcie(port(1), port(2, slot=2))
    for bus in ('0', '1', '2', '3', '4', '5', None):
        for firmware in (True, False):
            yield f'pciBus={bus} firmware={firmware}', smmu_guest({'pciBus': bus},
                                                                  firmware=firmware)
    for bus in ('0', '1', '7'):
        yield f'root ports only, pciBus={bus}', arm(
            controllers=plain, iommus=[iommu('smmuv3', driver={'pciBus': bus})])
    for pair in (('1', '3'), ('1', '1'), ('0', '1'), ('0', '0'), (None, '1'), ('1', None),
                 (None, None), ('1', '2'), ('3', '1')):
        guest = smmu_guest({'pciBus': pair[0]})
        guest.iommus.append(iommu('smmuv3', driver={'pciBus': pair[1]}))
        yield f'two vSMMUs {pair}', guest
    for others in (['intel'], ['amd'], ['virtio'], ['virtio', 'virtio']):
        guest = smmu_guest({'pciBus': '1'})
        guest.iommus += [iommu(model) for model in others]
        yield f'smmuv3 and {others}', guest
        guest = smmu_guest({'pciBus': '1'})
        guest.iommus = [iommu(model) for model in others] + guest.iommus
        yield f'{others} and smmuv3', guest
        guest = smmu_guest({})
        guest.iommus += [iommu(model) for model in others]
        yield f'machine-wide smmuv3 and {others}', guest


def two_on_x86():
    for pair in itertools.product(X86_MODELS, repeat=2):
        yield f'{pair}', Guest(iommus=[iommu(model) for model in pair])
    yield 'three', Guest(iommus=[iommu('intel')] * 3)
    yield 'intel and smmuv3', Guest(iommus=[iommu('intel'), iommu('smmuv3')])


# ---- machines

def machines():
    for machine, model in itertools.product(Q35, (*X86_MODELS, None)):
        yield f'{machine} {model}', Guest(machine=machine, iommus=[iommu(model)] if model else [])
    for machine, model in itertools.product(OTHER_X86, (*MODELS, None)):
        if model or machine != 'microvm':
            yield f'{machine} {model}', Guest(machine=machine, usb=machine != 'microvm',
                                              iommus=[iommu(model)] if model else [])
    for machine, bus in itertools.product(VIRT, ('1', None)):
        guest = smmu_guest({'pciBus': bus})
        guest.machine = machine
        yield f'{machine} pciBus={bus}', guest
    for model, firmware in itertools.product(MODELS, (True, False)):
        yield f'virt {model} firmware={firmware}', arm(acpi=firmware, firmware=firmware,
                                                       iommus=[iommu(model)])
    yield 'virt acpi without firmware', arm(acpi=True, iommus=[iommu('smmuv3')])
    yield 'smmuv3 on q35', Guest(iommus=[iommu('smmuv3')])
    for model in X86_MODELS:
        yield f'{model} without acpi', Guest(acpi=False, iommus=[iommu(model)])


def many_vcpus():
    variants = {
        'none': [], 'intel': [iommu('intel')], 'amd': [iommu('amd')], 'virtio': [iommu('virtio')],
        'intel intremap': [iommu('intel', driver={'intremap': 'on'})],
        'intel eim': [iommu('intel', driver={'intremap': 'on', 'eim': 'on'})],
        'intel eim off': [iommu('intel', driver={'intremap': 'on', 'eim': 'off'})],
        'intel intremap off': [iommu('intel', driver={'intremap': 'off'})],
        'intel all off': [iommu('intel', driver={'intremap': 'off', 'eim': 'off'})],
        'amd intremap off': [iommu('amd', driver={'intremap': 'off'})],
        'amd xtsup': [iommu('amd', driver={'intremap': 'on', 'xtsup': 'on'})],
        'amd xtsup off': [iommu('amd', driver={'intremap': 'on', 'xtsup': 'off'})],
        'commandline': [],
    }
    for name, iommus in variants.items():
        for count in (255, 256, 288, 512):
            if count in (256, 512) or name in ('none', 'intel'):
                guest = Guest(vcpus=count, vcpu_attributes=" current='1'", iommus=iommus)
                if name == 'commandline':
                    guest.extra = commandline('-device', 'intel-iommu,eim=on,intremap=on')
                yield f'{count} vcpus {name}', guest
    for name, iommus in variants.items():
        yield f'288 vcpus {name}, ioapic kvm', Guest(
            vcpus=288, vcpu_attributes=" current='1'", iommus=iommus,
            features="<ioapic driver='kvm'/>",
            extra=commandline('-device', 'intel-iommu,eim=on') if name == 'commandline' else '')
    yield '256 on pc', Guest(machine='pc', vcpus=256, vcpu_attributes=" current='1'")
    for count in (4096, 4097, 8192):
        yield f'{count} vcpus', Guest(vcpus=count, vcpu_attributes=" current='1'")
    for count in (512, 513):
        yield f'virt {count} vcpus', arm(vcpus=count, vcpu_attributes=" current='1'")


def memory_sizes():
    def big(gib):
        return (f"<maxMemory slots='4' unit='GiB'>{gib}</maxMemory>"
                "<memory unit='MiB'>32</memory>")
    numa = "<cpu{}><numa><cell id='0' cpus='0' memory='32' unit='MiB'/></numa></cpu>"
    for gib in (1, 400, 600, 1100, 9000):
        for model, width in (('intel', '39'), ('intel', '48'), ('virtio', None), (None, None)):
            driver = {'aw_bits': width} if width else None
            yield f'up to {gib} GiB, {model} {width}', Guest(
                memory=big(gib), cpu=numa.format(''),
                iommus=[iommu(model, driver=driver)] if model else [])
    yield 'up to 600 GiB on virt', arm(memory=big(600), cpu=numa.format(''),
                                       iommus=[iommu('smmuv3')])


# ---- places of the vIOMMU itself

def viommu_addresses():
    places = [address(0, 2), address(0, '0x1e'), address(0, 0), address(0, '0x1f'), address(0, 31, 2),
              address(1, 0), address(5, 0), address(0, 2, 1), address(0, 40), address(0, 2, 9),
              address('0x100', 1), address(0, 2, domain=1), address(0, 2, multifunction='on'),
              "<address type='pci'/>", "<address type='usb' bus='0'/>",
              "<address type='isa'/>", "<address type='none'/>", "<address/>",
              "<address type='virtio-mmio'/>", "<address type='unassigned'/>",
              "<address type='ccw' cssid='0xfe' ssid='0' devno='0x1'/>"]
    buses = pcie(port(1))
    for at in places:
        yield f'virtio at {at}', Guest(controllers=buses, iommus=[iommu('virtio', at=at)])
    for model in ('intel', 'amd'):
        for at in (address(0, 2), address(1, 0), "<address type='pci'/>"):
            yield f'{model} at {at}', Guest(controllers=buses, iommus=[iommu(model, at=at)])
    for at in (address(0, 2), address(1, 0)):
        yield f'smmuv3 at {at}', arm(controllers=buses, iommus=[iommu('smmuv3', at=at)])
        yield f'virtio on virt at {at}', arm(acpi=True, firmware=True, controllers=buses,
                                             iommus=[iommu('virtio', at=at)])
    yield 'virtio on a taken slot', Guest(
        controllers=buses, iommus=[iommu('virtio', at=address(0, 3))],
        devices=[device('virtio-rng', address(0, 3))])
    yield 'virtio beside functions', Guest(
        iommus=[iommu('virtio', at=address(0, 3, 1))],
        devices=[device('virtio-rng', address(0, 3, 0, multifunction='on'))])
    on_expander = pcie(expander(1, 8, 64))
    yield 'virtio on an expander', Guest(controllers=on_expander,
                                         iommus=[iommu('virtio', at=address(1, 0))])


# ---- what goes around libvirt

def by_hand():
    for text in ('intel-iommu', 'intel-iommu,caching-mode=on', 'intel-iommu,x-scalable-mode=on',
                 'intel-iommu,scalable-mode=on', 'intel-iommu,aw-bits=40', 'virtio-iommu-pci',
                 'intel-iommu,intremap=on,eim=on', 'intel-iommu,aw-bits=39,dma-drain=on',
                 'amd-iommu', 'amd-iommu,dma-remap=on', 'amd-iommu,pt=off', 'intel-iommu,pt=on',
                 'virtio-iommu-pci,aw-bits=20', 'virtio-iommu-pci,boot-bypass=off',
                 'virtio-iommu-pci,granule=2k', 'intel-iommu,snoop-control=on',
                 'virtio-iommu-pci,bus=pcie.0,addr=0x10', 'virtio-iommu-pci,bus=pci.1,addr=0',
                 'virtio-iommu-pci,addr=0x10,granule=2k', 'virtio-iommu-pci,addr=0x10,granule=16k',
                 'virtio-iommu-pci,addr=0x10,reserved-regions.0=0x1000:0x1fff:0',
                 '{"driver":"virtio-iommu-pci","addr":"0x10","bus":"pci.1"}',
                 '{"driver":"virtio-iommu-pci","addr":"0x10","reserved-regions":'
                 '["0x1000:0x1fff:0"]}'):
        yield text, Guest(extra=commandline('-device', text))
        if text in ('intel-iommu', 'virtio-iommu-pci', 'amd-iommu'):
            yield f'{text} beside <iommu>', Guest(iommus=[iommu('intel')],
                                                  extra=commandline('-device', text))
    for text in ('intel-iommu.caching-mode=on', 'intel-iommu.pt=on', 'amd-iommu.dma-remap=on',
                 'intel-iommu.aw-bits=40', 'virtio-iommu-pci.aw-bits=20'):
        model = text.split('-')[0]
        yield f'global {text}', Guest(iommus=[iommu(model)], extra=commandline('-global', text))
    properties = (
        {'scalable-mode': ('bool', 'true')},
        {'x-scalable-mode': ('bool', 'true')},
        {'scalable-mode': ('bool', 'true'), 'fsts': ('bool', 'true')},
        {'x-scalable-mode': ('bool', 'true'), 'x-flts': ('bool', 'true')},
        {'fsts': ('bool', 'true')},
        {'pasid-bits': ('unsigned', '20')},
        {'scalable-mode': ('bool', 'true'), 'pasid-bits': ('unsigned', '16')},
        {'scalable-mode': ('bool', 'true'), 'fsts': ('bool', 'true'),
         'pasid-bits': ('unsigned', '20')},
        {'scalable-mode': ('bool', 'true'), 'pasid-bits': ('unsigned', '21')},
        {'scalable-mode': ('bool', 'true'), 'pasid-bits': ('unsigned', '256')},
        {'scalable-mode': ('bool', 'true'), 'fsts': ('bool', 'true'), 'svm': ('bool', 'true'),
         'pasid-bits': ('unsigned', '20')},
        {'svm': ('bool', 'true')},
        {'aw-bits': ('unsigned', '40')},
        {'aw-bits': ('unsigned', '39')},
        {'aw-bits': ('string', '48')},
        {'scalable-mode': ('bool', 'true'), 'fsts': ('bool', 'true'), 'aw-bits': ('unsigned', '39')},
        {'snoop-control': ('bool', 'true')},
        {'scalable-mode': ('string', 'on')},
        {'fs1gp': ('bool', 'false')},
        {'eim': ('string', 'on')},
        {'dma-translation': ('bool', 'false')},
        {'caching-mode': ('remove', None)},
        {'no-such-property': ('bool', 'true')},
    )
    for some in properties:
        for iotlb in ('on', None) if 'svm' in some else (None,):
            yield f'override {some} iotlb={iotlb}', Guest(
                iommus=[iommu('intel', driver={'caching_mode': 'on', 'iotlb': iotlb},
                              alias='ua-iommu')],
                extra=override('ua-iommu', **some))
    fsts = {'scalable-mode': ('bool', 'true'), 'fsts': ('bool', 'true')}
    for alias, name in (('viommu', 'viommu'), ('ua-iommu', 'ua-other'), (None, 'iommu0'),
                        (None, 'iommu1')):
        yield f'alias {alias} overridden as {name}', Guest(iommus=[iommu('intel', alias=alias)],
                                                           extra=override(name, **fsts))
    for some in ({'boot-bypass': ('bool', 'false')}, {'aw-bits': ('unsigned', '20')},
                 {'granule': ('string', '64k')}, {'x-flts': ('bool', 'true')}):
        yield f'virtio override {some}', Guest(iommus=[iommu('virtio', alias='ua-v')],
                                               extra=override('ua-v', **some))
    for some in ({'dma-remap': ('bool', 'true')}, {'xtsup': ('string', 'on')}):
        yield f'amd override {some}', Guest(iommus=[iommu('amd', alias='ua-a')],
                                            extra=override('ua-a', **some))
    for some in ({'stage': ('string', '2')}, {'stage': ('string', 'nested')},
                 {'oas': ('string', '48')}, {'ats': ('string', 'on')}, {'ril': ('string', 'off')}):
        guest = smmu_guest({'pciBus': '1'})
        guest.iommus = [iommu('smmuv3', driver={'pciBus': '1'}, alias='ua-s')]
        guest.extra = override('ua-s', **some)
        yield f'smmuv3 override {some}', guest
    for text in ('arm-smmuv3,primary-bus=pcie.0', 'virtio-iommu-pci',
                 'arm-smmuv3,primary-bus=pcie.0,oas=48'):
        yield f'virt {text}', arm(extra=commandline('-device', text))
        yield f'virt {text} beside smmuv3', arm(iommus=[iommu('smmuv3')],
                                                extra=commandline('-device', text))
    yield 'virt machine iommu', arm(extra=commandline('-machine', 'iommu=smmuv3'))


def by_hand_devices():
    for text in ('amd-iommu,pci-id=nothing', 'amd-iommu,pci-id=net0'):
        yield text, Guest(extra=commandline('-device', text), devices=[device('virtio-net')])
    yield 'amd-iommu with its helper', Guest(extra=commandline(
        '-device', 'AMDVI-PCI,id=helper,addr=0xc', '-device', 'amd-iommu,pci-id=helper'))
    for machine in ('pc', 'q35'):
        for text in ('intel-iommu', 'amd-iommu'):
            yield f'{text} on {machine}', Guest(machine=machine, extra=commandline('-device', text))
    yield 'JSON notation', Guest(extra=commandline('-device', '{"driver":"intel-iommu"}'))
    for bus in ('0', '1'):
        guest = smmu_guest({'pciBus': bus})
        guest.extra = commandline('-machine', 'default-bus-bypass-iommu=on')
        yield f'bypass of the root bus, pciBus={bus}', guest
        guest = smmu_guest({'pciBus': bus})
        guest.controllers[1] = guest.controllers[1].replace(
            '</controller>', "<alias name='ua-pxb'/></controller>")
        guest.extra = override('ua-pxb', bypass_iommu=('bool', 'true'))
        yield f'bypass of an expander, pciBus={bus}', guest
    for name, value in (('stage', '2'), ('stage', '1')):
        guest = smmu_guest({})
        guest.iommus = [iommu('smmuv3', driver={'pciBus': '1', 'accel': 'on'}, alias='ua-s')]
        guest.extra = override('ua-s', **{name: ('string', value)})
        yield f'accel and {name} {value}', guest


def elements():
    for text in ('32 ', '0x20', 'x', ''):
        yield f'memory "{text}"', Guest(memory=f"<memory unit='MiB'>{text}</memory>",
                                        iommus=[iommu('intel')])
    for unit in ('M', 'MB', 'MiB', 'Mib', 'pages'):
        yield f'memory in {unit}', Guest(memory=f"<memory unit='{unit}'>32</memory>",
                                         iommus=[iommu('intel')])
    for text in ("enabled='yes'", "enabled='no'", "enabled='on'", '', "fdgroup='x'",
                 "enabled='no' fdgroup='x'"):
        yield f'<iommufd {text}>', Guest(memory=f"<memory unit='MiB'>32</memory><iommufd {text}/>",
                                         iommus=[iommu('intel')])


def driver_iommu():
    drivers = (" iommu='on'", " iommu='on' ats='on'", " iommu='off'", " ats='on'",
               " iommu='yes'", " iommu='on' packed='on'")
    for kind in ('virtio-net', 'virtio-blk', 'virtio-rng', 'virtio-scsi', 'virtio-serial',
                 'virtio-input'):
        for driver, model in itertools.product(drivers, ('intel', None)):
            if kind == 'virtio-net' or driver == drivers[0]:
                yield f'{kind}{driver} {model}', Guest(
                    devices=[device(kind, driver=driver)], iommus=[iommu(model)] if model else [])
    for model in ('amd', 'virtio'):
        yield f'virtio-net on {model}', Guest(devices=[device('virtio-net', driver=drivers[1])],
                                              iommus=[iommu(model)])
    yield 'virtio-net on virt', arm(devices=[device('virtio-net', driver=drivers[0])],
                                    iommus=[iommu('smmuv3')])
    yield 'iommu on e1000', Guest(devices=[device('e1000', driver=drivers[0])])


def all_kinds():
    for kind in EXPRESS:
        yield kind, Guest(iommus=[iommu('intel')], devices=[device(kind)])
