#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shipped profiles: each changes the verdicts that it is there for, and what apply writes under
one passes under the same.
usage: test-profiles.py PROGRAM SOURCE-ROOT"""
import glob
import json
import os
import sys

import tap
from program import SOURCE, file, virt_viommu

PROFILES = [os.path.basename(path)[:-5] for path in sorted(glob.glob(f'{SOURCE}/policy/profiles/*.json'))]

# golden case, rule, severity under default, profile, severity under it (None: not said at all)
CHANGES = [
    ('bus-root-port-acs', 'bus-root-port-acs', 'warning', 'strict', 'error'),
    ('group-no-reset', 'group-no-reset', 'warning', 'strict', 'error'),
    ('xml-value-dropped', 'xml-value-dropped', 'warning', 'strict', 'error'),
    ('stack-viommu-in-commandline', 'stack-viommu-in-commandline', 'warning', 'strict', 'error'),
    ('stack-hostdev-in-commandline', 'stack-hostdev-in-commandline', 'warning', 'strict', 'error'),
    ('stack-hostdev-in-commandline', 'stack-hostdev-in-commandline', 'warning', 'kubevirt',
     'error'),
    ('stack-viommu-in-commandline', 'stack-viommu-in-commandline', 'warning', 'kubevirt', 'error'),
    ('bus-unwritten-address-behind-expander', 'bus-unwritten-address-behind-expander', 'warning',
     'kubevirt', None),
    ('xml-alias-not-user', 'xml-alias-not-user', 'warning', 'kubevirt', 'info'),
    ('hotplug-no-free-port', 'hotplug-no-free-port', 'error', 'lab', 'warning'),
    ('group-no-reset', 'group-no-reset', 'warning', 'lab', 'info'),
    ('group-isolated-msi', 'group-isolated-msi', 'error', 'lab', 'warning'),
]


def case(name):
    """Words that check or apply that golden case, without its policy."""
    directory = f'{SOURCE}/tests/xml/{name}'
    with open(f'{directory}/case.json', encoding='utf-8') as text:
        facts = json.load(text)
    host = facts.get('host', 'none')
    return [f'{directory}/domain.xml', '--host',
            host if host == 'none' else f'{SOURCE}/tests/host/{host}.json',
            *(['--libvirt-version', facts['libvirt']] if facts.get('libvirt') else []),
            *(['--qemu-version', facts['qemu']] if facts.get('qemu') else [])]


def severity(name, rule, profile):
    done = virt_viommu('check', *case(name), '--policy', profile, '--json')
    found = {finding['severity'] for finding in json.loads(done.out)[0]['findings']
             if finding['rule'] == rule and finding['outcome'] == 'fail'}
    tap.true(len(found) < 2, f'{name}: {found}')
    return found.pop() if found else None


def test_each_profile_does_what_it_is_for():
    for name, rule, before, profile, after in CHANGES:
        tap.equal(severity(name, rule, 'default'), before, f'{name} under default')
        tap.equal(severity(name, rule, profile), after, f'{name} under {profile}')
    tap.equal({row[3] for row in CHANGES}, set(PROFILES) - {'default'}, 'every profile is tried')


def test_they_are_in_the_library_as_well():
    for profile in PROFILES:
        shown = virt_viommu('policy', 'show', profile)
        inside = virt_viommu('policy', 'show', profile, env={'VIRT_VIOMMU_PROFILES': '/nonexistent'})
        tap.equal(shown.code, 0, shown)
        tap.equal(inside.out, shown.out, profile)
        tap.equal(json.loads(shown.out)['name'], profile)


def test_every_change_has_a_reason():
    for path in glob.glob(f'{SOURCE}/policy/profiles/*.json'):
        with open(path, encoding='utf-8') as text:
            for rule, change in json.load(text).get('rules', {}).items():
                tap.true(len(change['reason']) > 20, f'{path}: {rule}')


def test_what_apply_writes_passes_under_the_same_profile():
    written = 0
    for path in sorted(glob.glob(f'{SOURCE}/tests/xml/plan-*/expected.xml')):
        name = os.path.basename(os.path.dirname(path))
        words = case(name)
        for profile in PROFILES:
            done = virt_viommu('apply', *words, '--policy', profile)
            if done.code != 0:
                continue
            written += 1
            again = virt_viommu('check', file(f'{name}-{profile}.xml', done.out), *words[1:],
                                '--policy', profile, '--json')
            errors = [finding for finding in json.loads(again.out)[0]['findings']
                      if finding['outcome'] == 'fail' and finding['severity'] == 'error' and
                      not finding['rule'].startswith(('group-', 'memlock-', 'stack-iommufd-needs'))]
            tap.equal(errors, [], f'{name} under {profile}')
    tap.true(written > 60, f'{written} domains written')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
