# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's own kernel for the nested host: its package, an initrd that finds the disk, and the
modules that the lab has a use for."""
import glob
import lzma
import os
import shutil
import tarfile

import lab_cache
import lab_cpio
import lab_root
from lab_cache import note

PACKAGES = {'x86': 'linux-image-amd64'}
# before the disk and the shared folder are there, in this order
FIRST = ('virtio_pci', 'virtio_blk', 'ext4', '9pnet_virtio', '9p', 'virtio_console', 'virtio_rng')
LATER = ('e1000', 'e1000e', 'igb', 'igbvf', 'nvme', 'vfio-pci', 'vfio_iommu_type1')
# what the nested host has of its own is left alone: modules come with the shared folder
INIT = '''#!/bin/busybox sh
/bin/busybox mkdir -p /dev /disk
/bin/busybox mount -t devtmpfs dev /dev
for module in /modules/*; do /bin/busybox insmod "$module"; done
for wait in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] || /bin/busybox sleep 0.5; done
/bin/busybox mount -t ext4 /dev/vda /disk
/bin/busybox mount --move /dev /disk/dev
exec /bin/busybox switch_root /disk /lab-init
'''


def slug(path):
    """vfio-pci and vfio_pci are the same module"""
    return os.path.basename(path).partition('.ko')[0].replace('-', '_')


class Modules:
    """Those of a package, by the name of their files below lib/modules/RELEASE"""

    def __init__(self, directory):
        self.directory, self.files, self.needs = directory, {}, {}
        with open(f'{directory}/modules.dep', encoding='utf-8') as file:
            for line in file:
                path, _, needs = line.partition(':')
                self.files[slug(path)] = path
                self.needs[slug(path)] = [slug(need) for need in needs.split()]

    def with_needs(self, names):
        """All that are needed for these, in the order of loading; what is built in is left out"""
        order = []
        for name in map(slug, names):
            # modules.dep has the whole chain, and what comes last has to be loaded first
            for one in [*reversed(self.needs.get(name, [])), name]:
                if one in self.files and one not in order:
                    order.append(one)
        return order

    def read(self, name):
        with open(f'{self.directory}/{self.files[name]}', 'rb') as file:
            content = file.read()
        return lzma.decompress(content) if self.files[name].endswith('.xz') else content


def depmod(root, release):
    lab_root.run([shutil.which('depmod', path='/usr/sbin:/sbin'), '-b', root, release], 'depmod')


def write_initrd(path, modules, busybox):
    with open(busybox, 'rb') as file:
        files = {'init': (INIT.encode(), 0o755), 'bin/busybox': (file.read(), 0o755)}
    for number, name in enumerate(modules.with_needs(FIRST)):
        files[f'modules/{number:02}-{name}.ko'] = (modules.read(name), 0o644)
    with open(path, 'wb') as file:
        file.write(lab_cpio.archive(files))


def write_modules(path, modules, release, stage):
    """A tar.gz with lib/modules, uncompressed, for the nested host's own kmod"""
    home = f'{stage}/lib/modules/{release}'
    for name in modules.with_needs(FIRST + LATER):
        target = f'{home}/kernel/{name}.ko'
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, 'wb') as file:
            file.write(modules.read(name))
    for name in ('modules.builtin', 'modules.order'):
        shutil.copy(f'{modules.directory}/{name}', home)
    depmod(stage, release)
    with tarfile.open(path, 'w:gz') as packed:
        packed.add(f'{stage}/lib', 'lib')


def fetch(path, package):
    root, stage = f'{path}/root', f'{path}/stage'
    note(f'  fetches {package}')
    lab_root.debootstrap(root, [package, 'busybox-static'], variant='extract')
    if not os.path.lexists(f'{root}/lib'):
        os.symlink('usr/lib', f'{root}/lib')
    home = glob.glob(f'{root}/usr/lib/modules/*')[0]
    release = os.path.basename(home)
    depmod(root, release)
    modules = Modules(home)
    image = next(place for place in (f'{home}/vmlinuz', f'{root}/boot/vmlinuz-{release}')
                 if os.path.exists(place))
    shutil.copy(image, f'{path}/vmlinuz')
    write_initrd(f'{path}/initrd', modules, f'{root}/usr/bin/busybox')
    write_modules(f'{path}/modules.tar.gz', modules, release, stage)
    for place in (root, stage):
        shutil.rmtree(place)


def kernel(architecture):
    """The directory with vmlinuz, initrd and modules.tar.gz"""
    if architecture not in PACKAGES:
        raise lab_cache.Unavailable(f'the lab has no stock kernel for {architecture} yet')
    package = PACKAGES[architecture]
    recipe = {'suite': lab_root.SUITE, 'package': package, 'first': FIRST, 'later': LATER,
              'init': INIT, 'version': 1}
    return lab_cache.once(f'stock-{architecture}', recipe, lambda path: fetch(path, package))
