# SPDX-License-Identifier: LGPL-2.1-or-later
"""The x86 host: q35 with an emulated VT-d, and devices to assign.

| address      | device                                | group      |
| 01:00.0      | e1000e                                | alone      |
| 02:00.0      | igb, with virtual functions           | alone      |
| 03:00.0      | NVMe                                  | alone      |
| 04:00.0      | virtio-net with ATS                   | alone      |
| 06:01.0, .02 | e1000, behind a PCIe-to-PCI bridge    | with it    |
| 07:00.0, .1  | e1000e, two functions without ACS     | together   |
| 09:00.0      | NVMe                                  | alone      |
"""
import lab_root

NAME = 'x86'
PACKAGES = ('kmod', 'pciutils', 'iproute2', 'procps', 'udev', 'busybox-static', 'qemu-utils',
            'libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-daemon-log',
            'libvirt-daemon-lock', 'libvirt-clients', 'qemu-system-x86')
TOOL_PACKAGES = ('qemu-system-x86',)
VARIANT = 'minbase'
COMPILER = 'gcc'
ADDRESSES = {'probed': ('0000:01:00.0',),  # one behind each unit
             'nic': '0000:01:00.0', 'parent': '0000:02:00.0', 'disk': '0000:03:00.0',
             'shared': ('0000:07:00.0', '0000:07:00.1'), 'bridged': ('0000:06:01.0', '0000:06:02.0'),
             'virtual_functions': ('0000:02:10.0', '0000:02:10.2'), 'disk2': '0000:09:00.0'}
# what the host's unit is: QEMU's properties beside the common ones, and the kernel's command line
PROFILES = {
    'shadow': ('', ''),
    # stage 1 for the host's own mappings: 47 bits of IOVA
    'first-stage': (',fsts=on,pasid-bits=20,svm=on', ''),
    # ECAP.NEST and SSTS forced by the kernel's patch: control paths only, no nested DMA
    'nested': (',fsts=on,pasid-bits=20,svm=on', 'lab_dmar_caps=0,0x400004000000,0,0'),
}
PORTS = 7


def settle(root):
    """changes nothing"""


def devices():
    for number in range(1, PORTS + 2):
        slot, function = (0x10, number - 1) if number <= 7 else (0x11, 0)
        multi = ',multifunction=on' if (slot, function) == (0x10, 0) else ''
        yield f'pcie-root-port,id=rp{number},chassis={number},slot={number},bus=pcie.0,' \
              f'addr={slot:x}.{function}{multi}'
    yield 'e1000e,bus=rp1,mac=52:54:00:00:01:01'
    yield 'igb,bus=rp2,mac=52:54:00:00:02:01'
    yield 'nvme,bus=rp3,serial=nv0,drive=nd0'
    yield 'virtio-net-pci,bus=rp4,iommu_platform=on,ats=on,disable-legacy=on,mac=52:54:00:00:04:01'
    yield 'pcie-pci-bridge,id=ppb,bus=rp5'
    yield 'e1000,bus=ppb,addr=1,mac=52:54:00:00:05:01'
    yield 'e1000,bus=ppb,addr=2,mac=52:54:00:00:05:02'
    yield 'e1000e,bus=rp6,addr=0.0,multifunction=on,mac=52:54:00:00:06:01'
    yield 'e1000e,bus=rp6,addr=0.1,mac=52:54:00:00:06:02'
    yield 'nvme,bus=rp8,serial=nv1,drive=nd1'
    yield 'edu,bus=pcie.0,addr=1a'


def command(tools, disk, kernel, image, profile, memory=2048):
    """directory → QEMU's command line"""
    unit, arguments = PROFILES[profile]
    share = f'{tools}/usr/share'

    def line(directory):
        parts = [*lab_root.program(tools, 'qemu-system-x86_64'),
                 '-L', f'{share}/qemu', '-L', f'{share}/seabios',
                 '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
                 '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'Skylake-Server', '-smp', '2',
                 '-m', str(memory), '-machine',
                 'q35,kernel-irqchip=split,hpet=off,smm=off,usb=off,vmport=off',
                 '-kernel', image,
                 '-append', 'console=ttyS0 panic=-1 root=/dev/vda rootfstype=ext4 rw quiet '
                 f'init=/lab-init no_timer_check intel_iommu=on,sm_on loglevel=4 {arguments}'.strip(),
                 '-drive', f'file={disk},format=raw,if=none,id=disk,snapshot=on',
                 '-device', 'virtio-blk-pci,drive=disk,bus=pcie.0,addr=2',
                 '-virtfs', f'local,path={directory}/share,mount_tag=lab,security_model=none',
                 '-chardev', f'socket,id=line,path={directory}/line,server=on,wait=off',
                 '-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=line,name=lab',
                 '-object', 'rng-random,id=rng,filename=/dev/urandom',
                 '-device', 'virtio-rng-pci,rng=rng',
                 '-drive', f'file={directory}/nd0,format=raw,if=none,id=nd0',
                 '-drive', f'file={directory}/nd1,format=raw,if=none,id=nd1',
                 '-device', 'intel-iommu,intremap=on,caching-mode=on,scalable-mode=on,'
                 f'device-iotlb=on{unit}']
        if kernel.initrd:
            parts += ['-initrd', kernel.initrd]
        for device in devices():
            parts += ['-device', device]
        return parts

    return line


def prepare(lab):
    """Nothing is needed beyond what is given"""
