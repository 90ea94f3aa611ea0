# SPDX-License-Identifier: LGPL-2.1-or-later
"""The nested host's kernel: one that is given ready, or built here from Debian's linux-source.

A folder of kernels holds, for x86, vmlinuz-* and modules-*.tar.gz, and, for arm64, Image-* or
Image-*.gz."""
import dataclasses
import glob
import gzip
import os
import shutil
import tarfile

import lab_cache
import lab_root
import lab_stock
from lab_cache import Unavailable, note

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE_PACKAGE = 'linux-source-7.2'
# what takes hours to compile and the lab has no use for
UNWANTED = ('DRM', 'SOUND', 'USB_SUPPORT', 'MEDIA_SUPPORT', 'WLAN', 'WIRELESS', 'BT', 'NFS_FS',
            'NETFILTER', 'MD', 'SCSI', 'ATA', 'HID_SUPPORT', 'AGP', 'PCCARD', 'SECURITY',
            'AUDIT', 'DEBUG_INFO_BTF', 'FTRACE')
TOOLS = ('make', 'flex', 'bison', 'bc', 'patch', 'xz', 'depmod')


@dataclasses.dataclass
class Kernel:
    image: str
    modules: str = ''       # a tar.gz that is unpacked at /
    initrd: str = ''
    iommufd: bool = True


def newest(directory, *patterns):
    for pattern in patterns:
        found = sorted(glob.glob(os.path.join(directory, pattern)))
        if found:
            return found[-1]
    return ''


def given(directory, architecture):
    """The ready kernel of that folder, or of its subfolder named after the architecture"""
    for place in (os.path.join(directory, architecture), directory):
        patterns = ('vmlinuz-*', 'vmlinuz') if architecture == 'x86' else ('Image-*', 'Image')
        image = newest(place, *patterns)
        if image:
            return Kernel(image, newest(place, 'modules-*.tar.gz', 'modules.tar.gz'))
    raise Unavailable(f'no kernel for {architecture} in {directory}')


def unpacked(kernel, directory):
    """The kernel as QEMU can hand it to firmware: never compressed"""
    if not kernel.image.endswith('.gz'):
        return kernel.image
    path = os.path.join(directory, 'kernel')
    with gzip.open(kernel.image, 'rb') as packed, open(path, 'wb') as image:
        shutil.copyfileobj(packed, image)
    return path


def fetch_source(directory):
    """Debian's source of the kernel, unpacked; its directory"""
    note(f'  fetches {SOURCE_PACKAGE}')
    root = f'{directory}/source'
    lab_root.debootstrap(root, [SOURCE_PACKAGE], variant='extract')
    packed = newest(f'{root}/usr/src', 'linux-source-*.tar.xz')
    lab_root.run(['tar', '-x', '-C', directory, '-f', packed], 'tar')
    shutil.rmtree(root)
    return newest(directory, 'linux-source-*')


def configure(source, architecture, make):
    """The default configuration without what nobody needs, with what the lab needs"""
    make('x86_64_defconfig' if architecture == 'x86' else 'defconfig')
    config = f'{source}/.config'
    if architecture == 'arm64':  # no initrd with modules: all that stays is built in
        make('virt.config')
        with open(config, encoding='utf-8') as file:
            lines = [line for line in file if not line.endswith('=m\n')]
        with open(config, 'w', encoding='utf-8') as file:
            file.writelines(lines)
    for name in UNWANTED:
        lab_root.run(['scripts/config', '-d', name], 'scripts/config', cwd=source)
    lab_root.run(['scripts/kconfig/merge_config.sh', '-m', '.config',
                  f'{HERE}/kernel-{architecture}.config'], 'merge_config.sh', cwd=source)
    make('olddefconfig')
    check_configuration(config, architecture)


def check_configuration(config, architecture):
    with open(config, encoding='utf-8') as file:
        got = set(file.read().splitlines())
    with open(f'{HERE}/kernel-{architecture}.config', encoding='utf-8') as file:
        missing = [line for line in file.read().splitlines()
                   if '=' in line and not line.endswith('=n') and line not in got]
    if missing:
        note(f'  did not survive olddefconfig: {" ".join(missing)}')


def build(architecture, path):
    """Compiles into @path: kernel image, modules, configuration"""
    for tool in TOOLS:
        if not shutil.which(tool, path=f'{os.environ["PATH"]}:/usr/sbin:/sbin'):
            raise Unavailable(f'building a kernel needs {tool} (and libelf-dev, libssl-dev); '
                              'or name a folder with a ready one')
    source = fetch_source(path)
    extra = [] if architecture == 'x86' else ['ARCH=arm64', 'CROSS_COMPILE=aarch64-linux-gnu-']
    jobs = f'-j{os.environ.get("JOBS") or os.cpu_count()}'

    def make(*targets):
        lab_root.run(['make', '-s', jobs, *extra, *targets], f'make {targets[0]}', cwd=source)

    if architecture == 'x86':
        lab_root.run(['patch', '-p1', '-i', f'{HERE}/kernel-x86.patch'], 'patch', cwd=source)
    configure(source, architecture, make)
    note('  compiles (10 to 30 minutes)')
    if architecture == 'x86':
        make('bzImage', 'modules')
        shutil.copy(f'{source}/arch/x86/boot/bzImage', f'{path}/vmlinuz')
        make(f'INSTALL_MOD_PATH={path}/installed', 'INSTALL_MOD_STRIP=1', 'modules_install')
        with tarfile.open(f'{path}/modules.tar.gz', 'w:gz') as packed:
            packed.add(f'{path}/installed/lib', 'lib', filter=without_links)
    else:
        make('Image')
        shutil.copy(f'{source}/arch/arm64/boot/Image', f'{path}/Image')
    shutil.copy(f'{source}/.config', f'{path}/config')
    shutil.rmtree(source)
    shutil.rmtree(f'{path}/installed', ignore_errors=True)


def without_links(member):
    return None if member.issym() else member


def built(architecture, wanted):
    texts = {}
    for name in (f'kernel-{architecture}.config', f'kernel-{architecture}.patch'):
        if os.path.exists(f'{HERE}/{name}'):
            with open(f'{HERE}/{name}', encoding='utf-8') as file:
                texts[name] = file.read()
    recipe = {'source': SOURCE_PACKAGE, 'suite': lab_root.SUITE, 'unwanted': UNWANTED, **texts}
    path = lab_cache.once(f'kernel-{architecture}', recipe,
                          lambda path: build(architecture, path), wanted)
    return given(path, architecture)


def stock(architecture):
    """Debian's own, without iommufd"""
    path = lab_stock.kernel(architecture)
    return Kernel(f'{path}/vmlinuz', f'{path}/modules.tar.gz', f'{path}/initrd', iommufd=False)


def choose(architecture, directory, wanted):
    """The kernel with iommufd: the given one, else the one that is or can be built here"""
    return given(directory, architecture) if directory else built(architecture, wanted)
