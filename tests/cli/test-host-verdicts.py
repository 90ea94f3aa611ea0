#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What follows from the facts of every recorded host: verdicts and notes, compared with what was
read and agreed on (tests/host-verdicts.json, rewritten by VIOMMU_TEST_REGENERATE=1), and -v names
every field.
usage: test-host-verdicts.py PROGRAM SOURCE-ROOT"""
import glob
import json
import os
import sys
import tempfile

import tap
from program import SOURCE, virt_viommu

EXPECTED = f'{SOURCE}/tests/host-verdicts.json'


def described(path):
    done = virt_viommu('host', '--host', path, '--json')
    tap.equal(done.code, 0, done)
    return json.loads(done.out)


def verdicts(path):
    document = described(path)
    derived = ('viable', 'blocked_by', 'endpoints', 'shared_because')
    return {
        'groups': {str(group['id']): {key: group[key] for key in derived if key in group}
                   for group in document.get('groups') or [] if len(group.get('devices') or []) > 1},
        'iommus': {iommu['name']: {key: iommu[key] for key in ('notes', 'verdict') if key in iommu}
                   for iommu in document.get('iommus') or []},
        'devices': {device['address']: device['verdict']
                    for device in document.get('devices') or [] if 'verdict' in device},
    }


def hosts():
    return sorted(glob.glob(f'{SOURCE}/tests/host/*.json') + glob.glob(f'{SOURCE}/examples/hosts/*.json'))


def test_verdicts():
    found = {os.path.relpath(path, SOURCE): verdicts(path) for path in hosts()}
    if os.environ.get('VIOMMU_TEST_REGENERATE'):
        with open(EXPECTED, 'w', encoding='utf-8') as out:
            json.dump(found, out, indent=1, sort_keys=True)
            out.write('\n')
    with open(EXPECTED, encoding='utf-8') as text:
        wanted = json.load(text)
    tap.equal(sorted(found), sorted(wanted))
    for name, value in found.items():
        tap.equal(value, wanted[name], name)


def test_every_mode_and_a_next_step_are_seen():
    """The hosts show every verdict there is."""
    with open(EXPECTED, encoding='utf-8') as text:
        every = [verdict for host in json.load(text).values()
                 for verdict in [*host['devices'].values(),
                                 *(iommu['verdict'] for iommu in host['iommus'].values())]]
    tap.equal({verdict.get('mode') for verdict in every}, {'nested', 'shadow', 'irq', 'none'})
    tap.true(len({verdict['next'] for verdict in every if 'next' in verdict}) > 6, 'next steps')


def test_what_follows_is_not_read_back():
    """A description with other conclusions in it is read as the facts that it holds."""
    path = f'{SOURCE}/tests/host/xeon.json'
    wanted = described(path)
    spoilt = json.loads(json.dumps(wanted))
    for group in spoilt['groups']:
        group.update(viable=not group.get('viable'), endpoints=77, shared_because=['a whim'],
                     blocked_by=['0000:00:00.0'])
    for thing in spoilt['iommus'] + spoilt['devices']:
        thing['verdict'] = {'mode': 'none', 'reasons': ['a whim'], 'denylisted': True}
    with tempfile.TemporaryDirectory() as folder:
        with open(f'{folder}/spoilt.json', 'w', encoding='utf-8') as out:
            json.dump(spoilt, out)
        tap.equal(described(f'{folder}/spoilt.json'), wanted)


def test_verbose_names_every_field():
    for host, registers in (('xeon', ('CAP', 'ECAP')), ('genoa', ('EFR', 'EFR2')),
                            ('grace', ('IDR0', 'IDR1', 'IDR3', 'IDR5'))):
        path = f'{SOURCE}/tests/host/{host}.json'
        text = virt_viommu('host', '--host', path, '-v').out.decode()
        fields = described(path)['iommus'][0]['decoded']
        for register in registers:
            tap.true(f'{register} of ' in text, f'{host}: {register}')
            for field in fields[register]:
                tap.true(f'\n{field} ' in text, f'{host}: {register}.{field}')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
