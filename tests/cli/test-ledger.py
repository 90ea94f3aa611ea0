#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ledger as people see it, and beside what libvirt says (its test driver, which needs no daemon).
usage: test-ledger.py PROGRAM SOURCE-ROOT"""
import json
import os
import shutil
import sys

import program
import tap
from program import SOURCE, file, virt_viommu

try:
    import jsonschema
except ImportError:
    jsonschema = None

BOOT = '/proc/sys/kernel/random/boot_id'
UUID = '00000000-0000-0000-0000-%012x'
XEON = f'{SOURCE}/tests/host/xeon.json'
DOMAIN = """<domain type='test'><name>vm%d</name><uuid>%s</uuid><memory unit='GiB'>4</memory>
<vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>%s</devices></domain>"""
DEVICE = """<hostdev mode='subsystem' type='pci' managed='yes'><source>
<address domain='0x0000' bus='0x%s' slot='0x00' function='0x0'/></source></hostdev>"""


class Place:
    """A run directory and a libvirt of its own"""
    count = 0

    def __init__(self):
        Place.count += 1
        self.number = Place.count
        self.run = f'{program.SCRATCH.name}/run-{self.number}'
        self.ledger = f'{self.run}/ledger'
        self.conf = os.path.dirname(file(f'conf-{self.number}/policy.json', json.dumps(
            {'policy': 1, 'name': 'x', 'quota': {'host': {'devices': 9, 'locked_memory': '90%'}}}
        ).encode()))
        self.node = f'{program.SCRATCH.name}/node-{self.number}.xml'
        self.runs({})

    def runs(self, domains):
        """number -> buses of its devices"""
        text = '<node>'
        for number, buses in domains.items():
            xml = DOMAIN % (number, UUID % number, ''.join(DEVICE % bus for bus in buses))
            path = file(f'{self.number}-{number}.xml', xml.encode())
            text += f"<domain file='{path}'/>"
        with open(self.node, 'w', encoding='utf-8') as out:
            out.write(text + '</node>')

    def __call__(self, *options):
        if '--verify' in options or '--rebuild' in options:
            options += ('--connect', f'test://{self.node}', '--host', XEON)
        return virt_viommu('ledger', *options, env={'VIRT_VIOMMU_RUNDIR': self.run,
                                                    'VIRT_VIOMMU_CONFDIR': self.conf})

    def put(self, number, **members):
        with open(BOOT, encoding='ascii') as text:
            boot = text.read().strip()
        entry = {'ledger': 1, 'boot_id': boot, 'uuid': UUID % number, 'domain': f'vm{number}',
                 'devices': [], 'locked_memory': 0, 'pasid_bits': 0, 'accel_viommus': 0,
                 'command_queues': 0, **members}
        os.makedirs(self.ledger, exist_ok=True)
        with open(f'{self.ledger}/{UUID % number}.json', 'w', encoding='utf-8') as out:
            json.dump(entry, out)


def asks_libvirt():
    done = virt_viommu('ledger', '--verify', '--connect', 'test:///default', '--host', XEON,
                       env={'VIRT_VIOMMU_RUNDIR': '/nonexistent'})
    if b'built without' in done.err or b'cannot ask libvirt' in done.err:
        raise tap.Skip('needs libvirt')


def test_nothing_is_kept():
    here = Place()
    done = here()
    tap.equal((done.code, done.err), (0, b''))
    tap.true(b'Nobody keeps account' in done.out, done)
    os.makedirs(here.ledger)
    tap.equal(here().out, b'No domain holds anything.\n')


def test_table():
    here = Place()
    here.put(1, devices=['0000:65:00.0', '0000:17:00.0'], locked_memory=8 << 30, pasid_bits=16)
    here.put(2, accel_viommus=1, command_queues=2, locked_memory=1 << 29)
    tap.equal(here().out.decode(), """\
DOMAIN  DEVICES  LOCKED MEMORY  PASIDS  ACCEL VIOMMUS  QUEUES
vm1     2        8 GiB          65536   0              0
vm2     0        512 MiB        0       1              2
all     2        8.5 GiB        65536   1              2
quota   9        90%            -       -              -
""")
    tap.true(b'0000:65:00.0 0000:17:00.0' in here('-v').out, 'addresses')


def test_unusable_files_are_warned_of_and_make_sums_unknown():
    here = Place()
    here.put(1, devices=['0000:65:00.0'])
    here.put(2, ledger=7)
    done = here()
    tap.equal(done.code, 0)
    tap.true(done.err.startswith(b'virt-viommu: warning: '), done)
    tap.true(b'all' in done.out and b'all                                   ?' in done.out, done)
    document = json.loads(here('--json').out)
    tap.equal(len(document['problems']), 1)
    tap.true('devices' not in document['total'], document)


def test_what_is_no_file_is_not_waited_for():
    """and made a file again"""
    asks_libvirt()
    here = Place()
    here.put(1, devices=['0000:65:00.0'])
    path = f'{here.ledger}/{UUID % 2}.json'
    os.mkfifo(path)
    done = here()
    tap.equal(done.code, 0)
    tap.true(f'virt-viommu: warning: {path}: not a regular file; what that domain holds is unknown\n' in
             done.err.decode(), done)
    here.runs({1: ['65'], 2: ['17']})
    tap.equal(here('--verify').code, 1)
    tap.equal(here('--rebuild').code, 0)
    tap.true(os.path.isfile(path), 'a file')


def test_json():
    if not jsonschema:
        raise tap.Skip('needs python3-jsonschema')
    asks_libvirt()
    with open(f'{SOURCE}/schemas/ledger-1.schema.json', encoding='utf-8') as text:
        schema = json.load(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    here = Place()
    here.put(1, devices=['0000:65:00.0'], undecided=['group-viable'])
    here.put(2, devices=['0000:65:00.0'])
    here.runs({1: ['17'], 3: ['65']})
    for options in ((), ('--verify',)):
        document = json.loads(here('--json', *options).out)
        jsonschema.validate(document, schema)
    tap.equal([(d['kind'], d['domain']) for d in document['differences']],
              [('wrong', 'vm1'), ('left', 'vm2'), ('missing', 'vm3')])
    with open(f'{here.ledger}/{UUID % 1}.json', encoding='utf-8') as text:
        jsonschema.validate(json.load(text), {**schema, 'required': [], 'properties': {},
                                              '$ref': '#/$defs/file'})


def test_verify_and_rebuild():
    asks_libvirt()
    here = Place()
    here.put(1, devices=['0000:65:00.0'], locked_memory=4 << 30)
    here.put(2, devices=['0000:17:00.0'], locked_memory=4 << 30)
    here.runs({1: ['17', '65'], 3: ['65'], 4: []})
    done = here('--verify')
    tap.equal((done.code, done.err), (1, b''))
    tap.equal(done.out.decode(), f"""\
vm1 ({UUID % 1}): its entry says 4 GiB locked, 1 device; it holds 4 GiB locked, 2 devices
vm2 ({UUID % 2}): does not run, or holds nothing, and has an entry: 4 GiB locked, 1 device
vm3 ({UUID % 3}): runs and has no entry: 4 GiB locked, 1 device
3 differences; virt-viommu ledger --rebuild mends them
""")
    done = here('--rebuild')
    tap.equal((done.code, done.out), (0, b"The ledger is what libvirt's running domains hold.\n"))
    tap.equal(done.err.count(b'\n'), 3)
    tap.equal(here('--verify').code, 0)
    tap.equal(sorted(name for name in os.listdir(here.ledger) if name.endswith('.json')),
              [f'{UUID % 1}.json', f'{UUID % 3}.json'])
    shutil.rmtree(here.run)
    tap.equal(here('--rebuild').code, 0)
    tap.equal(here('--verify').code, 0)


def test_without_a_daemon():
    asks_libvirt()
    done = virt_viommu('ledger', '--verify', '--connect', 'test:///no/such/file',
                       env={'VIRT_VIOMMU_RUNDIR': '/nonexistent'})
    tap.equal((done.code, done.out), (2, b''))
    # libvirt's test driver lets libxml2 say something of its own first
    tap.true(done.err.splitlines()[-1].startswith(b'virt-viommu: test:///no/such/file: '), done)
    tap.equal(virt_viommu('ledger', '--verify', '--rebuild').code, 2)


def test_check_on_the_host_sees_the_ledger():
    here = Place()
    here.put(1, devices=[f'0000:{bus:02x}:00.0' for bus in range(9)])
    wrong = file('wrong.xml', program.WRONG)
    done = virt_viommu('check', wrong, env={'VIRT_VIOMMU_RUNDIR': here.run,
                                            'VIRT_VIOMMU_CONFDIR': here.conf})
    tap.true(b'other domains hold 9 of this host\'s quota of 9' in done.out, done)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
