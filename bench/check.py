#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time and memory of check over many domains beside xmllint and virt-xml-validate, in one run, as
Markdown tables.  usage: check.py PROGRAM LIBVIRT-SOURCE [domain.rng]        (see README.md)"""
import os
import shutil
import statistics
import sys
import tempfile

import domains
from measure import both_in_turns, in_turns, peak_kib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, '../tests/stack'))
import corpus  # noqa: E402  (the same files as those of dev/test's step)

GENERATED = 10000
VALIDATED = 20  # virt-xml-validate is slow


def table(title, program, options, paths, schema):
    check = [program, 'check', *options]
    rows = [('xmllint --noout (parse alone)', ['xmllint', '--noout']),
            ('virt-viommu check', check),
            ('virt-viommu check --format json', check + ['--format', 'json']),
            ('virt-viommu check --format sarif', check + ['--format', 'sarif'])]
    if os.path.exists(schema):
        rows.append(('xmllint --relaxng', ['xmllint', '--noout', '--relaxng', schema]))
    times = both_in_turns(*(command + paths for _, command in rows))
    print(f'\n| {len(paths)} {title} | µs a file | of parsing | processor µs | of parsing '
          '| peak MiB: 1000 files | all |\n|---|---|---|---|---|---|---|')
    for (name, command), both in zip(rows, times):
        wall, busy = (taken / len(paths) * 1e6 for taken in both)
        few, all_of_them = (peak_kib(command + some) / 1024 for some in (paths[:1000], paths))
        print(f'| {name} | {wall:.0f} | {both[0] / times[0][0]:.2f} | {busy:.0f} | '
              f'{both[1] / times[0][1]:.2f} | {few:.1f} | {all_of_them:.1f} |', flush=True)
    if shutil.which('virt-xml-validate'):
        some = paths[::len(paths) // VALIDATED]
        one = statistics.median(in_turns(*(['virt-xml-validate', path, 'domain'] for path in some),
                                         rounds=3))
        print(f'\nvirt-xml-validate: {one * 1e3:.1f} ms for one file, '
              f'{one / (times[1][0] / len(paths)):.0f} times what check takes for each of many.')


def main():
    program, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    schema = sys.argv[3] if len(sys.argv) > 3 else '/usr/share/libvirt/schemas/domain.rng'
    table("domains of libvirt's tests", program,
          ['--host', 'none', '--libvirt-version', '12.8.0'], corpus.domains(source), schema)
    with tempfile.TemporaryDirectory() as work:
        table('generated domains', program, ['--host', f'{HERE}/../examples/hosts/xeon.json'],
              domains.write(GENERATED, work), schema)


main()
