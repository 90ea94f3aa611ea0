#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""host without root: what anybody may read is read, and what is missing says what it takes.
usage: test-host-unprivileged.py PROGRAM SOURCE-ROOT"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import program
import tap
from program import virt_viommu

NOBODY = 65534


def as_nobody(*words):
    """The program as a user who owns nothing; as root by setpriv, else as we are."""
    command = [program.PROGRAM, *words]
    if os.geteuid() == 0:
        if not shutil.which('setpriv'):
            raise tap.Skip('needs setpriv')
        command = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
                   '--bounding-set=-all', '--inh-caps=-all', *command]
        probe = subprocess.run(['setpriv', f'--reuid={NOBODY}', '--clear-groups', program.PROGRAM,
                                '--version'], capture_output=True)
        if probe.returncode != 0:
            raise tap.Skip('the program is out of reach of other users here')
    done = subprocess.run(command, capture_output=True, env=program.environment(), timeout=120,
                          cwd='/')
    return program.Result(done.returncode, done.stdout, done.stderr)


def put(root, path, content, mode=0o444):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as out:
        out.write(content)
    os.chmod(full, mode)


def endpoint():
    """Config space of a PCIe endpoint: header and capability list, 256 bytes."""
    space = bytearray(256)
    space[0x06] = 0x10            # has capabilities
    space[0x34] = 0x40
    space[0x40:0x44] = bytes([0x10, 0x00, 0x02, 0x00])  # PCI Express, endpoint
    return bytes(space)


def tree():
    root = tempfile.mkdtemp(prefix='viommu-tree-')
    os.chmod(root, 0o755)
    device = 'sys/bus/pci/devices/0000:01:00.0'
    for name, content in (('vendor', b'0x8086\n'), ('device', b'0x1592\n'), ('class', b'0x020000\n'),
                          ('resource', b'0x0 0x0 0x0\n' * 7), ('numa_node', b'0\n')):
        put(root, f'{device}/{name}', content)
    # the kernel shows the first 64 bytes to anybody, and the rest to root
    put(root, f'{device}/config', endpoint(), 0o400)
    put(root, 'sys/firmware/acpi/tables/IORT', b'IORT', 0o400)
    put(root, 'proc/sys/kernel/osrelease', b'7.2.13\n')
    put(root, 'var/cache/libvirt/qemu/capabilities/x.xml', b'<a/>', 0o400)
    os.chmod(os.path.join(root, 'var/cache/libvirt/qemu/capabilities'), 0o700)
    return root


def test_the_live_host():
    done = as_nobody('host', '--json')
    tap.equal(done.code, 0, done)
    facts = json.loads(done.out)
    tap.true(facts['kernel']['release'], 'what anybody may read')
    for path, reason in facts.get('unknown', {}).items():
        tap.true(len(reason) > 8, f'{path}: {reason!r}')
    text = as_nobody('host')
    tap.equal(text.code, 0, text)


def test_what_takes_root_says_so():
    root = tree()
    try:
        done = as_nobody('host', '--sysroot', root, '--json')
        tap.equal(done.code, 0, done)
        facts = json.loads(done.out)
        device = facts['devices'][0]
        tap.equal((device['vendor'], device['class']), ('0x8086', '0x020000'), 'world-readable facts')
        tap.true('pcie' not in device, 'config space was not read')
        reasons = {path: reason for path, reason in facts['unknown'].items()
                   if 'root' in reason}
        tap.true(any(path.startswith('devices/0000:01:00.0') for path in reasons), facts['unknown'])
        tap.true('versions/qemu' in reasons, facts['unknown'])
        if os.geteuid() == 0:
            again = json.loads(virt_viommu('host', '--sysroot', root, '--json').out)
            tap.equal(again['devices'][0]['pcie']['type'], 'endpoint', 'root reads it')
    finally:
        shutil.rmtree(root)


def test_a_probe_is_refused():
    done = as_nobody('host', '--probe')
    tap.equal(done.code, 2, done)
    tap.true(done.err, 'the reason')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
