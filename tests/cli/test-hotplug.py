#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hotplug: streams, exit codes, and JSON by its schema.
usage: test-hotplug.py PROGRAM SOURCE-ROOT"""
import json
import sys

import tap
from program import SOURCE, file, virt_viommu

XML = f'{SOURCE}/tests/xml'
SHADOW = [f'{XML}/expert-f-vtd-shadow-legacy/domain.xml']
NESTED = [f'{XML}/accel-expert-b-live-after-attach/domain.xml']
X86 = ['--host', f'{SOURCE}/tests/host/lab-x86.json']
ARM = ['--host', f'{SOURCE}/tests/host/lab-arm64.json']


def test_the_xml_is_alone_on_stdout():
    done = virt_viommu('hotplug', *SHADOW, '0000:02:10.0', *X86)
    tap.equal(done.code, 0, done)
    tap.true(done.out.startswith(b'<hostdev') and done.out.endswith(b'</hostdev>\n'), done)
    tap.true(b'goes to bus 3' in done.err, done)
    quiet = virt_viommu('hotplug', '-q', *SHADOW, '0000:02:10.0', *X86)
    tap.equal((quiet.out, quiet.err), (done.out, b''))


def test_a_refusal_has_exit_code_1_and_no_xml():
    done = virt_viommu('hotplug', *NESTED, '0000:41:00.0', *ARM)
    tap.equal((done.code, done.out), (1, b''), done)
    tap.true(b'[hotplug-no-free-port]' in done.err and b'would help: ' in done.err, done)


def test_neighbours_below_an_expander_of_arm64_are_warned_of():
    for domain, device, warned in (('expert-a-two-smmu', '0000:02:00.0', True),
                                   ('expert-b-hotplug-only', '0000:03:00.0', False)):
        done = virt_viommu('hotplug', f'{XML}/{domain}/domain.xml', device, *ARM)
        tap.equal(done.code, 0, done)
        tap.equal(b'device beside it on expander 1' in done.err, warned, done)


def test_device_from_a_file_and_from_standard_input():
    device = b"""<hostdev mode='subsystem' type='pci' managed='yes'>
  <source><address domain='0x0000' bus='0x02' slot='0x10' function='0x0'/></source>
</hostdev>
"""
    by_file = virt_viommu('hotplug', *SHADOW, file('vf.xml', device), *X86)
    by_stdin = virt_viommu('hotplug', *SHADOW, '-', *X86, stdin=device)
    tap.equal(by_file.code, 0, by_file)
    tap.equal(by_file.out, by_stdin.out)
    both = virt_viommu('hotplug', '-', '-', *X86, stdin=device)
    tap.equal(both.code, 2, both)


def test_wrong_input():
    disk = virt_viommu('hotplug', *SHADOW, file('disk.xml', b"<disk type='file'/>"), *X86)
    tap.equal(disk.code, 2, disk)
    tap.true(b'disk.xml:1: one <hostdev>' in disk.err, disk)
    nobody = virt_viommu('hotplug', '--detach', *SHADOW, 'ua-nobody', *X86)
    tap.equal(nobody.code, 2, nobody)
    tap.equal(virt_viommu('hotplug', *SHADOW, *X86).code, 2)
    tap.equal(virt_viommu('hotplug', *SHADOW, './missing.xml', *X86).code, 2)


def test_an_address_as_people_write_it():
    whole = virt_viommu('hotplug', *SHADOW, '0000:02:10.0', *X86)
    for word in ('02:10.0', 'pci_0000_02_10_0'):
        tap.equal(virt_viommu('hotplug', *SHADOW, word, *X86).out, whole.out, word)
    for word in ('01:00.0', 'pci_0000_01_00_0'):
        tap.equal(virt_viommu('hotplug', '--detach', *SHADOW, word, *X86).code, 0, word)
    for word in ('missing.xml', '0000:99:99.9', 'ua-nic0'):
        done = virt_viommu('hotplug', *SHADOW, word, *X86)
        tap.equal((done.code, done.out), (2, b''), done)
        tap.equal(done.err.decode(), f'virt-viommu: {word}: neither a file with a <hostdev> nor a PCI '
                                     'address such as 0000:3b:00.0\n')


def test_a_function_of_a_slot_cannot_be_attached():
    whole = virt_viommu('hotplug', *SHADOW, '0000:02:10.0', *X86)
    zero = b"bus='0x03' slot='0x00' function='0x0'"
    tap.true(zero in whole.out, whole)
    second = whole.out.replace(zero, b"bus='0x01' slot='0x00' function='0x1'")
    done = virt_viommu('hotplug', *SHADOW, file('second.xml', second), *X86)
    tap.equal((done.code, done.out), (1, b''), done)
    tap.true(b'Only PCI device addresses with function=0 are supported' in done.err, done)


def test_what_is_there_already():
    done = virt_viommu('hotplug', *SHADOW, '0000:01:00.0', *X86)
    tap.equal(done.code, 1, done)
    with open(SHADOW[0], encoding='utf-8') as domain:
        line = 1 + next(i for i, text in enumerate(domain) if '<hostdev' in text)
    tap.true(f'has this device already, at line {line} '.encode() in done.err, done)


def test_a_reason_is_told_once():
    done = virt_viommu('hotplug', *SHADOW, '0000:02:10.0', '--host', 'none')
    reasons = [line for line in done.err.splitlines() if b'would help' not in line]
    tap.equal(len(reasons), len(set(reasons)), done)


def test_json():
    for words in ([*SHADOW, '0000:02:10.0', *X86], [*NESTED, '0000:41:00.0', *ARM],
                  ['--detach', *SHADOW, '0000:01:00.0', *X86]):
        done = virt_viommu('hotplug', '--json', *words)
        document = json.loads(done.out)
        tap.equal(document['feasible'], done.code == 0, done)
        tap.equal('xml' in document, document['feasible'], done)


def test_what_was_plugged_in_comes_out_again():
    done = virt_viommu('hotplug', *SHADOW, '0000:02:10.0', *X86)
    with open(SHADOW[0], 'rb') as text:
        domain = text.read().replace(b'</devices>', done.out + b'</devices>')
    running = file('running.xml', domain)
    out = virt_viommu('hotplug', '--detach', running, 'ua-0000-02-10-0', *X86)
    tap.equal(out.code, 0, out)
    tap.equal(out.out, done.out)
    again = virt_viommu('hotplug', running, '0000:02:10.0', *X86)
    tap.equal(again.code, 1, again)


def test_a_domain_by_its_name():
    if 'built without' in virt_viommu('hotplug', 'test', '0000:02:10.0', *X86, '--connect', 'test:///default'
                                      ).err.decode():
        return
    connect = ['--connect', 'test:///default']
    # libvirt's own test driver runs one domain, of a machine that takes no assigned device behind a port
    done = virt_viommu('hotplug', 'test', '0000:02:10.0', *X86, *connect, '--json')
    tap.true(done.code in (0, 1) and json.loads(done.out), done)
    for name, words in {'nobody': b'nobody', 'test.xml': b'test.xml'}.items():
        done = virt_viommu('hotplug', name, '0000:02:10.0', *X86, *connect)
        tap.equal((done.code, done.out), (2, b''), name)
        tap.true(words in done.err and len(done.err.splitlines()) == 1, done)
    # a path is never a name
    done = virt_viommu('hotplug', './test', '0000:02:10.0', *X86, *connect)
    tap.equal(done.code, 2)
    tap.true(b'No such file' in done.err, done)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
