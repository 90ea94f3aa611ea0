#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""host --qemu: what a QEMU answers about its devices goes into the facts, and plans use its names.
usage: test-host-qemu.py PROGRAM SOURCE-ROOT"""
import json
import os
import shutil
import sys
import time

import tap
from program import SCRATCH, SOURCE, file, virt_viommu

XEON = f'{SOURCE}/tests/host/xeon.json'


def fake(name, answers):
    """A program that says these lines and ends when it is told to."""
    path = file(name, ('#!/bin/sh\n' + ''.join(f"echo '{answer}'\n" for answer in answers) +
                       'while read line; do case $line in *quit*) exit ;; esac; done\n').encode())
    os.chmod(path, 0o755)
    return path


def asked(program):
    saved = os.path.join(SCRATCH.name, 'asked.json')
    done = virt_viommu('host', '--host', XEON, '--qemu', program, '--save', saved)
    tap.equal(done.code, 0, done)
    with open(saved, encoding='utf-8') as text:
        return saved, json.load(text)


def properties(names):
    return json.dumps({'return': [{'name': name, 'type': 'bool'} for name in names], 'id': 0})


GREETING = '{"QMP": {"version": {}}}'
VERSION = '{"return": {"qemu": {"major": 11, "minor": 1, "micro": 2}, "package": ""}}'


def test_what_it_answers():
    _, facts = asked(fake('qemu', [GREETING, '{"return": {}}', VERSION,
                                   properties(['fsts', 'scalable-mode', 'pasid-bits', 'aw-bits']),
                                   '{"id": 1, "error": {"class": "GenericError"}}']))
    tap.equal(facts['versions']['qemu'], '11.1.2')
    tap.equal(facts['qemu_devices'], [{'name': 'intel-iommu', 'properties':
                                       ['aw-bits', 'fsts', 'pasid-bits', 'scalable-mode']}])


def test_plans_use_its_names():
    """A QEMU that was built with the older names, whatever its version says."""
    saved, _ = asked(fake('old', [GREETING, VERSION,
                                  properties(['x-flts', 'x-scalable-mode', 'x-pasid-mode'])]))
    domain = f'{SOURCE}/tests/xml/plan-vtd-nested-pasid/domain.xml'
    new = virt_viommu('apply', domain, '--host', XEON)
    old = virt_viommu('apply', domain, '--host', saved)
    tap.true(b"name='fsts'" in new.out, new)
    tap.true(b"name='x-flts'" in old.out and b"name='fsts'" not in old.out, old)


def test_what_is_no_qemu():
    for program, words in ((fake('mute', []), b'answers nothing'), ('/no/such/qemu', b'virt-viommu: /no/such/qemu: cannot be started: '),
                           (fake('odd', ['hello', '[]', '{"return": 5}', '{"return": [], "id": 99}']),
                            b'answers nothing')):
        done = virt_viommu('host', '--host', XEON, '--qemu', program)
        tap.equal(done.code, 2, done)
        tap.true(words in done.err, done)


def test_why_it_does_not_answer():
    """A QEMU that cannot start says why; so do we, and at once."""
    path = file('broken', b'#!/bin/sh\necho warning >&2\necho "no libgone.so.1: \033[1mgone" >&2\nexit 1\n')
    os.chmod(path, 0o755)
    started = time.monotonic()
    done = virt_viommu('host', '--host', XEON, '--qemu', path)
    tap.equal((done.code, done.err.decode()),
              (2, f'virt-viommu: {path}: answers nothing about its devices: no libgone.so.1:  [1mgone\n'))
    for program in ('/bin/true', '/bin/false'):
        done = virt_viommu('host', '--host', XEON, '--qemu', program)
        tap.equal((done.code, done.err.decode()),
                  (2, f'virt-viommu: {program}: answers nothing about its devices\n'))
    tap.true(time.monotonic() - started < 9, 'nobody waits for the limit of time')


def test_what_does_not_end():
    """Closes its output and goes on: is ended when the time is up."""
    path = file('endless', b'#!/bin/sh\nexec >&-\nexec sleep 1000\n')
    os.chmod(path, 0o755)
    started = time.monotonic()
    done = virt_viommu('host', '--host', XEON, '--qemu', path)
    tap.equal(done.code, 2, done)
    tap.true(time.monotonic() - started < 60, 'it is ended')


def test_an_installed_qemu():
    program = shutil.which('qemu-system-x86_64')
    if not program:
        raise tap.Skip('needs qemu-system-x86_64')
    _, facts = asked(program)
    devices = {device['name']: device['properties'] for device in facts['qemu_devices']}
    tap.true('caching-mode' in devices['intel-iommu'], devices)
    tap.true({'bus_nr', 'numa_node'} <= set(devices['pxb-pcie']), devices)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
