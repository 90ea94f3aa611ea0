#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Input that no one should send and someone will: one clear line with its place and exit 2, or a
verdict; never a crash, never half an output.  usage: test-bad-input.py PROGRAM SOURCE-ROOT"""
import json
import os
import re
import subprocess
import sys
import time

import program
import tap
from program import PLAIN, STACK, WRONG, file, virt_viommu

NONE = ['--host', 'none', *STACK]
READERS = ['check', 'plan', 'apply', 'limits']

BOMB = b'<!DOCTYPE domain [<!ENTITY a "aaaaaaaaaa">' + b''.join(
    b'<!ENTITY %c "%s">' % (98 + i, b'&%c;' % (97 + i) * 10) for i in range(12)) + \
    b']><domain type="kvm"><name>&m;</name></domain>'

NOT_A_DOMAIN = {
    'empty.xml': b'',
    'text.xml': b'This is not XML.\n',
    'binary.xml': bytes(range(256)) * 16,
    'json.xml': b'{"domain": true}',
    'network.xml': b'<network><name>default</name></network>',
    'namespace.xml': b'<x:domain xmlns:x="urn:x" type="kvm"><name>x</name></x:domain>',
    'truncated.xml': WRONG[:len(WRONG) // 2],
    'two-roots.xml': PLAIN + PLAIN,
    'bomb.xml': BOMB,
    'external.xml': b'<!DOCTYPE domain [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
                    b'<domain type="kvm"><name>&x;</name></domain>',
    'dtd.xml': b'<!DOCTYPE domain SYSTEM "http://127.0.0.1:9/domain.dtd">' + PLAIN,
    'nul.xml': PLAIN.replace(b'plain', b'pla\0in'),
    'utf16.xml': PLAIN.decode().encode('utf-16'),
    'bad-utf8.xml': PLAIN.replace(b'plain', b'pl\xff\xfein'),
    'undeclared.xml': PLAIN.replace(b'plain', b'&nbsp;'),
    'duplicate-attribute.xml': PLAIN.replace(b"type='kvm'", b"type='kvm' type='qemu'"),
}


def is_one_line(done, path, what):
    tap.equal((done.code, done.out), (2, b''), what)
    text = done.err.decode(errors='replace')
    tap.true(text.startswith(f'virt-viommu: {path}:') and text.count('\n') == 1 and
             text.endswith('\n'), f'{what}: one line with the place: {text!r}')
    return text


def test_not_a_domain():
    for name, content in NOT_A_DOMAIN.items():
        path = file(name, content)
        for verb in READERS:
            text = is_one_line(virt_viommu(verb, path, *NONE), path, f'{verb} {name}')
            tap.true(re.search(r'\.xml:\d+: ', text), f'{name}: a line number: {text!r}')


def test_no_entity_is_read_or_blown_up():
    start = time.monotonic()
    for name in ('bomb.xml', 'external.xml'):
        done = virt_viommu('check', file(name, NOT_A_DOMAIN[name]), *NONE)
        tap.true(b'root:' not in done.out + done.err, name)
    tap.true(time.monotonic() - start < 10, 'both are refused at once')


def test_names_cannot_forge_lines():
    """A newline by reference, or U+009B, which some terminals take for an escape: one line stays one"""
    for bad in (b'&#10;vm.xml:1: error: ', b'&#x9b;31m', b'x' * 1000000):
        text = WRONG.replace(b'<name>wrong', b'<name>wr' + bad + b'ong').replace(
            b'ua-nic0', b'ua-nic' + bad).replace(b"intremap='on'", b"intremap='o" + bad + b"n'")
        text = text.replace(b"<iommu model='intel'>", b"<iommu model='in" + bad + b"tel'>")
        path = file('forged.xml', text)
        for verb in ('check', 'plan', 'limits'):
            out = virt_viommu(verb, path, *NONE)
            shown = (out.out + out.err).decode()
            tap.true(out.out and '\n vm.xml:1: error' not in shown and '\nvm.xml:1: error' not in shown
                     and '\x9b' not in shown, f'{verb}: {shown[:2000]!r}')
            tap.true(len(shown) < 50000, f'{verb}: {len(shown)} bytes')


def test_file_names_of_any_bytes():
    path = os.path.join(program.SCRATCH.name, 'b\udcffd\nvm.xml')
    with open(path, 'wb') as out:
        out.write(WRONG)
    for form in ('text', 'line', 'json', 'sarif'):
        done = virt_viommu('check', path, *NONE, '--format', form)
        tap.equal(done.code, 1, form)
        text = done.out.decode()
        tap.true('\nvm.xml:' not in text, f'{form}: {text[:500]!r}')
        if form in ('json', 'sarif'):
            json.loads(text)
    tap.equal(json.loads(virt_viommu('check', path, *NONE, '--json').out)[0]['file'],
              path.replace('\udcff', '\ufffd'))


def test_50_megabytes():
    path = file('large.xml', PLAIN.replace(b'<devices/>', b'<devices>' + b'<!-- x -->\n' * 4800000 +
                                           b'</devices>'))
    for verb in READERS:
        is_one_line(virt_viommu(verb, path, *NONE), path, verb)
    os.unlink(path)


def test_many_devices():
    """Large, but a domain: the time must not grow with the square of the size."""
    one = b"<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='%d' slot='%d' " \
          b"function='%d'/></source></hostdev>\n"
    many = b''.join(one % (i >> 8 & 255, i >> 3 & 31, i & 7) for i in range(8192))
    path = file('many.xml', PLAIN.replace(b'<devices/>', b'<devices>' + many + b'</devices>'))
    start = time.monotonic()
    virt_viommu('check', path, *NONE, '-q')
    tap.true(time.monotonic() - start < 60, f'{time.monotonic() - start:.1f} s for 8192 devices')


def test_more_than_a_parser_takes():
    """Its limits are told in our words, with the line; what it takes long over is refused at once."""
    million = b'x' * 11000000
    start = time.monotonic()
    for name, inside in {'deep': b'<a>' * 100000 + b'</a>' * 100000, 'value': b"<a b='" + million + b"'/>",
                         'comment': b'<!--' + million + b'-->', 'name': b'<' + million[:60000] + b'/>',
                         'cdata': b'<![CDATA[' + million + b']]>', 'pi': b'<?a ' + million + b'?>',
                         'attributes': b'<a>' + b' ' * 70000 + b"</a><!-- ' --><a x='>' " +
                                       b' '.join(b"b%d='1'" % i for i in range(300000)) + b'/>'}.items():
        path = file(f'{name}.xml', PLAIN.replace(b'<devices/>', b'<devices>' + inside + b'</devices>'))
        text = is_one_line(virt_viommu('check', path, *NONE), path, name)
        tap.true(re.search(r'\.xml:\d+: (a name, value or comment is too long|elements are nested too deep|an '
                           r'element with more than 1000 attributes)', text), text)
        tap.true('libxml' not in text.lower() and 'XML_PARSE' not in text, text)
        os.unlink(path)
    tap.true(time.monotonic() - start < 60, f'{time.monotonic() - start:.1f} s')
    plenty = b'<!-- ' + b'x' * 70000 + b' --><a ' + b' '.join(b"b%d='='" % i for i in range(900)) + b'/>'
    done = virt_viommu('check', file('plenty.xml', PLAIN.replace(b'<devices/>', plenty)), *NONE)
    tap.equal(done.code, 0, done)


def test_nonsense_inside_a_domain_is_judged():
    """Well-formed nonsense: a verdict or one line, and apply says nothing or writes a whole file."""
    device = WRONG[WRONG.index(b'    <hostdev'):WRONG.index(b'    <iommu')]
    variants = {
        'twice.xml': WRONG.replace(device, device * 2),
        'two-names.xml': WRONG.replace(b'<vcpu>', b'<name>again</name><vcpu>'),
        'two-devices.xml': WRONG.replace(b'</domain>', b'<devices/></domain>'),
        'two-iommus.xml': WRONG.replace(b'  </devices>', b"<iommu model='intel'/></devices>"),
        'negative.xml': WRONG.replace(b'>4<', b'>-4<').replace(b'>2<', b'>-2<'),
        'huge.xml': WRONG.replace(b'>4<', b'>18446744073709551615<'),
        'overflow.xml': WRONG.replace(b'>4<', b'>99999999999999999999999999<'),
        'unit.xml': WRONG.replace(b"unit='GiB'", b"unit='parsec'"),
        'slot.xml': WRONG.replace(b"slot='0'", b"slot='99'"),
        'address.xml': WRONG.replace(b"bus='0x3b'", b"bus='zz'"),
        'aw.xml': WRONG.replace(b"intremap='on'", b"aw_bits='-1'"),
        'model.xml': WRONG.replace(b"model='intel'", b"model='&#x20AC;'"),
        'no-model.xml': WRONG.replace(b"model='intel'", b''),
        'foreign.xml': WRONG.replace(b'<devices>', b'<x:y xmlns:x="urn:unknown"/><devices>'),
        'index.xml': WRONG.replace(b'<iommu', b"<controller type='pci' index='4294967295' "
                                              b"model='pcie-root-port'/><iommu"),
        'loop.xml': WRONG.replace(
            b'<iommu', b"<controller type='pci' index='1' model='pcie-root-port'><address "
                       b"type='pci' bus='0x02'/></controller><controller type='pci' index='2' "
                       b"model='pcie-root-port'><address type='pci' bus='0x01'/></controller>"
                       b'<iommu'),
        'clash.xml': WRONG.replace(
            b'<iommu', (b"<controller type='usb' model='qemu-xhci'><address type='pci' bus='0' "
                        b"slot='0x02'/></controller>") * 2 + b'<iommu'),
        'crlf.xml': WRONG.replace(b'\n', b'\r\n'),
        'no-newline.xml': WRONG.rstrip(b'\n'),
        'bom.xml': b'\xef\xbb\xbf' + WRONG,
        'latin1.xml': b"<?xml version='1.0' encoding='ISO-8859-1'?>\n" +
                      WRONG.replace(b'wrong', b'wr\xf6ng'),
        'bare.xml': b'<domain/>',
    }
    for name, content in variants.items():
        path = file(name, content)
        for verb in READERS:
            done = virt_viommu(verb, path, *NONE)
            if done.code == 2:
                is_one_line(done, path, f'{verb} {name}')
            elif verb == 'apply' and done.code == 0:
                tap.true(b'</domain>' in done.out or b'<domain/>' in done.out, f'{name}: {done}')
            elif verb == 'apply':
                tap.equal(done.out, b'', f'{name}: no plan, no output')


HOST = {'host': 1, 'name': 'h', 'arch': 'x86_64', 'page_size': 4096, 'memory': 1 << 36,
        'kernel': {'release': '7.2.13', 'cmdline': ''},
        'iommus': [{'name': 'dmar0', 'type': 'intel-vtd', 'cap': '0x8d2078c106f0466',
                    'ecap': '0xf020df'}],
        'groups': [{'id': 1, 'type': 'DMA', 'reserved': [], 'devices': ['0000:3b:00.0']}],
        'devices': [{'address': '0000:3b:00.0', 'vendor': '0x8086', 'device': '0x1521',
                     'class': '0x020000', 'iommu': 'dmar0', 'group': 1}]}


def changed(path, value):
    document = json.loads(json.dumps(HOST))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document).encode()


def test_the_host_document_itself_is_good():
    path = file('host.json', json.dumps(HOST).encode())
    done = virt_viommu('check', file('wrong.xml', WRONG), '--host', path)
    tap.equal((done.code, done.err), (1, b''))


def test_host_documents_with_wrong_types():
    text = json.dumps(HOST).encode()
    documents = {
        'empty.json': b'', 'text.json': b'hello', 'cut.json': text[:-40], 'null.json': b'null',
        'array.json': b'[]', 'string.json': b'"host"', 'twice.json': text + text,
        'deep.json': b'[' * 100000, 'bytes.json': bytes(range(256)),
        'version.json': changed(['host'], 2), 'no-version.json': text.replace(b'"host"', b'"hose"'),
        'version-text.json': changed(['host'], '1'),
        'name.json': changed(['name'], 7), 'memory.json': changed(['memory'], -1),
        'memory-text.json': changed(['memory'], '64G'), 'memory-real.json': changed(['memory'], 1.5),
        'memory-huge.json': text.replace(b'68719476736', b'9' * 40),
        'kernel.json': changed(['kernel'], []), 'iommus.json': changed(['iommus'], {}),
        'iommu.json': changed(['iommus', 0], 'dmar0'), 'cap.json': changed(['iommus', 0, 'cap'], 'ff'),
        'cap-number.json': changed(['iommus', 0, 'cap'], 255),
        'cap-long.json': changed(['iommus', 0, 'cap'], '0x' + 'f' * 17),
        'groups.json': changed(['groups'], 'none'), 'id.json': changed(['groups', 0, 'id'], -1),
        'reserved.json': changed(['groups', 0, 'reserved'], [{'start': '0x2', 'end': '0x1',
                                                              'type': 'direct'}]),
        'member.json': changed(['groups', 0, 'devices'], ['3b:00.0']),
        'address.json': changed(['devices', 0, 'address'], '0000:3b:00.8'),
        'vendor.json': changed(['devices', 0, 'vendor'], '0x10000'),
    }
    domain = file('wrong.xml', WRONG)
    for name, content in documents.items():
        path = file(name, content)
        for words in (['check', domain], ['host']):
            is_one_line(virt_viommu(*words, '--host', path), path, f'{words[0]} {name}')


def test_policies_with_wrong_types():
    documents = {
        'p-empty.json': b'', 'p-array.json': b'[]', 'p-cut.json': b'{"policy": 1, "name": "x"',
        'p-member.json': b'{"policy": 1, "name": "x", "mode": []}',
        'p-version.json': b'{"policy": 9, "name": "x"}',
        'p-usage.json': b'{"policy": 1, "name": "x", "usage": "gaming"}',
        'p-modes.json': b'{"policy": 1, "name": "x", "modes": "nested"}',
        'p-rule.json': b'{"policy": 1, "name": "x", "rules": {"vtd-nonsense": {"severity": "off",'
                       b' "reason": "no"}}}',
        'p-certain.json': b'{"policy": 1, "name": "x", "rules": {"vtd-caching-mode": {"severity": '
                          b'"info", "reason": "no"}}}',
    }
    for name, content in documents.items():
        path = file(name, content)
        is_one_line(virt_viommu('policy', 'check', path), path, f'policy check {name}')
        is_one_line(virt_viommu('check', file('plain.xml', PLAIN), *NONE, '--policy', path), path,
                    f'check --policy {name}')


def test_files_that_are_not_there():
    missing = os.path.join(program.SCRATCH.name, 'missing')
    plain = file('plain.xml', PLAIN)
    for verb in READERS:
        is_one_line(virt_viommu(verb, missing, *NONE), missing, verb)
        is_one_line(virt_viommu(verb, program.SCRATCH.name, *NONE), program.SCRATCH.name, verb)
    for option in ('--host', '--sysroot', '--policy'):
        is_one_line(virt_viommu('check', plain, option, missing), missing, option)


def powerless():
    """Words before the program that take away root's power to read and write everything."""
    if os.getuid() != 0:
        return []
    words = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
    try:
        subprocess.run([*words, 'true'], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise tap.Skip('runs as root, whom permissions do not stop') from error
    return words


def test_unreadable_files():
    secret = file('secret.xml', PLAIN)
    os.chmod(secret, 0)
    for words in (['check', secret, *NONE], ['check', file('plain.xml', PLAIN), '--host', secret]):
        is_one_line(virt_viommu(*words, prefix=powerless()), secret, words[0])


def test_read_only_directory_keeps_the_old_file():
    old = file('read-only/out.xml', b'old')
    os.chmod(os.path.dirname(old), 0o555)
    done = virt_viommu('apply', file('plain.xml', PLAIN), *NONE, '-o', old, prefix=powerless())
    is_one_line(done, old, 'apply -o')
    tap.equal(os.listdir(os.path.dirname(old)), ['out.xml'])
    with open(old, 'rb') as content:
        tap.equal(content.read(), b'old')
    os.chmod(os.path.dirname(old), 0o755)


def test_output_that_cannot_be_written():
    plain = file('plain.xml', PLAIN)
    for target in (os.path.join(program.SCRATCH.name, 'no/such/file'), program.SCRATCH.name,
                   '/dev/full'):
        is_one_line(virt_viommu('apply', plain, *NONE, '-o', target), target, 'apply -o')
        is_one_line(virt_viommu('host', '--host', 'none', '--save', target), target, 'host --save')
    tap.equal(virt_viommu('apply', plain, *NONE, '-o', '/dev/null').code, 0)
    tap.true(not os.path.isfile('/dev/null'), '/dev/null is still a device')


def test_malformed_sysroot():
    """A tree with rubbish in it: facts that cannot be read are unknown, nothing else happens."""
    root = os.path.join(program.SCRATCH.name, 'root')
    device = f'{root}/sys/bus/pci/devices/0000:3b:00.0'
    for name, content in {'vendor': b'\xff\xfe', 'device': b'', 'class': b'0x' + b'f' * 400,
                          'numa_node': b'-99999999999999999999', 'resource': b'0x0 0x\n0x1\n',
                          'sriov_totalvfs': b'many', 'config': b'\0' * 7}.items():
        file(f'root/sys/bus/pci/devices/0000:3b:00.0/{name}', content)
    file('root/sys/bus/pci/devices/not-an-address/vendor', b'0x8086')
    file('root/sys/kernel/iommu_groups/x/type', b'DMA')
    file('root/sys/kernel/iommu_groups/1/reserved_regions', b'0x0 zzz\n\xff\n')
    file('root/proc/meminfo', b'MemTotal: lots\n')
    os.makedirs(f'{device}/driver', exist_ok=True)
    os.symlink('loop', f'{device}/iommu_group')
    os.symlink('iommu_group', f'{device}/loop')
    done = virt_viommu('host', '--sysroot', root, '--json')
    tap.equal(done.code, 0, repr(done))
    json.loads(done.out)
    tap.equal(virt_viommu('check', file('wrong.xml', WRONG), '--sysroot', root).code, 1)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
