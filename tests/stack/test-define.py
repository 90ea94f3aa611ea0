#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything that apply writes for the libvirt of this machine is valid against its schema and is
taken by its parser (TAP).  usage: test-define.py PROGRAM SOURCE-ROOT"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import written

SCHEMA = '/usr/share/libvirt/schemas/domain.rng'
# the QEMU that Debian ships beside that libvirt; it decides which properties are written
QEMU_BESIDE = {9: '7.2.0', 10: '9.0.0', 11: '10.0.0', 12: '11.1.0'}


def virsh(*arguments):
    return subprocess.run(['virsh', '-c', 'test:///default', *arguments], capture_output=True,
                          text=True, timeout=60)


def complaint(text):
    with tempfile.NamedTemporaryFile(suffix='.xml') as file:
        file.write(text)
        file.flush()
        run = virsh('define', '--validate', file.name)
    return None if run.returncode == 0 else run.stderr.strip()


def report(number, name, problems):
    print(f"{'not ok' if problems else 'ok'} {number} {name}")
    for problem in problems:
        for line in problem.splitlines()[:10]:
            print(f'# {line}')


def main():
    for tool in ('virsh', 'xmllint'):
        if not shutil.which(tool):
            print(f'1..0 # SKIP needs {tool}')
            return
    if not os.path.exists(SCHEMA):
        print(f'1..0 # SKIP needs {SCHEMA}')
        return
    version = virsh('--version').stdout.strip()
    major = int(re.match(r'\d+', version)[0])
    qemu = QEMU_BESIDE.get(major, '11.1.0')
    invalid, refused, count, changed = [], [], 0, 0
    for name, before, after in written.written(sys.argv[1], sys.argv[2], version, qemu):
        # what was invalid before we came (a golden case may be) says nothing of our edits
        if written.relaxng(SCHEMA, before) or complaint(before):
            continue
        count += 1
        changed += before != after
        wrong = written.relaxng(SCHEMA, after)
        if wrong:
            invalid.append(f'{name}: {wrong}')
        wrong = complaint(after)
        if wrong:
            refused.append(f'{name}: {wrong}')
    print('1..4')
    report(1, f'libvirt-{version}-has-work', [] if changed >= 1 else
           [f'{count} domains with a plan, {changed} of them changed'])
    report(2, f'libvirt-{version}-schema-takes-{count}-domains', invalid)
    report(3, f'libvirt-{version}-parser-takes-{count}-domains', refused)
    # the test must be able to fail
    bad = b"<domain type='test'><name>x</name><iommu/></domain>"
    report(4, 'nonsense-is-refused', [] if complaint(bad) and written.relaxng(SCHEMA, bad)
           else ['both take a domain without memory and with a stray iommu'])


if __name__ == '__main__':
    main()
