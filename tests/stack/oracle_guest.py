# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest as the oracle builds it: parts that are put together into one domain XML."""
import dataclasses
import xml.sax.saxutils

MEMORY_MIB = 32
FIRMWARE, VARIABLES, DISK = '/mnt/code.fd', '/mnt/vars.fd', '/mnt/disk.raw'
# a domain without a vIOMMU is checked where it says that it wants one
INTENT = "<metadata><viommu:intent xmlns:viommu='urn:virt-viommu:domain:1'/></metadata>"
QEMU_NAMESPACE = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"

# conventional PCI and PCI Express devices that QEMU emulates without help of the host
CONVENTIONAL = {
    'e1000': "<interface type='user'><model type='e1000'/>{}</interface>",
    'rtl8139': "<interface type='user'><model type='rtl8139'/>{}</interface>",
    'ac97': "<sound model='ac97'>{}</sound>",
    'ich6': "<sound model='ich6'>{}</sound>",
    'lsilogic': "<controller type='scsi' index='1' model='lsilogic'>{}</controller>",
    'i6300esb': "<watchdog model='i6300esb' action='none'>{}</watchdog>",
    'ich9': "<sound model='ich9'>{}</sound>",
    'pci-serial': "<serial type='null'><target type='pci-serial' port='1'>"
                  "<model name='pci-serial'/></target>{}</serial>",
    'vga': "<video><model type='vga'/>{}</video>",
    'ahci': "<controller type='sata' index='1'>{}</controller>",
    'piix3-uhci': "<controller type='usb' index='0' model='piix3-uhci'>{}</controller>",
}
EXPRESS = {
    'virtio-net': "<interface type='user'><model type='virtio'/>{}</interface>",
    'virtio-blk': "<disk type='file' device='disk'><driver name='qemu' type='raw'{driver}/>"
                  f"<source file='{DISK}'/><target dev='vda' bus='virtio'/>{{}}</disk>",
    'virtio-scsi': "<controller type='scsi' index='2' model='virtio-scsi'>{}</controller>",
    'virtio-serial': "<controller type='virtio-serial' index='0'>{}</controller>",
    'virtio-rng': "<rng model='virtio'><backend model='random'>/dev/urandom</backend>{}</rng>",
    'virtio-input': "<input type='tablet' bus='virtio'>{}</input>",
    'virtio-9p': "<filesystem type='mount'><driver type='path'{driver}/>"
                 "<source dir='/mnt'/><target dir='share'/>{}</filesystem>",
    'bochs': "<video><model type='bochs'/>{}</video>",
    'virtio-balloon': "<memballoon model='virtio'>{}</memballoon>",
    'e1000e': "<interface type='user'><model type='e1000e'/>{}</interface>",
    'qemu-xhci': "<controller type='usb' index='0' model='qemu-xhci'>{}</controller>",
}
DEVICES = {**CONVENTIONAL, **EXPRESS}
# those that exist once, by what they would clash on
SINGLE = {'virtio-blk': 'vda', 'qemu-xhci': 'usb0', 'piix3-uhci': 'usb0', 'virtio-serial': 'vs0',
          'vga': 'video', 'bochs': 'video', 'ahci': 'sata1', 'virtio-9p': 'share',
          'virtio-balloon': 'balloon', 'pci-serial': 'serial', 'lsilogic': 'scsi1', 'virtio-scsi': 'scsi2', 'i6300esb': 'watchdog'}


def attributes(**values):
    """ a='1' b='2', with a blank before each; None is left out"""
    return ''.join(f" {name}='{value}'" for name, value in values.items() if value is not None)


def address(bus, slot=0, function=0, **more):
    return f"<address type='pci'{attributes(bus=bus, slot=slot, function=function, **more)}/>"


def controller(model, index=None, at='', *, target='', name='', node=None):
    """@at is an <address>; @target is the attributes of <target>"""
    inner = f"<model name='{name}'/>" if name else ''
    if target or node is not None:
        inside = f'<node>{node}</node>' if node is not None else ''
        inner += f'<target{target}>{inside}</target>'
    return f"<controller type='pci'{attributes(index=index, model=model)}>{inner}{at}</controller>"


def iommu(model, *, driver=None, inside='', at='', alias=None):
    """@driver: a dict of attributes; @inside: elements in <driver>; @at: <address>"""
    inner = ''
    if driver is not None or inside:
        inner += f'<driver{attributes(**(driver or {}))}>{inside}</driver>'
    if alias:
        inner += f"<alias name='{alias}'/>"
    return f"<iommu model='{model}'>{inner}{at}</iommu>"


def device(kind, at='', driver=''):
    """@driver: more attributes of its <driver>, as text"""
    text = DEVICES[kind]
    if '{driver}' in text:
        return text.replace('{driver}', driver).replace('{}', at)
    return text.replace('{}', (f'<driver{driver}/>' if driver else '') + at)


def override(alias, **properties):
    """<qemu:override> of one device; each value is (type, text)"""
    lines = ''.join(
        f"<qemu:property name='{name}' type='{kind}'{attributes(value=value)}/>"
        for name, (kind, value) in properties.items())
    return (f"<qemu:override><qemu:device alias='{alias}'><qemu:frontend>{lines}</qemu:frontend>"
            '</qemu:device></qemu:override>')


def commandline(*arguments):
    lines = ''.join(f"<qemu:arg value={xml.sax.saxutils.quoteattr(argument)}/>"
                    for argument in arguments)
    return f'<qemu:commandline>{lines}</qemu:commandline>'


@dataclasses.dataclass
class Guest:
    arch: str = 'x86_64'
    machine: str = 'q35'
    vcpus: int = 1
    vcpu_attributes: str = ''
    memory: str = f"<memory unit='MiB'>{MEMORY_MIB}</memory>"
    cpu: str = ''
    acpi: bool = True
    firmware: bool = False
    features: str = ''
    usb: bool = True      # the USB controller that libvirt adds by itself
    balloon: bool = True  # and its memory balloon
    controllers: list = dataclasses.field(default_factory=list)
    iommus: list = dataclasses.field(default_factory=list)
    devices: list = dataclasses.field(default_factory=list)
    extra: str = ''       # elements of the qemu namespace

    def top(self):
        loader = (f"<loader readonly='yes' type='pflash'>{FIRMWARE}</loader>"
                  f'<nvram>{VARIABLES}</nvram>') if self.firmware else ''
        features = ('<acpi/>' if self.acpi else '') + self.features
        if not self.iommus and 'iommu' not in self.extra:
            yield INTENT
        yield self.memory
        yield f'<vcpu{self.vcpu_attributes}>{self.vcpus}</vcpu>'
        yield f"<os><type arch='{self.arch}' machine='{self.machine}'>hvm</type>{loader}</os>"
        if features:
            yield f'<features>{features}</features>'
        if self.cpu:
            yield self.cpu

    def inside(self):
        yield from self.controllers
        if not self.usb:
            yield "<controller type='usb' model='none'/>"
        yield from self.devices
        yield from self.iommus
        if not self.balloon and not any('<memballoon' in text for text in self.devices):
            yield "<memballoon model='none'/>"

    def render(self, name):
        lines = [f"<domain type='qemu'{' ' + QEMU_NAMESPACE if self.extra else ''}>",
                 f'  <name>{name}</name>']
        lines += [f'  {line}' for line in self.top()]
        lines += ['  <devices>', *(f'    {line}' for line in self.inside()), '  </devices>']
        lines += [f'  {self.extra}'] if self.extra else []
        return '\n'.join([*lines, '</domain>', ''])


def arm(**more):
    """An Arm guest; with ACPI it needs firmware in flash."""
    return Guest(**{'arch': 'aarch64', 'machine': 'virt', 'acpi': False, **more})
