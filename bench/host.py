#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading a host beside the floor, and the whole command beside lspci, in one run, as Markdown tables.
usage: host.py PROGRAM [COUNT...]        (PROGRAM as built: BUILD/cli/virt-viommu; see README.md)"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from measure import in_turns, peak_kib

HERE = os.path.dirname(os.path.abspath(__file__))


def compile_floor(work):
    subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', '-o', f'{work}/floor', f'{HERE}/floor.c'],
                   check=True)


def compile_reader(work, build):
    """The floor and the library in one process"""
    flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'glib-2.0'], capture_output=True,
                           text=True, check=True).stdout.split()
    subprocess.run(['cc', '-O2', '-D_GNU_SOURCE', '-DFLOOR_IS_A_PART', f'-I{HERE}/../include',
                    f'-I{build}/include', '-o', f'{work}/read', f'{HERE}/read.c', f'{HERE}/floor.c',
                    f'-L{build}/plugin/lib', '-lviommu', f'-Wl,-rpath,{build}/plugin/lib', *flags],
                   check=True)


def calls(command):
    """Number of system calls, or None without strace"""
    if not shutil.which('strace'):
        return None
    run = subprocess.run(['strace', '-f', '-c', '-o', '/dev/stdout', *command], text=True,
                         capture_output=True, check=False)
    return int(re.search(r'^100\.00\s+\S+\s+(?:\d+\s+)?(\d+)\s.*total$', run.stdout, re.M)[1])


def per_function(command, start, count):
    total, fixed = calls(command), calls(start)
    return '-' if total is None else f'{(total - fixed) / count:.1f}'


def main():
    program = os.path.abspath(sys.argv[1])
    counts = [int(word) for word in sys.argv[2:]] or [256, 1024, 4096, 16384]
    work = tempfile.mkdtemp(prefix='viommu-bench-')
    peers = []
    try:
        compile_floor(work)
        compile_reader(work, os.path.dirname(os.path.dirname(program)))
        nothing = f'{work}/nothing'
        os.mkdir(nothing)
        none = [program, 'check', '--host', 'none', f'{HERE}/empty.xml']
        start = peak_kib(none)
        print('| functions | read / floor, processor | passed | µs a function, processor '
              '| calls a function, floor | read | KiB a function, peak | held |')
        print('|---|---|---|---|---|---|---|---|')
        for count in counts:
            tree = f'{work}/{count}'
            subprocess.run([sys.executable, f'{HERE}/sysfs-tree.py', tree, str(count)], check=True)
            done = subprocess.run([f'{work}/read', tree, str(max(7, 20000 // count))],
                                  capture_output=True, text=True, check=True)
            floor, read, floor_cpu, read_cpu, held = (int(word)
                                                      for word in done.stdout.split())
            check = [program, 'check', '--sysroot', tree, f'{HERE}/empty.xml']
            print(f'| {count} | {read_cpu / floor_cpu:.2f} | {read / floor:.2f} '
                  f'| {read_cpu / count / 1e3:.1f} '
                  f'| {per_function([f"{work}/floor", tree], [f"{work}/floor", nothing], count)} '
                  f'| {per_function(check, none, count)} '
                  f'| {(peak_kib(check) - start) / count:.2f} '
                  f'| {held / count / 1024:.2f} |', flush=True)
            lspci = ['lspci', '-A', 'linux-sysfs', '-O', f'sysfs.path={tree}/sys/bus/pci', '-vvv']
            host = [program, 'host', '--sysroot', tree]
            commands = [[f'{work}/floor', tree], none, check, host]
            commands += [lspci] if shutil.which('lspci') else []
            peers.append([count] + [f'{taken * 1e3:.1f}' for taken in in_turns(*commands)])
            shutil.rmtree(tree)
        print('\n| functions | floor | start alone | check | host | lspci -vvv |\n'
              '|---|---|---|---|---|---|')
        for row in peers:
            print('| ' + ' | '.join(str(cell) for cell in row) + (' |' if len(row) > 5 else ' | - |'))
    finally:
        shutil.rmtree(work)


main()
