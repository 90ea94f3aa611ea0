#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time and memory of reading a host beside the floor, in one run, as a Markdown table.
usage: host.py PROGRAM [COUNT...]        (see README.md)"""
import os
import shutil
import subprocess
import sys
import tempfile

from measure import in_turns, peak_kib

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    program = os.path.abspath(sys.argv[1])
    counts = [int(word) for word in sys.argv[2:]] or [256, 1024, 4096, 16384]
    work = tempfile.mkdtemp(prefix='viommu-bench-')
    try:
        floor = f'{work}/floor'
        subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', '-o', floor, f'{HERE}/floor.c'], check=True)
        none = [program, 'check', '--host', 'none', f'{HERE}/empty.xml']
        start = peak_kib(none)
        print('| functions | floor ms | host ms | host / floor | µs a function | KiB a function |')
        print('|---|---|---|---|---|---|')
        for count in counts:
            tree = f'{work}/{count}'
            subprocess.run([sys.executable, f'{HERE}/sysfs-tree.py', tree, str(count)], check=True)
            read = [program, 'check', '--sysroot', tree, f'{HERE}/empty.xml']
            floor_s, host_s = in_turns([floor, tree], read)
            print(f'| {count} | {floor_s * 1e3:.1f} | {host_s * 1e3:.1f} | {host_s / floor_s:.2f} '
                  f'| {host_s / count * 1e6:.1f} | {(peak_kib(read) - start) / count:.2f} |')
    finally:
        shutil.rmtree(work)


main()
