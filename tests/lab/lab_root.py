# SPDX-License-Identifier: LGPL-2.1-or-later
"""Roots of Debian packages: the tools that run the lab, and the disk of its host."""
import os
import shutil
import subprocess

import lab_cache
from lab_cache import Unavailable, note

SUITE = 'forky'
IMAGE_MEBIBYTES = 1200
DEBIAN_NAMES = {'x86': 'amd64', 'arm64': 'arm64'}

# the first process of the nested host: everything else comes from the run's shared folder
FIRST = '''#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 lab /lab && exec /lab/init
echo "LAB no shared folder"
exec sleep infinity
'''


def mirror():
    """The first Debian mirror that apt is configured for"""
    try:
        listing = subprocess.run(
            ['apt-get', 'indextargets', '--no-release-info', '--format',
             '$(REPO_URI) $(COMPONENT)', 'Created-By: Packages'],
            capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable(f'apt-get: {error}') from error
    for line in listing.splitlines():
        address, _, component = line.partition(' ')
        if component == 'main' and address.rstrip('/').endswith('/debian'):
            return address
    raise Unavailable('apt knows no Debian mirror')


def run(command, what, **options):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          **options)
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or 'no word').splitlines()
        raise Unavailable(f'{what}: {" / ".join(lines[-3:])}')
    return done.stdout


def debootstrap(target, packages, architecture='amd64', variant='minbase', suite=SUITE):
    """A root of packages; the variant "extract" runs nothing of them, so any architecture will do"""
    if not shutil.which('mmdebstrap'):
        raise Unavailable('roots are made with mmdebstrap')
    if os.getuid() != 0:
        raise Unavailable('making a root takes root (using it does not)')
    run(['mmdebstrap', '--quiet', '--mode=root', f'--variant={variant}',
         f'--architectures={architecture}', '--aptopt=Acquire::Check-Valid-Until "false"',
         '--aptopt=Apt::Install-Recommends "false"', f'--include={",".join(packages)}',
         suite, target, mirror()], f'mmdebstrap {suite}')


def tools(packages):
    """A root with the QEMU that plays the host's hardware, of this machine's architecture"""
    recipe = {'suite': SUITE, 'packages': sorted(packages), 'version': 1}
    return lab_cache.once('tools', recipe, lambda path: debootstrap(f'{path}/root',
                                                                      packages)) + '/root'


def program(root, *command):
    """The command line of a program of that root, by its own loader and libraries: needs neither
    chroot nor root."""
    libraries = f'{root}/usr/lib/{os.uname().machine}-linux-gnu'
    return [f'{root}/usr/lib64/ld-linux-x86-64.so.2', '--library-path',
            f'{libraries}:{libraries}/pulseaudio', f'{root}/usr/bin/{command[0]}', *command[1:]]


def image(architecture, packages, variant, settle):
    """The nested host's disk. settle(root) changes what the packages left."""
    recipe = {'suite': SUITE, 'packages': sorted(packages), 'architecture': architecture,
              'variant': variant, 'first': FIRST, 'settle': settle.__doc__, 'version': 2}

    def make(path):
        root = f'{path}/root'
        debootstrap(root, packages, DEBIAN_NAMES[architecture], variant)
        for name in ('usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/lib/apt/lists',
                     'var/cache/apt'):
            shutil.rmtree(f'{root}/{name}', ignore_errors=True)
        os.makedirs(f'{root}/lab', exist_ok=True)
        with open(f'{root}/lab-init', 'w', encoding='utf-8') as file:
            file.write(FIRST)
        os.chmod(f'{root}/lab-init', 0o755)
        settle(root)
        note('  writes the disk')
        run(['mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-m0', '-d', root,
             f'{path}/disk.img', f'{IMAGE_MEBIBYTES}M'], 'mke2fs')
        shutil.rmtree(root)

    return lab_cache.once(f'disk-{architecture}', recipe, make) + '/disk.img'
