#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux guests on planned buses (TAP): what Linux sees behind each planned port is alone in its IOMMU group, functions
that stay in one slot are one group, and nothing that belongs behind a vIOMMU is without one.
usage: test-guest.py PROGRAM SOURCE-ROOT [--stack 12.8] [--root DIR] [--kernels DIR] [--case NAME]"""
import argparse
import os
import re
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guest_boot
import oracle_stack
import planned
import written

# each another layout: one vIOMMU over all of q35, of either model and with first stage; two SMMUs, one with
# a plain device beside it; virtio-iommu on virt; a card in one slot, as it was and moved as one; expanders by cell
CASES = ['plan-vtd-plain', 'plan-vtd-nested-pasid', 'plan-vtd-moved', 'plan-virtio-wide', 'plan-smmu-plain',
         'plan-smmu-beside-plain', 'plan-virtio-ampere', 'plan-slot-vtd-pasid', 'plan-slot-vtd-isolated',
         'plan-slot-smmu', 'plan-slot-smmu-heirs', 'plan-numa-x86']
ENDPOINT, PORT, VIRTIO_IOMMU = '0x8086:0x10d3', '0x1b36:0x000c', '0x1af4:0x1057'


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program')
    parser.add_argument('source')
    parser.add_argument('--stack', default='12.8', choices=sorted(oracle_stack.SUITES))
    parser.add_argument('--root', help='a root that holds libvirt and QEMU, instead')
    parser.add_argument('--kernels', help='folder with kernels (vmlinuz-*, Image*), or with subfolders x86 and arm64')
    parser.add_argument('--case', action='append', help='a golden plan (default: some of them)')
    arguments = parser.parse_args()
    arguments.case = arguments.case or CASES
    return arguments


def judge(text, found):
    """What is wrong with the groups of that guest"""
    devices = ET.fromstring(text).find('devices')
    assigned = [interface for interface in devices.findall('interface')
                if interface.find('model').get('type') == 'e1000e']
    wanted = len(assigned)
    viommus = devices.findall('iommu')
    everywhere = any(viommu.get('model') != 'smmuv3' for viommu in viommus)
    behind = {viommu.find('driver').get('pciBus') for viommu in viommus if viommu.get('model') == 'smmuv3'}
    members = {}
    for address, (_, group) in found.items():
        members.setdefault(group, []).append(address)
    endpoints = [address for address, (kind, _) in found.items() if kind == ENDPOINT]
    wrong = [] if len(endpoints) == wanted else [f'{len(endpoints)} of {wanted} devices are there']
    slots = {}
    for address in endpoints:
        slots.setdefault(slot_of(address), []).append(address)
    planned_slots = {(place.get('bus'), place.get('slot')) for place in (it.find('address') for it in assigned)}
    if len(slots) != len(planned_slots):
        wrong.append(f'devices are in {len(slots)} slots, and {len(planned_slots)} were planned')
    alone = [address for address in endpoints if found[address][1] != '-'
             and sorted(members[found[address][1]]) == sorted(slots[slot_of(address)])]
    covered = wanted if everywhere else sum(
        root_of(devices, interface.find('address').get('bus')) in behind for interface in assigned)
    if len(alone) != covered:
        wrong.append(f'{len(alone)} devices are alone in a group, or with their slot, and {covered} are behind a vIOMMU')
    for address, (kind, group) in found.items():
        if kind == PORT and group != '-' and len(members[group]) > 1:
            wrong.append(f'root port {address} shares group {group} with {members[group]}')
        if everywhere and group == '-' and kind != VIRTIO_IOMMU:
            wrong.append(f'{address} ({kind}) has no IOMMU')
    return wrong


def slot_of(address):
    return address.rsplit('.', 1)[0]


def root_of(devices, bus):
    """Index of the root bus above a controller"""
    index = str(int(bus, 0))
    while index != '0':
        controller = devices.find(f"controller[@type='pci'][@index='{index}']")
        if controller.get('model') == 'pcie-expander-bus':
            break
        index = str(int(controller.find('address').get('bus'), 0))
    return index


def plans(arguments, versions):
    wanted = [entry for entry in written.inputs(arguments.source) if entry[0] in arguments.case]
    return {name: after.decode() for name, _, after, _, _ in written.written_for(arguments.program, wanted, versions)}


def run_case(worker, name, text, prepared):
    architecture = 'aarch64' if re.search(r"arch=['\"]aarch64", text) else 'x86_64'
    if isinstance(prepared[architecture], Exception):
        return f'ok - {name} # SKIP {prepared[architecture]}', []
    started = planned.start_text(planned.define_text(text, name, architecture))
    found, complaint, console = guest_boot.boot(worker, name, guest_boot.boot_text(started, name, architecture))
    if 'WITHOUT virtio-iommu' in console and "<iommu model=\"virtio\"" in started:
        return f'ok - {name} # SKIP the kernel has no virtio-iommu driver built in', []
    wrong = [complaint] if complaint else judge(started, found)
    groups = {group for _, group in found.values() if group != '-'}
    wrong_lines = wrong or [f'{len(found)} functions in {len(groups)} groups']
    return f"{'not ok' if wrong else 'ok'} - {name}", wrong_lines


def prepare(arguments, stack):
    prepared = {}
    for architecture in ('x86_64', 'aarch64'):
        try:
            for worker in stack.workers:
                guest_boot.prepare(architecture, arguments.kernels, stack.root, worker.directory)
            prepared[architecture] = None
        except guest_boot.Unavailable as reason:
            prepared[architecture] = reason
    return prepared


def main():
    arguments = options()
    try:
        with oracle_stack.Stack(arguments.stack, 2, make=False, root=arguments.root) as stack:
            versions = ['--libvirt-version', stack.libvirt, '--qemu-version', stack.qemu]
            prepared = prepare(arguments, stack)
            texts = plans(arguments, versions)
            print(f'1..{len(arguments.case)}')
            results = stack.map(lambda worker, name: run_case(worker, name, texts[name], prepared)
                                if name in texts else (f'not ok - {name}', ['no plan']), arguments.case)
    except oracle_stack.Unavailable as reason:
        print(f'1..0 # SKIP {reason}')
        return
    for line, more in results:
        print(line)
        for text in more:
            print(f'# {text}'[:900])


if __name__ == '__main__':
    main()
