#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt hook at prepare for a domain with many devices, beside a program that only parses the
domain and hooks that do nothing, in one run, as a Markdown table.
usage: hook.py HOOK [FUNCTIONS [DEVICES]]        (HOOK as built: BUILD/hooks/50-viommu; see README.md)"""
import os
import shutil
import subprocess
import sys
import tempfile

from measure import both_in_turns, peak_kib

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN = """<domain type='kvm' id='1'>
  <name>many</name>
  <uuid>00000000-0000-0000-0000-000000000001</uuid>
  <memory unit='GiB'>64</memory>
  <vcpu>16</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><ioapic driver='qemu'/></features>
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
{ports}    <memballoon model='none'/>
    <iommu model='intel'><driver intremap='on' caching_mode='on' aw_bits='39'/></iommu>
{devices}  </devices>
</domain>
"""
PORT = """    <controller type='pci' index='{index}' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='{index}' port='{port:#x}'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='{slot:#x}' function='{function}' multifunction='on'/>
    </controller>
"""
DEVICE = """    <hostdev mode='subsystem' type='pci' managed='yes'>
      <driver name='vfio'/>
      <source>
        <address domain='0x0000' bus='{bus:#x}' slot='{slot:#x}' function='{function}'/>
      </source>
      <alias name='ua-dev{index}'/>
      <address type='pci' domain='0x0000' bus='{index:#x}' slot='0x00' function='0x0'/>
    </hostdev>
"""


def domain(count):
    """@count VFs of a generated host, each on a root port of its own"""
    ports, devices = [], []
    for index in range(1, count + 1):
        ports.append(PORT.format(index=index, port=0x10 + index, slot=2 + (index - 1) // 8,
                                 function=(index - 1) % 8))
        number = (index - 1) // 14 * 16 + 2 + (index - 1) % 14
        devices.append(DEVICE.format(index=index, bus=number >> 8, slot=number >> 3 & 31,
                                     function=number & 7))
    return DOMAIN.format(ports=''.join(ports), devices=''.join(devices))


def script(path, text):
    with open(path, 'w', encoding='ascii') as out:
        out.write(text)
    os.chmod(path, 0o755)
    return path


def compile_parser(work):
    flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'libxml-2.0'], capture_output=True,
                           text=True, check=True).stdout.split()
    subprocess.run(['cc', '-O2', '-o', f'{work}/parse', f'{HERE}/parse.c', *flags], check=True)
    return f'{work}/parse'


def main():
    hook = os.path.abspath(sys.argv[1])
    functions, count = (list(map(int, sys.argv[2:4])) + [4096, 30][len(sys.argv) - 2:])[:2]
    work = tempfile.mkdtemp(prefix='viommu-bench-')
    # as /run is: the ledger waits for its disk
    run = tempfile.mkdtemp(prefix='viommu-bench-', dir='/dev/shm')
    try:
        tree = f'{work}/tree'
        subprocess.run([sys.executable, f'{HERE}/sysfs-tree.py', tree, str(functions)], check=True)
        os.environ.update(VIRT_VIOMMU_HOST=tree, VIRT_VIOMMU_CONFDIR=work,
                          VIRT_VIOMMU_RUNDIR=run, VIRT_VIOMMU_LOG=f'{work}/log',
                          VIRT_VIOMMU_PROFILES=f'{HERE}/../policy/profiles')
        xml = f'{work}/domain.xml'
        with open(xml, 'w', encoding='ascii') as out:
            out.write(domain(count))
        call = ['many', 'prepare', 'begin', '-']
        rows = [
            ('parse alone (C, libxml2)', [compile_parser(work)]),
            ('50-viommu', [hook] + call),
            ('bash that does nothing', [script(f'{work}/sh', '#!/bin/bash\nexit 0\n')] + call),
            ('python3 that does nothing',
             [script(f'{work}/py', '#!/usr/bin/python3\n')] + call),
        ]
        check = subprocess.run(rows[1][1], stdin=open(xml, 'rb'), capture_output=True, check=False)
        if check.returncode != 0 or not os.listdir(f'{run}/ledger'):
            sys.exit(f'the hook has not reserved: {check.stderr.decode()}')
        times = both_in_turns(*(command for _, command in rows), rounds=41, stdin=xml)
        print(f'{count} devices, host of {functions} functions, {os.path.getsize(xml)} bytes of XML\n')
        print('| at prepare | ms | of parsing | processor ms | of parsing | peak MiB |\n'
              '|---|---|---|---|---|---|')
        for (name, command), (wall, busy) in zip(rows, times):
            print(f'| {name} | {wall * 1e3:.1f} | {wall / times[0][0]:.2f} | {busy * 1e3:.1f} | '
                  f'{busy / times[0][1]:.2f} | {peak_kib(command, stdin=xml) / 1024:.1f} |')
    finally:
        shutil.rmtree(work)
        shutil.rmtree(run)


if __name__ == '__main__':
    main()
