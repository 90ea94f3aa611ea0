#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts that nobody recorded: what their kernels would show, drawn from the document, is read back
as the same facts, and comes to the same verdicts.
usage: test-host-drawn.py PROGRAM SOURCE-ROOT"""
import json
import sys

import drawn
import tap
from program import SOURCE, virt_viommu

# Xeon SPR on three kernels, a client with 39 bits, EPYC Genoa with and without translation, Grace
# with four SMMUs, Ampere, a VM without IOMMU, the noiommu mode, SR-IOV and variant drivers
HOSTS = ('xeon', 'xeon-6.12', 'xeon-6.1', 'client39', 'genoa', 'genoa-off', 'grace-4', 'ampere',
         'none-iommu', 'noiommu', 'odd-devices')
PROBED = {'idr', 'iidr', 'aidr', 'nest_parent', 'viommu_alloc', 'canwbs', 'cmdqv', 'aperture_bits',
          'max_pasid_log2'}  # no file tells
LISTS = {'iommus': 'name', 'groups': 'id', 'devices': 'address'}


def load(name):
    with open(f'{SOURCE}/tests/host/{name}.json', encoding='utf-8') as text:
        return json.load(text)


def described(*words):
    done = virt_viommu('host', '--json', *words)
    tap.equal((done.code, done.err), (0, b''), repr(done))
    return json.loads(done.out)


def compare(wanted, got, path):
    """All that @wanted knows is in @got."""
    if not isinstance(wanted, dict):
        tap.equal(got, wanted, path)
        return
    for key, value in wanted.items():
        if key not in PROBED:
            tap.true(key in got, f'{path}/{key} is missing')
            compare(value, got[key], f'{path}/{key}')


def hold(name):
    document = load(name)
    got = described('--sysroot', drawn.draw(name, document))
    for part in ('arch', 'kernel', 'vfio'):
        compare(document[part], got[part], f'{name}/{part}')
    for part, key in LISTS.items():
        found = {one[key]: one for one in got[part]}
        tap.equal(sorted(found), sorted(one[key] for one in document[part]), f'{name}/{part}')
        for one in document[part]:
            compare(one, found[one[key]], f'{name}/{part}/{one[key]}')
    return got


def test_facts():
    for name in HOSTS:
        hold(name)


def test_verdicts():
    """Of hosts whose files tell all: SMMUs have to be asked."""
    for name in HOSTS:
        wanted = described('--host', f'{SOURCE}/tests/host/{name}.json')
        if wanted['arch'] == 'aarch64':
            continue
        got = described('--sysroot', drawn.draw(f'{name}-verdicts', load(name)))
        for part, key in LISTS.items():
            for one, other in zip(wanted[part], got[part]):
                for what in ('verdict', 'viable', 'shared_because', 'endpoints', 'decoded', 'notes'):
                    tap.equal(other.get(what), one.get(what), f'{name}/{one[key]}/{what}')


def test_feature_orders():
    """The same IOMMU under a kernel that shows EFR2 first."""
    document = load('genoa')
    for release in ('6.1.192', '6.12.117', '7.2.13'):
        document['kernel']['release'] = release
        got = described('--sysroot', drawn.draw(f'genoa-{release}', document))
        for wanted, found in zip(document['iommus'], got['iommus']):
            tap.equal((found['efr'], found['efr2']), (wanted['efr'], wanted['efr2']), release)


def test_a_lost_file_shows():
    """The comparison can fail: a document with another fact is not what its tree says."""
    document = load('xeon')
    drawn_as = json.loads(json.dumps(document))
    drawn_as['devices'][5]['pcie']['type'] = 'upstream-port'
    got = described('--sysroot', drawn.draw('lost', drawn_as))
    tap.true(got['devices'][5]['pcie']['type'] != document['devices'][5]['pcie']['type'], 'type')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
