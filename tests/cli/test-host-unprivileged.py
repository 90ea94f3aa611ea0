#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""host without root: what can be read is read, and each missing fact says what it takes.
usage: test-host-unprivileged.py PROGRAM SOURCE-ROOT

What is read of a tree with nothing out of reach is the truth. Who may read less of it must get the
same facts or none, and for each that is missing a reason.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys

import program
import sysroot
import tap
import user
from program import virt_viommu

# lists of objects, and what names their elements
LISTS = {'iommus': 'name', 'groups': 'id', 'devices': 'address', 'mdev_types': 'type', 'vdpa': 'name',
         'hugepages': 'size', 'pinned': 'uid', 'kernel_options': 'name'}
FOLLOWS = {'unknown', 'decoded', 'notes', 'shared_because'}  # no facts
IDR = f'iommus/{sysroot.SMMU}/idr'


def facts(*words, prefix=()):
    done = virt_viommu('host', '--json', *words, prefix=prefix)
    tap.equal((done.code, done.err), (0, b''), repr(done))
    return json.loads(done.out)


def keyed(name, value):
    """A list of objects as an object; all else as it is."""
    if name not in LISTS or not isinstance(value, list) or isinstance((value or [''])[0], str):
        return value
    return {str(item[LISTS[name]]): item for item in value}


def compare(truth, got, path, missing):
    """Adds to @missing the paths that @got lacks; what it has must be true."""
    name = path.rpartition('/')[2]
    truth, got = keyed(name, truth), keyed(name, got)
    if not isinstance(truth, dict) or not isinstance(got, dict):
        tap.equal(got, truth, path)
        return
    tap.true(set(got) <= set(truth) | FOLLOWS, f'{path} has in truth no {set(got) - set(truth)}')
    for key, value in truth.items():
        where = f'{path}/{key}'.strip('/')
        if key == 'verdict':
            for part in ('mode', 'assignable'):
                tap.true(got.get(key, {}).get(part) in (None, value.get(part)),
                         f'{where}/{part}: {got.get(key)}, in truth {value}')
        elif key in ('viable', 'endpoints'):
            tap.true(got.get(key) in (None, value), f'{where}: {got.get(key)}, in truth {value}')
        elif key == 'blocked_by':
            tap.true(set(got.get(key, [])) <= set(value), f'{where}: {got.get(key)}, in truth {value}')
        elif key not in FOLLOWS and (key in got or isinstance(value, dict)):
            compare(value, got.get(key, {}), where, missing)
        elif key not in FOLLOWS:
            missing.append(where)


def reason(path, reasons):
    """(path, reason) of that fact, or of what it is part of"""
    while path and path not in reasons:
        path = path.rpartition('/')[0]
    return path, reasons.get(path)


def lost(truth, got):
    """path -> reason, where @got has less than @truth"""
    missing = []
    compare(truth, got, '', missing)
    found = {}
    for path in missing:
        where, why = reason(path, got.get('unknown', {}))
        tap.true(why, f'{path} is missing without a reason')
        found[where] = why
    return found


def hold(tree, truth, paths, words):
    """Facts of @tree without @paths are those of @truth, or unknown for want of root."""
    with user.Shut(*paths):
        got = facts('--sysroot', tree, prefix=words)
    try:
        for fact, why in lost(truth, got).items():
            other = re.match('takes (.*?),', why)  # another fact, which then takes root
            if other:
                why = reason(other[1], got['unknown'])[1]
            tap.true(why and 'needs root: /' in why, f'{fact}: {why}')
    except AssertionError as error:
        raise AssertionError(f'without {paths}: {error}') from error


def test_each_file_out_of_reach():
    words = user.words()
    tree = sysroot.make('each')
    paths = user.own(tree)
    truth = facts('--sysroot', tree, prefix=words)
    tap.equal(list(truth['unknown']), [IDR], 'the tree has something of all facts')
    for path in paths:
        hold(tree, truth, [path], words)


def test_some_files_out_of_reach():
    """What several files tell is not denied by those that are left."""
    words = user.words()
    tree = sysroot.make('some')
    paths = user.own(tree)
    truth = facts('--sysroot', tree, prefix=words)
    pick = random.Random(1)
    for _ in range(100):
        hold(tree, truth, pick.sample(paths, pick.randint(2, 12)), words)


def test_nothing_there_or_nothing_seen():
    """A host that has no VFIO, huge pages and vDPA is not one that does not show them."""
    words = user.words()
    tree = sysroot.make('bare')
    for path in ('boot', 'sys/bus/vdpa', 'sys/kernel/mm/hugepages', 'sys/kernel/irq',
                 f'sys/devices/{sysroot.PATHS[sysroot.NIC]}/vfio-dev', 'dev'):
        shutil.rmtree(f'{tree}/{path}')
    for path in ('sys/class/misc', 'dev'):
        os.makedirs(f'{tree}/{path}')
    paths = user.own(tree)
    truth = facts('--sysroot', tree, prefix=words)
    tap.equal([truth['vfio'][node] for node in ('container', 'iommufd', 'cdev')], [False] * 3)
    tap.equal((truth['vdpa'], truth['hugepages']), (None, None))
    for path in paths:
        hold(tree, truth, [path], words)


def test_real_permissions():
    """What Linux and Debian keep for root, and nothing else, is missing."""
    words = user.words()
    if not words:
        raise tap.Skip('needs root, to compare with')
    truth = facts('--sysroot', sysroot.make('root'))
    tree = sysroot.make('others', config_size=64)
    config = 'needs root with CAP_SYS_ADMIN on the host: others see the first bytes of config space only'
    wanted = {f'devices/{address}/pcie': config for address in sysroot.PATHS}
    wanted[f'iommus/{sysroot.SMMU}/canwbs'] = 'needs root: /sys/firmware/acpi/tables/IORT'
    wanted['versions/qemu'] = 'needs root: /var/cache/libvirt/qemu/capabilities'
    tap.equal(lost(truth, facts('--sysroot', tree, prefix=words)), wanted)
    text = virt_viommu('host', '-v', '--sysroot', tree, prefix=words)
    tap.equal(text.code, 0, repr(text))
    for path, why in wanted.items():
        tap.true(path in text.out.decode() and why in text.out.decode(), f'{path} in -v')


def test_root_without_its_powers():
    """As in a container: told apart from a user who may become root."""
    if os.getuid() != 0 or not user.works(['setpriv', *user.POWERLESS, 'true']):
        raise tap.Skip('needs root and setpriv')
    tree = sysroot.make('contained')
    user.own(tree)
    found = lost(facts('--sysroot', tree), facts('--sysroot', tree, prefix=['setpriv', *user.POWERLESS]))
    tap.equal(found[f'iommus/{sysroot.SMMU}/canwbs'],
              'denied to root as well, by a container or a security module: '
              '/sys/firmware/acpi/tables/IORT')


def test_this_machine():
    words = user.words()
    got = facts(prefix=words)
    tap.equal((got['kernel']['release'], got['name']), (os.uname().release, os.uname().nodename))
    if not words:
        raise tap.Skip('needs root, to compare with')
    truth = facts()
    for document in (truth, got):  # others start and end processes meanwhile
        for part in ('limits', 'pinned', 'hugepages'):
            document.pop(part, None)
        for unit in document.get('iommus') or []:
            unit.pop('domains_used', None)
    for fact, why in lost(truth, got).items():
        tap.true('needs root' in why, f'{fact}: {why}')


def beside_a_daemon(hidepid, words):
    """Facts that are read where a libvirtd of root runs, and /proc hides it or does not. It has a
    process list of its own, for others not to see that libvirtd."""
    daemon = os.path.join(program.SCRATCH.name, 'libvirtd')
    if not os.path.exists(daemon):
        shutil.copy(shutil.which('sleep'), daemon)
    script = f'mount -t proc -o hidepid={hidepid} proc /proc || exit 9\n' \
             f'ulimit -l 4096; "{daemon}" 100 & \n' \
             'until grep -qs libvirtd /proc/$!/comm; do sleep 0.01; done; "$@"'
    prefix = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh']
    if os.getuid() != 0 or not user.works([*prefix, 'true']):
        raise tap.Skip('needs root and namespaces')
    return facts(prefix=[*prefix, *words])


def test_processes_that_hide():
    words = user.words()
    seen = {'of': 'libvirtd', 'soft': 4194304, 'hard': 4194304}
    for hidepid, prefix in ((0, words), (1, []), (2, [])):
        memlock = beside_a_daemon(hidepid, prefix)['limits']['memlock']
        tap.equal({key: memlock.get(key) for key in seen}, seen, f'hidepid={hidepid}')
    for hidepid, why in ((1, r'needs root: /proc/\d+/comm'), (2, r'needs root: /proc shows.*\(hidepid\)')):
        got = beside_a_daemon(hidepid, words)
        tap.true('pinned' not in got and 'of' not in got.get('limits', {}).get('memlock', {}), repr(got))
        tap.true(re.fullmatch(why, got['unknown']['limits/memlock']), got['unknown'])


def test_processes_of_a_container():
    """Those of the host count for its users as well."""
    got = beside_a_daemon(0, [])
    tap.true('pinned' not in got, repr(got))
    tap.true('PID namespace' in got['unknown']['pinned'], got['unknown']['pinned'])


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
