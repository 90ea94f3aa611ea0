# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-viommu and its libraries as the nested host needs them"""
import os
import re
import shutil
import subprocess

import lab_cache
import lab_root
from lab_cache import Unavailable, note

SYSROOT_PACKAGES = ('libc6-dev', 'libgcc-12-dev', 'libglib2.0-dev', 'libjson-c-dev', 'libudev-dev',
                    'libxml2-dev', 'zlib1g-dev')
SYSROOT_SUITE = 'bookworm'  # whose C library is not newer than that of the nested host
OWN = ('libc.so', 'libm.so', 'ld-linux', 'libpthread.so')  # the nested host's own are taken
CROSS = '''[binaries]
c = ['aarch64-linux-gnu-gcc', '--sysroot={root}']
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
[properties]
sys_root = '{root}'
pkg_config_libdir = '{root}/usr/lib/aarch64-linux-gnu/pkgconfig:{root}/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
'''


def sysroot():
    recipe = {'suite': SYSROOT_SUITE, 'packages': SYSROOT_PACKAGES}
    return lab_cache.once('sysroot-arm64', recipe, lambda path: lab_root.debootstrap(
        f'{path}/root', SYSROOT_PACKAGES, 'arm64', 'extract', SYSROOT_SUITE)) + '/root'


def cross_build(source):
    """A build for arm64 below build/; its directory and the root with its libraries"""
    root, build = sysroot(), f'{source}/build/arm64'
    text, written = CROSS.format(root=root), ''
    if os.path.exists(f'{build}.cross') and os.path.exists(f'{build}/build.ninja'):
        with open(f'{build}.cross', encoding='utf-8') as file:
            written = file.read()
    if written != text:  # not set up, or against the libraries of another cache
        shutil.rmtree(build, ignore_errors=True)
        os.makedirs(build)
        with open(f'{build}.cross', 'w', encoding='utf-8') as file:
            file.write(text)
        lab_root.run(['meson', 'setup', build, source, '--cross-file', f'{build}.cross'], 'meson')
    note('compiles for arm64')
    lab_root.run(['ninja', '-C', build, f'-j{os.environ.get("JOBS") or os.cpu_count()}',
                  'cli/virt-viommu', 'hooks/50-viommu'], 'ninja')
    return build, root


def own_libraries(build):
    """{name: path} of the libraries of this machine that the program uses"""
    listing = subprocess.run(['ldd', f'{build}/cli/virt-viommu'], check=True, capture_output=True,
                             text=True).stdout
    found = dict(re.findall(r'^\s*(\S+) => (/\S+)', listing, re.M))
    return {name: os.path.realpath(path) for name, path in found.items()}


def needed(path):
    text = subprocess.run(['readelf', '-d', path], check=True, capture_output=True, text=True).stdout
    return re.findall(r'NEEDED.*\[(.*)\]', text)


def foreign_libraries(build, root):
    """The same where the program cannot be run here"""
    places = [f'{build}/plugin/lib', f'{root}/usr/lib/aarch64-linux-gnu',
              f'{root}/lib/aarch64-linux-gnu']
    found, work = {}, [f'{build}/cli/virt-viommu']
    while work:
        for name in needed(work.pop()):
            if name in found or name.startswith(OWN):
                continue
            path = next((f'{place}/{name}' for place in places
                         if os.path.exists(f'{place}/{name}')), None)
            if not path:
                raise Unavailable(f'no {name} for the program')
            found[name] = os.path.realpath(path)
            work.append(found[name])
    return found


def files(host, build, source):
    """{path in the shared folder: file or folder here}"""
    if host == 'x86':
        libraries = own_libraries(build)
    else:
        build, root = cross_build(source)
        libraries = foreign_libraries(build, root)
    return {'bin/virt-viommu': f'{build}/cli/virt-viommu',
            'bin/50-viommu': f'{build}/hooks/50-viommu', 'bin/profiles': f'{source}/policy/profiles',
            **{f'bin/lib/{name}': path for name, path in libraries.items()
               if not name.startswith(OWN)}}
