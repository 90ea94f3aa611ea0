# SPDX-License-Identifier: LGPL-2.1-or-later
"""A planned domain as a real stack can take it here: without KVM, without host devices, small."""
import re
import xml.etree.ElementTree as ET

import oracle_guest

MEMORY_MIB = 64
QEMU = 'http://libvirt.org/schemas/domain/qemu/1.0'
# what libvirt spells in its own way, or counts in its own units
REWRITTEN = {'memory', 'currentMemory', 'maxMemory', 'hard_limit', 'metadata', 'uuid', 'name', 'os', 'cpu', 'vcpu',
             'emulator', 'numatune', 'memtune', 'memoryBacking', 'description', 'title'}


def define_text(text, name, arch):
    """The planned domain itself, of a type and with firmware that every machine has."""
    text = re.sub(r'<name>[^<]*</name>', f'<name>{name}</name>', text, count=1)
    text = re.sub(r'<uuid>[^<]*</uuid>', '', text)
    text = re.sub(r"(<domain[^>]*?)type=(['\"])kvm\2", r"\1type='qemu'", text, count=1)
    text = re.sub(r'<emulator>[^<]*</emulator>', f'<emulator>/usr/bin/qemu-system-{arch}</emulator>', text)
    text = re.sub(r"<cpu mode=(['\"])host-passthrough\1", "<cpu mode='maximum'", text)
    loader = (f"<loader readonly='yes' type='pflash'>{oracle_guest.FIRMWARE}</loader>"
              f'<nvram>{oracle_guest.VARIABLES}</nvram>')
    text = re.sub(r'<loader.*?</loader>|<nvram.*?</nvram>|<nvram[^>]*/>', '', text, flags=re.S)
    if re.search(r"<os firmware=(['\"])efi\1>", text):
        text = re.sub(r"<os firmware=(['\"])efi\1>", '<os>', text)
        # the files of the oracle are as large as Arm's flash
        text = re.sub(r'(<type [^>]*>hvm</type>)', r'\1' + loader if arch == 'aarch64' else r'\1', text)
    if arch == 'aarch64' and '<gic' not in text:
        # what KVM's host would give; under TCG libvirt takes the oldest
        if '<features>' not in text:
            text = text.replace('<devices>', '<features></features><devices>', 1)
        text = re.sub(r'(<features>)', r"\1<gic version='3'/>", text)
    return text


def host_text(text, kvm):
    """A definition that libvirt keeps, as check would meet it on its host"""
    return re.sub(r"(<domain[^>]*?)type=(['\"])qemu\2", r"\1type='kvm'", text, count=1) if kvm else text


# --- starting it ---

def replace_hostdev(hostdev):
    """An emulated endpoint that PCI Express has, at the same place, behind the same port"""
    hostdev.tag, kept = 'interface', [e for e in hostdev if e.tag in ('address', 'alias')]
    hostdev.attrib.clear()
    for child in list(hostdev):
        hostdev.remove(child)
    hostdev.set('type', 'user')
    ET.SubElement(hostdev, 'model', {'type': 'e1000e'})
    hostdev.extend(kept)


def soften_iommu(iommu):
    """An accelerated SMMUv3 needs KVM; an emulated one over the same bus does not."""
    driver = iommu.find('driver')
    if iommu.get('model') == 'smmuv3' and driver is not None:
        for name in ('accel', 'ats', 'ril', 'ssidsize', 'oas', 'cmdqv'):
            driver.attrib.pop(name, None)


def shrink(root):
    for name in ('memory', 'currentMemory', 'maxMemory', 'memtune', 'memoryBacking', 'numatune', 'metadata'):
        for element in root.findall(name):
            root.remove(element)
    memory = ET.Element('memory', {'unit': 'MiB'})
    memory.text = str(MEMORY_MIB)
    root.insert(1, memory)
    for cell in root.findall('cpu/numa/cell'):
        cell.set('memory', str(MEMORY_MIB // len(root.findall('cpu/numa/cell'))))
        cell.set('unit', 'MiB')
    vcpu = root.find('vcpu')
    if vcpu is not None:
        vcpu.set('current', '1')


def start_text(text):
    """The same buses and vIOMMU with emulated devices in the place of those of the host"""
    ET.register_namespace('qemu', QEMU)
    root = ET.fromstring(text)
    shrink(root)
    for element in root.findall('iommufd'):
        root.remove(element)
    devices = root.find('devices')
    for hostdev in devices.findall('hostdev'):
        if hostdev.get('type') == 'mdev' or hostdev.find('address') is None:
            devices.remove(hostdev)
        else:
            replace_hostdev(hostdev)
    for interface in devices.findall('interface'):
        if interface.get('type') in ('network', 'bridge', 'hostdev'):
            interface.set('type', 'user')
            for source in interface.findall('source'):
                interface.remove(source)
    for disk in devices.findall('disk'):
        for child in disk.findall('source') + disk.findall('driver'):
            disk.remove(child)
        disk.set('type', 'file')
        ET.SubElement(disk, 'source', {'file': oracle_guest.DISK})
        ET.SubElement(disk, 'driver', {'name': 'qemu', 'type': 'raw'})
    for override in root.findall(f'{{{QEMU}}}override'):
        ours = {alias.get('name') for element in devices.findall('iommu') + devices.findall('controller')
                for alias in element.findall('alias')}
        for device in [device for device in override if device.get('alias') not in ours]:
            override.remove(device)
    for iommu in devices.findall('iommu'):
        soften_iommu(iommu)
    return ET.tostring(root, encoding='unicode')


# --- what libvirt kept ---

def same(name, mine, theirs):
    if theirs is None:
        return False
    if mine == theirs:
        return True
    try:
        return int(mine, 0) == int(theirs, 0)
    except ValueError:
        # "q35" becomes "pc-q35-11.1"
        return name == 'machine'


def is_empty(element):
    """Nothing that could be kept: libvirt drops aliases that are not the user's own, and takes zeros
    for no address, whatever the function."""
    if element.tag == 'address' and element.get('type') == 'pci' and not any(
            int(element.get(name, '0'), 0) for name in ('bus', 'slot')):
        return True
    if element.tag == 'alias' and not element.get('name', '').startswith('ua-'):
        return True
    return not element.attrib and not len(element) and not (element.text or '').strip()


def holds(theirs, mine):
    """Whether that element has every attribute and every child of ours"""
    if theirs.tag != mine.tag or not all(same(name, value, theirs.get(name)) for name, value in mine.attrib.items()):
        return False
    if (mine.text or '').strip() and (mine.text or '').strip() != (theirs.text or '').strip():
        return False
    return all(any(holds(child, wanted) for child in theirs) for wanted in mine if not is_empty(wanted))


def describe(element):
    text = ET.tostring(element, encoding='unicode')
    return re.sub(r'\s+', ' ', text)[:300]


def lost(planned, kept):
    """Elements that we wrote and libvirt has not, or not with every attribute"""
    planned, kept = ET.fromstring(planned), ET.fromstring(kept)
    missing = []
    for mine in planned:
        if mine.tag in REWRITTEN:
            continue
        there = kept.findall(mine.tag)
        if mine.tag not in ('devices', 'features'):
            missing += [] if any(holds(theirs, mine) for theirs in there) else [describe(mine)]
            continue
        children = [child for theirs in there for child in theirs]
        missing += [describe(child) for child in mine
                    if child.tag not in REWRITTEN and not any(holds(theirs, child) for theirs in children)]
    return missing
