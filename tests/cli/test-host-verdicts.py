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

import tap
from program import SOURCE, virt_viommu

EXPECTED = f'{SOURCE}/tests/host-verdicts.json'


def described(path):
    done = virt_viommu('host', '--host', path, '--json')
    tap.equal(done.code, 0, done)
    return json.loads(done.out)


def verdicts(path):
    document = described(path)
    return {
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
