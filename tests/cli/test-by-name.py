#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains by their names, from libvirt's test driver (which needs no daemon).
usage: test-by-name.py PROGRAM SOURCE-ROOT"""
import os
import shutil
import subprocess
import sys

import program
import tap
from program import SOURCE, WRONG, file, virt_viommu

XEON = ['--host', f'{SOURCE}/tests/host/xeon.json']
READERS = ['check', 'plan', 'apply', 'limits']
# the first runs, the second does not and has a secret
TEXT = WRONG.decode().replace("type='kvm'", "type='test'").replace(
    '<memory', '<uuid>00000000-0000-0000-0000-%012d</uuid><memory')
RUNS = TEXT.replace('wrong', 'runs') % 1
OFF = (TEXT.replace('wrong', 'off guest') % 2).replace(
    '</devices>', "<graphics type='vnc' passwd='sesame'/></devices>").replace(
        '<vcpu>', "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>5"
                  '</test:runstate><vcpu>')
NODE = '<node>%s</node>' % ''.join(
    f"<domain file='{file(name, text.encode())}'/>" for name, text in (('1.xml', RUNS), ('2.xml', OFF)))
URI = 'test://' + file('node.xml', NODE.encode())
CONNECT = ['-c', URI]


def with_libvirt():
    if b'cannot ask libvirt' in (told := virt_viommu('check', 'runs', *XEON, *CONNECT).err) or \
            b'built without' in told:
        raise tap.Skip('needs libvirt (libvirt0) and a build with libvirt-dev')


def dumpxml(name):
    if not shutil.which('virsh'):
        raise tap.Skip('needs virsh (libvirt-clients)')
    return subprocess.run(['virsh', '-c', URI, 'dumpxml', '--inactive', name], check=True,
                          capture_output=True, timeout=60).stdout


def test_a_name_is_read_as_virsh_dumps_it():
    with_libvirt()
    for name in ('runs', 'off guest'):
        path = file('dumped', dumpxml(name))
        for verb, code in (('check', 1), ('limits', 0)):
            by_name, by_file = (virt_viommu(verb, word, *XEON, *CONNECT) for word in (name, path))
            tap.equal((by_name.code, by_name.err), (code, b''), f'{verb} {by_name}')
            tap.equal(by_name.out.replace(f'{name}:'.encode(), f'{path}:'.encode()), by_file.out, name)
    tap.true(b'runs:' in virt_viommu('check', 'runs', *XEON, *CONNECT).out, 'findings name the domain')
    both = virt_viommu('check', 'off guest', 'runs', *XEON, '--format', 'line', env={
        'LIBVIRT_DEFAULT_URI': URI})
    tap.true(b'\nruns:' in both.out and both.out.startswith(b'off guest:'), both)


def test_what_runs():
    with_libvirt()
    done = virt_viommu('check', '--live', 'runs', *XEON, *CONNECT)
    tap.true(done.code == 1 and b'[vtd-caching-mode]' in done.out, done)
    for verb in ('check', 'plan', 'limits'):
        done = virt_viommu(verb, '--live', 'off guest', *XEON, *CONNECT)
        tap.equal((done.code, done.out), (2, b''), done)
        tap.true(b"domain 'off guest' does not run" in done.err, done)
        done = virt_viommu(verb, '--live', file('a.xml', WRONG), *XEON)
        tap.equal((done.code, done.out), (2, b''), done)
        tap.true(b'a.xml: --live is for a domain by its name' in done.err, done)


def test_apply_keeps_what_libvirt_hides():
    """and plan says how to define it"""
    with_libvirt()
    for name, shell in (('runs', 'runs'), ('off guest', "'off guest'")):
        done = virt_viommu('apply', name, *XEON, *CONNECT)
        tap.equal((done.code, done.err), (0, b''), done)
        tap.true(b"caching_mode='on'" in done.out, done.out)
        tap.equal(b"passwd='sesame'" in done.out, name != 'runs', done.out)
        plan = virt_viommu('plan', name, *XEON, *CONNECT).out.decode()
        wanted = f'\n  virt-viommu apply -c {URI} {shell} | virsh -c {URI} define /dev/stdin\n'
        tap.true(plan.endswith(wanted), plan)
        tap.true('virsh' not in virt_viommu('plan', '--live', name, *XEON, *CONNECT).out.decode(), 'live')
        tap.true('virsh' not in virt_viommu('plan', '-q', name, *XEON, *CONNECT).out.decode(), 'quiet')
        if shutil.which('virsh'):
            subprocess.run(['virsh', '-c', URI, 'define', '/dev/stdin'], input=done.out, check=True,
                           capture_output=True, timeout=60)
        again = virt_viommu('plan', file('again.xml', done.out), *XEON).out.decode()
        tap.true('virsh' not in again, again)
    tap.true(b'sesame' not in virt_viommu('plan', '--diff', 'off guest', *XEON, *CONNECT).out, 'plan')


def test_the_next_step_is_for_a_shell():
    with_libvirt()
    plan = virt_viommu('plan', 'runs', *XEON, '-c', f'{URI}?a=b').out.decode()
    tap.true(plan.endswith(f"\n  virt-viommu apply -c '{URI}?a=b' runs | virsh -c '{URI}?a=b' define "
                           '/dev/stdin\n'), plan)


def test_a_file_of_that_name_wins():
    directory = os.path.dirname(file('here/runs', WRONG.replace(b'wrong', b'from-a-file')))
    done = virt_viommu('check', 'runs', '--json', *XEON, *CONNECT, cwd=directory)
    tap.true(b'from-a-file' in done.out, done)


def test_what_is_neither_file_nor_domain():
    for verb in READERS:
        # a path is never a name, and a file that is missing is not asked for
        for word in ('./runs', 'runs.xml'):
            done = virt_viommu(verb, word, *XEON, *CONNECT, cwd=program.SCRATCH.name)
            tap.equal(done.err.decode(), f'virt-viommu: {word}: cannot open: No such file or directory\n')
            tap.equal((done.code, done.out), (2, b''), done)
        done = virt_viommu(verb, '', *XEON, *CONNECT)
        tap.equal(done.err.decode(), 'virt-viommu: : cannot open: No such file or directory\n')
        done = virt_viommu(verb, 'nobody', *XEON, *CONNECT)
        tap.equal((done.code, done.out), (2, b''), done)
        tap.true(done.err.startswith(b'virt-viommu: nobody: no such file, and no such domain: test://') and
                 done.err.count(b'\n') == 1, done)


def test_a_domain_elsewhere_is_not_judged_by_this_host():
    for verb in READERS:
        done = virt_viommu(verb, 'runs', '-c', 'qemu+ssh://elsewhere.invalid/system')
        tap.equal((done.code, done.out), (2, b''), done)
        tap.true(b'is another host, whose facts --host takes' in done.err, done)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
