#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time and memory of check over many domains beside xmllint and virt-xml-validate, in one run, as a
Markdown table.  usage: check.py PROGRAM DIR-OF-DOMAINS [domain.rng]        (see README.md)"""
import glob
import os
import shutil
import subprocess
import sys

from measure import in_turns, peak_kib


def well_formed(path):
    with open(path, 'rb') as xml:
        if b'<domain' not in xml.read(4096):
            return False
    return subprocess.run(['xmllint', '--noout', path], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def main():
    program, directory = os.path.abspath(sys.argv[1]), sys.argv[2]
    schema = sys.argv[3] if len(sys.argv) > 3 else '/usr/share/libvirt/schemas/domain.rng'
    paths = [path for path in sorted(glob.glob(f'{directory}/*.xml'))
             if not os.path.islink(path) and well_formed(path)]
    check = [program, 'check', '--host', 'none', '--libvirt-version', '12.8.0', '--json']
    rows = [('xmllint --noout (parse alone)', ['xmllint', '--noout'] + paths),
            ('virt-viommu check', check + paths)]
    if os.path.exists(schema):
        rows.append(('xmllint --relaxng', ['xmllint', '--noout', '--relaxng', schema] + paths))
    times = in_turns(*(command for _, command in rows))
    print(f'{len(paths)} domains\n')
    print('| | ms | of parsing alone | µs a file | peak MiB |\n|---|---|---|---|---|')
    for (name, command), taken in zip(rows, times):
        print(f'| {name} | {taken * 1e3:.0f} | {taken / times[0]:.2f} | '
              f'{taken / len(paths) * 1e6:.0f} | {peak_kib(command) / 1024:.1f} |')
    if shutil.which('virt-xml-validate'):
        one, ours = in_turns(['virt-xml-validate', paths[0], 'domain'], check + paths[:1])
        print(f'\nOne file: virt-xml-validate {one * 1e3:.1f} ms, check {ours * 1e3:.1f} ms; over '
              f'many files check takes {one / (times[1] / len(paths)):.0f} times less a file.')


main()
