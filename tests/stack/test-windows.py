#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Windows that planned ports reserve, on a real libvirt and QEMU (TAP): firmware gives them, a device with a BAR as
large as that of the one that comes later gets its place in a Linux guest, and without them it gets none.
usage: test-windows.py PROGRAM SOURCE-ROOT [--stack 9.0|12.8] [--root DIR] [--kernels DIR]"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guest_boot
import oracle_stack
import planned

# Linux looks for a place right after it has found the function, and again without the others
FIRMWARE_SECONDS, GUEST_SECONDS, BAR_SECONDS = 60, 150, 8
OVMF = 'usr/share/OVMF/OVMF_CODE_4M.fd', 'usr/share/OVMF/OVMF_VARS_4M.fd'
FLASH_BYTES = 4 << 20
MIB = 1 << 20
# of SeaBIOS and of UEFI: two GPUs that come later, one with 16 MiB below 4 GiB
CASES = {'seabios': 'plan-later-windows-9.0', 'uefi': 'plan-later-windows-uefi'}


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program')
    parser.add_argument('source')
    parser.add_argument('--stack', default='12.8', choices=sorted(oracle_stack.SUITES))
    parser.add_argument('--root', help='a root that holds libvirt and QEMU, instead')
    parser.add_argument('--kernels', help='folder with kernels (vmlinuz-*), or with a subfolder x86')
    return parser.parse_args()


# --- the domain ---

def plan(arguments, case, versions):
    """(planned XML, {bus: (host address, largest prefetchable BAR, all below 4 GiB)})"""
    folder = f'{arguments.source}/tests/xml/{case}'
    with open(f'{folder}/case.json', encoding='utf-8') as text:
        host = f'{arguments.source}/tests/host/{json.load(text)["host"]}.json'
    more = [f'{folder}/domain.xml', '--host', host, '--policy', f'{folder}/policy.json', *versions]
    document = json.loads(subprocess.run([arguments.program, 'plan', '--json', *more], stdout=subprocess.PIPE,
                                         check=True, timeout=60).stdout)
    text = subprocess.run([arguments.program, 'apply', *more], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    with open(host, encoding='utf-8') as facts:
        bars = {device['address']: [bar for bar in device['bars'] if not bar.get('io') and bar['index'] < 6]
                for device in json.load(facts)['devices']}
    later = {}
    for device in document['attach_later']['devices']:
        bus = int(ET.fromstring(device['xml']).find('address').get('bus'), 0)
        mine = bars[device['address']]
        later[bus] = (device['address'], max(bar['size'] for bar in mine if bar['prefetch'] and bar['bits'] == 64),
                      sum(bar['size'] for bar in mine if not (bar['prefetch'] and bar['bits'] == 64)))
    return text.decode(), later


def start_text(text, name, firmware, guest):
    """The domain as it starts here, with 46 bits of addresses: QEMU's own default has no room for such BARs."""
    text = planned.start_text(planned.define_text(text, name, 'x86_64'))
    if guest:
        text = guest_boot.boot_text(text, name, 'x86_64')
    root = ET.fromstring(text)
    for cpu in root.findall('cpu'):
        root.remove(cpu)
    cpu = ET.SubElement(root, 'cpu', {'mode': 'maximum'})
    ET.SubElement(cpu, 'maxphysaddr', {'mode': 'emulate', 'bits': '46'})
    if firmware == 'uefi':
        os_element = root.find('os')
        ET.SubElement(os_element, 'loader', {'readonly': 'yes', 'type': 'pflash'}).text = '/mnt/ovmf-code.fd'
        ET.SubElement(os_element, 'nvram').text = '/mnt/ovmf-vars.fd'
    return ET.tostring(root, encoding='unicode')


def without_windows(text):
    """The same domain, and no port reserves anything"""
    root = ET.fromstring(text)
    for override in root.findall(f'{{{planned.QEMU}}}override'):
        root.remove(override)
    for target in root.findall('devices/controller/target'):
        target.attrib.pop('memReserve', None)
    return ET.tostring(root, encoding='unicode')


def port_name(text, bus):
    """QEMU's id of the port with that index"""
    port = ET.fromstring(text).find(f"devices/controller[@type='pci'][@index='{bus}']")
    alias = port.find('alias')
    return alias.get('name') if alias is not None else f'pci.{bus}'


# --- the machine ---

class Machine:
    """One domain that runs in a worker"""

    def __init__(self, worker, name, text):
        self.worker, self.name = worker, name
        self.path = f'{worker.directory}/{name}.out'
        self.console = f'{worker.directory}/{name}.console'
        with open(self.path, 'wb'), open(self.console, 'wb'):
            pass
        with open(f'{worker.directory}/{name}.xml', 'w', encoding='utf-8') as file:
            file.write(text)

    def __enter__(self):
        self.worker.end()
        self.worker.output = open(self.path, 'ab')
        for command in (f'define /mnt/{self.name}.xml', f'start {self.name}'):
            answered, refused = self.worker.refused(command)
            if not answered or refused:
                self.__exit__()
                raise AssertionError(f'{self.name}: {command}: {refused or "no answer"}')
        return self

    def __exit__(self, *_):
        self.worker.ask(f'destroy {self.name}')
        self.worker.ask(f'undefine {self.name} --keep-nvram')
        self.worker.end()
        self.worker.output.close()
        self.worker.output = subprocess.DEVNULL

    def monitor(self, command):
        before = os.path.getsize(self.path)
        answered, refused = self.worker.refused(f"qemu-monitor-command {self.name} --hmp '{command}'")
        if not answered or refused:
            raise AssertionError(f'{self.name}: {command}: {refused or "no answer"}')
        with open(self.path, encoding='utf-8', errors='replace') as file:
            file.seek(before)
            return file.read()

    def windows(self):
        """{id of a bridge: {'prefetchable' or 'plain': (first, size)}}"""
        found, ranges = {}, {}
        for line in self.monitor('info pci').splitlines():
            if re.match(r'\s*Bus +\d+, device', line):
                ranges = {}
            match = re.search(r'(prefetchable )?memory range \[0x([0-9a-f]+), 0x([0-9a-f]+)\]', line)
            if match:
                first, last = int(match[2], 16), int(match[3], 16)
                ranges['prefetchable' if match[1] else 'plain'] = (first, max(last + 1 - first, 0))
            match = re.search(r'id "([^"]*)"', line)
            if match and ranges:
                found[match[1]] = ranges
        return found

    def wait_for_firmware(self, ports):
        """Firmware writes the windows one after the other, so they have to be the same twice."""
        deadline, before = time.monotonic() + FIRMWARE_SECONDS, None
        while time.monotonic() < deadline:
            found = self.windows()
            sizes = [found.get(port, {}).get('plain', (0, 0))[1] for port in ports]
            if found == before and all(sizes):
                break
            before = found
            time.sleep(2)
        return self.windows()

    def read_console(self):
        with open(self.console, encoding='utf-8', errors='replace') as file:
            return file.read(1 << 22).replace('\r', '')

    def wait_for(self, pattern):
        """Whether it came on the console in time"""
        deadline = time.monotonic() + GUEST_SECONDS
        while time.monotonic() < deadline:
            if re.search(pattern, self.read_console(), flags=re.M):
                return True
            time.sleep(0.5)
        return False


def holds(window, largest, total):
    """Whether BARs of that sum have a place in there, the largest at a multiple of itself"""
    first, size = window
    start = (first + largest - 1) // largest * largest
    return start + total <= first + size


# --- the tests ---

def prepare_firmware(firmware, root, directory):
    for source, name in zip(OVMF, ('ovmf-code.fd', 'ovmf-vars.fd')) if firmware == 'uefi' else ():
        found = next((path for path in (f'{root}/{source}', f'/{source}') if os.path.exists(path)), None)
        if not found:
            raise guest_boot.Unavailable('no UEFI firmware for x86 (package ovmf)')
        shutil.copyfile(found, f'{directory}/{name}')


def prepare_guest(kernels, directory):
    """A complaint, or None"""
    try:
        shutil.copyfile(guest_boot.kernel_of('x86_64', kernels), f'{directory}/kernel-x86_64')
        guest_boot.make_initrd('x86_64', f'{directory}/initrd-x86_64', 'guest-bars.c')
    except guest_boot.Unavailable as reason:
        return str(reason)
    return None


def judge_windows(machine, text, later):
    names = {bus: port_name(text, bus) for bus in later}
    found, wrong = machine.wait_for_firmware(names.values()), []
    for bus, (address, largest, plain) in later.items():
        windows = found.get(names[bus], {})
        if not holds(windows.get('prefetchable', (0, 0)), largest, largest):
            wrong.append(f'{names[bus]}: no place for {largest // MIB} MiB of {address} in {windows}')
        if plain and not holds(windows.get('plain', (0, 0)), plain, plain):
            wrong.append(f'{names[bus]}: no place for {plain // MIB} MiB below 4 GiB in {windows}')
    return wrong


def given(console):
    """{guest address: size of BAR 2}; 0: Linux found no place for it"""
    return {match[1]: int(match[3], 16) - int(match[2], 16) + 1 if int(match[3], 16) else 0
            for match in re.finditer(r'^BAR (\S+) (0x\w+) (0x\w+) 0x\w+$', console, flags=re.M)}


def plug_in(machine, text, later):
    """Sizes of the BARs that the guest has, once all are plugged in"""
    if not machine.wait_for('^READY'):
        raise guest_boot.Unavailable('the guest does not come up')
    time.sleep(2)
    for bus, (_, largest, _) in later.items():
        answer = machine.monitor(f'device_add pci-testdev,id=t{bus},bus={port_name(text, bus)},membar={largest}')
        if 'rror' in answer:
            raise AssertionError(answer)
    deadline, found = time.monotonic() + GUEST_SECONDS, {}
    while time.monotonic() < deadline and len(found) < len(later):
        time.sleep(0.5)
        found = given(machine.read_console())
    deadline = time.monotonic() + BAR_SECONDS
    while time.monotonic() < deadline and 0 in found.values():
        time.sleep(0.5)
        found = given(machine.read_console())
    return sorted(found.values())


def run_case(worker, firmware, planned_text, later, guest):
    """(name, complaints or the reason to skip) of each thing that was looked at"""
    name = f'windows-{firmware}'
    text = start_text(planned_text, name, firmware, not guest)
    wanted = sorted(largest for _, largest, _ in later.values())
    with Machine(worker, name, text) as machine:
        yield f'{firmware}-gives-the-windows', judge_windows(machine, text, later)
        found = guest or plug_in(machine, text, later)
    yield f'{firmware}-guest-gives-the-bars-addresses', \
        guest or ([] if found == wanted else [f'{wanted} wanted, and the guest has {found}'])
    text = without_windows(text)
    with Machine(worker, name, text) as machine:
        yield f'{firmware}-without-the-windows', [] if judge_windows(machine, text, later) else ['there is room']
        found = guest or plug_in(machine, text, later)
    yield f'{firmware}-guest-without-them', \
        guest or (['the guest has all of them'] if found == wanted else [])


def show(number, name, problems):
    if isinstance(problems, str):
        print(f'ok {number} - {name} # SKIP {problems}')
        return
    print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    for problem in problems:
        print(f'# {problem}'[:600])


def main():
    arguments = options()
    try:
        stack = oracle_stack.Stack(arguments.stack, 1, make=False, root=arguments.root)
        with stack:
            worker, number = stack.workers[0], 0
            versions = ['--libvirt-version', stack.libvirt, '--qemu-version', stack.qemu]
            guest = prepare_guest(arguments.kernels, worker.directory)
            print(f'1..{4 * len(CASES)}')
            for firmware, case in CASES.items():
                try:
                    prepare_firmware(firmware, stack.root, worker.directory)
                except guest_boot.Unavailable as reason:
                    for _ in range(4):
                        number += 1
                        show(number, firmware, str(reason))
                    continue
                for name, problems in run_case(worker, firmware, *plan(arguments, case, versions), guest):
                    number += 1
                    show(number, name, problems)
    except oracle_stack.Unavailable as reason:
        print(f'1..0 # SKIP {reason}')


if __name__ == '__main__':
    main()
