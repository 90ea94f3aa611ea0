#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Public prototypes, the symbol map and what the library exports are the same set (TAP).

usage: check-symbols.py INCLUDE-DIRECTORY MAP LIBRARY
"""
import glob
import re
import subprocess
import sys


def prototypes(directory):
    names = set()
    for path in glob.glob(f'{directory}/*.h'):
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
        text = re.sub(r'^\s*#.*(\\\n.*)*', '', text, flags=re.M)
        text = re.sub(r'G_DEFINE_\w+\([^)]*\)', '', text)
        names |= set(re.findall(r'\b(viommu_\w+)\s*\(', text))
    names.add('viommu_version')  # its header is generated
    return names


def mapped(path):
    with open(path, encoding='utf-8') as file:
        text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
    return set(re.findall(r'\b(viommu_\w+);', text))


def exported(path):
    listing = subprocess.run(['nm', '-D', '--defined-only', path], capture_output=True, text=True,
                             check=True).stdout
    names = {line.split()[-1].split('@')[0] for line in listing.splitlines()
             if line.split()[-2] != 'A'}  # A: the version node itself
    return names


def needed(path):
    """What a program that links the library has to load: a hook loads it at each start of a guest."""
    listing = subprocess.run(['readelf', '-d', path], capture_output=True, text=True,
                             check=True).stdout
    return set(re.findall(r'\(NEEDED\).*\[(.*)\]', listing))


def main():
    declared, in_map, out = prototypes(sys.argv[1]), mapped(sys.argv[2]), exported(sys.argv[3])
    checks = [
        ('prototypes-are-found', {'viommu_check', 'viommu_plan_new'} - declared),
        ('every-prototype-is-in-the-map', declared - in_map),
        ('the-map-names-prototypes-only', in_map - declared),
        ('every-name-of-the-map-is-exported', in_map - out),
        ('nothing-else-is-exported', out - in_map),
        ('loads-neither-libvirt-nor-libudev',
         {name for name in needed(sys.argv[3]) if name.startswith(('libvirt', 'libudev'))}),
        ('needs-are-found', {'libxml2'} - {name.split('.')[0] for name in needed(sys.argv[3])}),
    ]
    print(f'1..{len(checks)}')
    for number, (name, wrong) in enumerate(checks, 1):
        print(f"{'not ok' if wrong else 'ok'} {number} {name}")
        for symbol in sorted(wrong):
            print(f'# {symbol}')


if __name__ == '__main__':
    main()
