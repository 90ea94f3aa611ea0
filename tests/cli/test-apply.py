#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""apply and plan on the shipped examples and on domains that need nothing.
usage: test-apply.py PROGRAM SOURCE-ROOT"""
import glob
import json
import os
import stat
import sys
import xml.etree.ElementTree as ET

import program
import tap
from program import PLAIN, SOURCE, STACK, file, virt_viommu

NONE = ['--host', 'none', *STACK]


def examples():
    """(domain, host) of each shipped pair that has a plan; a host serves its own architecture."""
    pairs = []
    for domain in sorted(glob.glob(f'{SOURCE}/examples/domains/*.xml')):
        arch = ET.parse(domain).getroot().find('os/type').get('arch')
        for host in sorted(glob.glob(f'{SOURCE}/examples/hosts/*.json')):
            with open(host, encoding='utf-8') as facts:
                if json.load(facts).get('arch') == arch:
                    pairs.append((domain, host))
    return pairs


def planned():
    for domain, host in examples():
        done = virt_viommu('apply', domain, '--host', host)
        tap.true(done.code in (0, 1), done)
        if done.code == 0:
            yield domain, host, done.out


def test_examples_are_there():
    tap.true(len(list(planned())) >= 2, 'at least two shipped pairs have a plan')
    tap.true(any(text != open(domain, 'rb').read() for domain, _, text in planned()),
             'at least one of them is changed')


def test_why_there_is_no_plan_fits_the_terminal():
    """and what would help is told once for a reason that several modes have"""
    done = virt_viommu('plan', f'{SOURCE}/examples/domains/gpu-q35.xml', '--host',
                       f'{SOURCE}/examples/hosts/grace.json', env={'COLUMNS': '80'})
    tap.equal(done.code, 1, done)
    lines = done.out.decode().splitlines()
    tap.true(max(map(len, lines)) <= 80, lines)
    absent = [line for line in lines if '0000:17:00.0 is not on this host' in line]
    helped = [line for line in lines if 'the address of a function of this host' in line]
    tap.true(len(absent) > 1, lines)
    tap.equal(len(helped), 2, lines)


def test_titles_fit_the_terminal():
    with open(f'{SOURCE}/examples/hosts/xeon.json', encoding='utf-8') as text:
        facts = json.load(text)
    facts['name'] = 'a-name-with-many-letters.example.org'
    host = ['--host', file('long.json', json.dumps(facts).encode())]
    for verb, domain in (('plan', 'gpu-q35'), ('limits', 'gpu-q35'), ('limits', 'gpu-grace')):
        path = glob.glob(f'{SOURCE}/examples/domains/{domain}*.xml')[0]
        done = virt_viommu(verb, path, *host, env={'COLUMNS': '80'}).out.decode().splitlines()
        tap.true(max(map(len, done)) <= 80, done)
        tap.true(verb == 'limits' or done[1].startswith('  (libvirt 12.8.0, QEMU 11.1.2, host a-name'), done)
        one = virt_viommu(verb, path, *host).out.decode().splitlines()[0]
        tap.true(one.endswith(', policy default)') and ' (libvirt' in one, 'one line in a pipe')


def test_what_needs_nothing_comes_back_byte_for_byte():
    odd = PLAIN.replace(b"<vcpu>", b"<!-- a  comment -->\n\t<vcpu  placement = \"static\" >")
    for name, content in {'plain.xml': PLAIN, 'odd.xml': odd, 'crlf.xml': odd.replace(b'\n', b'\r\n'),
                          'end.xml': PLAIN.rstrip(b'\n'), 'bom.xml': b'\xef\xbb\xbf' + PLAIN,
                          'head.xml': b"<?xml version='1.0' encoding='UTF-8'?>\n<!-- x -->\n" + PLAIN
                          }.items():
        tap.equal(virt_viommu('apply', file(name, content), *NONE).out, content, name)


def test_applying_twice_equals_once():
    for domain, host, once in planned():
        twice = virt_viommu('apply', file('once.xml', once), '--host', host)
        tap.equal(twice.code, 0, f'{domain}: {twice}')
        tap.equal(twice.out, once, domain)


def test_what_apply_wrote_has_no_error():
    for domain, host, once in planned():
        done = virt_viommu('check', file('once.xml', once), '--host', host)
        tap.equal(done.code, 0, f'{domain} on {host}: {done.out.decode()}')


def test_comments_and_foreign_elements_survive():
    for domain, host, _ in planned():
        with open(domain, 'rb') as content:
            text = content.read()
        foreign = b'<!-- keep  me --><metadata><x:y xmlns:x="urn:x"  z = "1"/></metadata>'
        if b'<metadata' in text:
            foreign = b'<!-- keep  me -->'
        done = virt_viommu('apply', '-', '--host', host,
                           stdin=text.replace(b'<devices>', foreign + b'<devices>', 1))
        tap.equal(done.code, 0, domain)
        tap.true(foreign.split(b'<metadata>')[0] in done.out, domain)
        if b'urn:x' in foreign:
            tap.true(b'<x:y xmlns:x="urn:x"  z = "1"/>' in done.out, domain)


def test_what_is_written_twice_is_counted():
    done = virt_viommu('plan', f'{SOURCE}/tests/xml/plan-smmu-windows/domain.xml', '--host',
                       f'{SOURCE}/tests/host/grace.json', *STACK)
    tap.true(b'Would write    2 <alias>, <qemu:override>\n' in done.out, done)


def test_what_is_attached_later_fits_the_domain_that_starts():
    """the plan's device XML is what hotplug says for the domain that apply wrote"""
    case = f'{SOURCE}/tests/xml/plan-later-vtd'
    host = ['--host', f'{SOURCE}/tests/host/genoa-2.json', *STACK]
    policy = [*host, '--policy', f'{case}/policy.json']
    start = virt_viommu('apply', f'{case}/domain.xml', *policy)
    later = json.loads(virt_viommu('plan', '--json', f'{case}/domain.xml', *policy).out)
    text = virt_viommu('plan', f'{case}/domain.xml', *policy).out.decode()
    tap.equal(b'<hostdev' in start.out, False, start)
    tap.equal(len(later['attach_later']['devices']), 2, later)
    for device in later['attach_later']['devices']:
        done = virt_viommu('hotplug', file('start.xml', start.out),
                           file('device.xml', device['xml'].encode()), *host)
        tap.equal((done.code, done.out.decode().strip()), (0, device['xml']), done)
        tap.true(device['command'] in text, text)
        tap.equal(device['notes'], [], 'its port has reserved room for its BARs')
        tap.true('reserves 262190 MiB for 64-bit BARs' in text, text)
        tap.true(all(line in text for line in device['xml'].split('\n')), text)
    tap.true('accounted at boot: 0 B, and 128 GiB with' in text, text)
    plain = json.loads(virt_viommu('plan', '--json', f'{case}/domain.xml', *host).out)
    tap.equal('attach_later' in plain, False, 'nobody asked')


def test_a_place_that_somebody_chose_is_not_changed_silently():
    """it is no new address among others: its line, what it becomes, the rule and the reason"""
    done = virt_viommu('plan', f'{SOURCE}/tests/xml/plan-slot-vtd-pasid/domain.xml', '--host',
                       f'{SOURCE}/tests/host/xeon-companions.json', *STACK)
    tap.equal(done.code, 0, done)
    tap.true(b"line 61: bus='0x03' function='0x0' in <address> [bus-guest-group-shared]\n"
             b'                 functions of one slot are one group in the guest' in done.out, done)
    tap.true(b'address,' not in done.out, 'no address among what is written')
    tap.equal(done.out.count(b'line 61:'), 1, 'one line for one address')


def test_what_finds_no_room_is_told():
    """a guest of 38 bits has no addresses for two windows of 256 GiB"""
    case = f'{SOURCE}/tests/xml/plan-later-vtd'
    with open(f'{case}/domain.xml', 'rb') as source:
        narrow = source.read().replace(b"<cpu mode='host-passthrough'/>", b"<cpu mode='host-passthrough'><maxphysaddr "
                                       b"mode='emulate' bits='38'/></cpu>")
    arguments = [file('narrow.xml', narrow), '--host', f'{SOURCE}/tests/host/genoa-2.json', *STACK,
                 '--policy', f'{case}/policy.json']
    plan = json.loads(virt_viommu('plan', '--json', *arguments).out)
    text = virt_viommu('plan', *arguments).out.decode()
    tap.true(any('with a CPU of 38 bits' in note for note in plan['notes']), plan['notes'])
    for device in plan['attach_later']['devices']:
        tap.equal(len(device['notes']), 1, 'its BARs may find no room')
        tap.true(f'note: {device["notes"][0]}' in text, text)


def test_output_file_is_replaced_and_keeps_its_mode():
    domain, host, text = next(planned())
    out = file('guest.xml', b'old')
    os.chmod(out, 0o640)
    done = virt_viommu('apply', domain, '--host', host, '-o', out)
    tap.equal((done.code, done.out), (0, b''))
    with open(out, 'rb') as content:
        tap.equal(content.read(), text)
    tap.equal(stat.S_IMODE(os.stat(out).st_mode), 0o640)
    again = virt_viommu('apply', out, '--host', host, '-o', out)
    tap.equal(again.code, 0, 'the file itself can be the output')


def test_diff_makes_the_one_of_the_other():
    for domain, host, text in planned():
        diff = virt_viommu('plan', domain, '--host', host, '--diff', '-q')
        tap.equal(diff.code, 0)
        with open(domain, encoding='utf-8') as content:
            before = content.read().splitlines()
        after = text.decode().splitlines()
        for line in diff.out.decode().splitlines():
            if line.startswith('-') and not line.startswith('---'):
                tap.true(line[1:] in before, line)
            elif line.startswith('+') and not line.startswith('+++'):
                tap.true(line[1:] in after, line)
        tap.equal(bool(diff.out), before != after, domain)


def test_what_the_caller_refuses_is_not_written():
    """The q35 example keeps one note after planning; facts that are missing decide less."""
    domain, host = f'{SOURCE}/examples/domains/gpu-q35.xml', f'{SOURCE}/examples/hosts/xeon.json'
    for severity, code in (('error', 0), ('warning', 0), ('info', 1)):
        for verb in ('apply', 'plan'):
            done = virt_viommu(verb, domain, '--host', host, '--fail-on', severity)
            tap.equal(done.code, code, f'{verb} {severity}')
            tap.equal(done.err.count(b'\n'), code, f'{verb} {severity}: {done.err!r}')
            tap.equal(bool(done.out), verb == 'plan' or code == 0, f'{verb} {severity}')
    tap.equal(virt_viommu('apply', domain, '--host', host, '--strict').code, 0)
    with open(host, encoding='utf-8') as text:
        facts = json.load(text)
    del facts['limits'], facts['kernel']
    blind = file('blind.json', json.dumps(facts).encode())
    done = virt_viommu('apply', domain, '--host', blind, '--strict')
    tap.equal((done.code, done.out), (3, b''), f'without some facts: {done}')


def test_no_plan_no_output():
    weak = file('weak.json', b'{"host": 1, "arch": "x86_64", "iommus": [], "groups": [], '
                             b'"devices": [], "iommufd": false}')
    policy = file('nested.json', b'{"policy": 1, "name": "n", "modes": ["nested"], "usage": "pasid"}')
    out = file('kept.xml', b'old')
    done = virt_viommu('apply', file('wrong.xml', program.WRONG), '--host', weak, *STACK,
                       '--policy', policy, '-o', out)
    tap.equal((done.code, done.out), (1, b''))
    tap.true(done.err, 'the reasons')
    with open(out, 'rb') as content:
        tap.equal(content.read(), b'old')
    plan = virt_viommu('plan', file('wrong.xml', program.WRONG), '--host', weak, *STACK,
                       '--policy', policy, '--json')
    tap.equal(plan.code, 1)
    tap.true(json.loads(plan.out)['rejected'], 'reasons in the JSON')


def test_virt_xml_gets_arguments_or_nothing():
    case = f'{SOURCE}/tests/xml/plan-virt-install/domain.xml'
    options = ['--host', f'{SOURCE}/tests/host/xeon-6.1.json', '--libvirt-version', '9.0.0', '--qemu-version', '7.2.19']
    done = virt_viommu('plan', '--format', 'virt-xml', case, *options)
    tap.equal((done.code, done.out), (0, b"--xml './features/ioapic/@driver=qemu'\n"
                                         b"--xml './devices/iommu/driver/@caching_mode=on'\n"), 'arguments')
    done = virt_viommu('plan', '--format', 'virt-xml', file('plain.xml', PLAIN), *NONE)
    tap.equal((done.code, done.out), (0, b''), 'nothing to do')
    wrong = file('wrong.xml', program.WRONG)
    done = virt_viommu('plan', '--format', 'virt-xml', wrong, *NONE)
    tap.equal((done.code, done.out), (1, b''), 'no plan')
    tap.true(b'no plan' in done.err, done.err)
    tap.equal(virt_viommu('plan', '--format', 'virt-xml', '--diff', wrong, *NONE).code, 2, 'with --diff')
    tap.equal(virt_viommu('check', '--format', 'virt-xml', wrong, *NONE).code, 2, 'of check')


def test_hotplug_is_told_as_the_machine_has_it():
    pc = PLAIN.replace(b"machine='q35'", b"machine='pc-i440fx-9.0'")
    tap.true(b'into a free slot of the conventional bus' in virt_viommu('plan', file('pc.xml', pc), *NONE).out, 'pc')
    tap.true(b'no free port' in virt_viommu('plan', file('plain.xml', PLAIN), *NONE).out, 'q35')
    wish = b"<metadata><v:intent xmlns:v='urn:virt-viommu:domain:1'><v:hotplug ports='1'/></v:intent></metadata>" \
           b"<memtune><hard_limit unit='GiB'>64</hard_limit></memtune><vcpu>"
    limited = virt_viommu('plan', file('limited.xml', PLAIN.replace(b'<vcpu>', wish)), *NONE).out
    tap.true(b'with <hard_limit> libvirt raises nothing' in limited, limited)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
