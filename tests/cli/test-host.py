#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-viommu host: probing, and what it keeps.  usage: test-host.py PROGRAM SOURCE-ROOT

The running host is stood in for by small trees over /sys and /dev, in a mount namespace of its own:
no device of this machine is ever opened.
"""
import json
import os
import subprocess
import sys

import program
import tap
import user
from program import PLAIN, SOURCE, file, virt_viommu

IDLE, BUSY, DISK = '0000:01:00.0', '0000:02:00.0', '0000:41:00.0'
GRACE = f'{SOURCE}/tests/host/grace.json'


def link(target, *where):
    path = os.path.join(program.SCRATCH.name, *where)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def function(tree, address, iommu, group, driver, vfio=None):
    where = f'{tree}/sys/bus/pci/devices/{address}'
    for name, text in {'vendor': '0x8086', 'device': '0x10d3', 'class': '0x020000',
                       'resource': '0x0 0x0 0x0\n' * 7}.items():
        file(f'{where}/{name}', text.encode())
    link(f'../../../../class/iommu/{iommu}', where, 'iommu')
    link(f'../../../../kernel/iommu_groups/{group}', where, 'iommu_group')
    link(f'../../../../bus/pci/drivers/{driver}', where, 'driver')
    if vfio:
        file(f'{where}/vfio-dev/{vfio}/dev', b'511:0\n')
        file(f'{tree}/dev/vfio/devices/{vfio}', b'')
    link(f'../../../../bus/pci/devices/{address}',
         f'{tree}/sys/kernel/iommu_groups/{group}/devices', address)


def machine(tree, driver_of_first='vfio-pci'):
    """Two units; behind dmar0 a function that idles on vfio-pci, behind dmar1 the host's disk."""
    for unit in ('dmar0', 'dmar1'):
        file(f'{tree}/sys/class/iommu/{unit}/intel-iommu/cap', b'd2008c222f0686\n')
        file(f'{tree}/sys/class/iommu/{unit}/intel-iommu/ecap', b'f00f4e\n')
    file(f'{tree}/dev/iommu', b'')  # opens, and knows no ioctl
    file(f'{tree}/dev/null', b'')
    function(tree, IDLE, 'dmar0', 7, driver_of_first,
             'vfio0' if driver_of_first == 'vfio-pci' else None)
    function(tree, DISK, 'dmar1', 8, 'nvme')
    return os.path.join(program.SCRATCH.name, tree)


def over(tree, *more):
    """Words before the program that put @tree over /sys and /dev for it alone."""
    script = f"mount --bind '{tree}/sys' /sys && mount --bind '{tree}/dev' /dev || exit 9\n"
    script += ''.join(f"mount --bind '{source}' '{target}' || exit 9\n" for source, target in more)
    words = ['unshare', '--mount', 'sh', '-c', script + 'exec "$0" "$@"']
    try:
        done = subprocess.run([*words, 'true'], capture_output=True, timeout=60, check=False)
    except OSError as error:
        raise tap.Skip('needs unshare') from error
    if done.returncode != 0:
        raise tap.Skip('needs root to mount trees over /sys and /dev')
    return words


def run_directory(name):
    return {'VIRT_VIOMMU_RUNDIR': os.path.join(program.SCRATCH.name, name)}


def refused(done, *words):
    tap.equal(done.code, 2, repr(done))
    tap.equal(done.out, b'')
    lines = done.err.decode().splitlines()
    tap.equal(len(lines), 1, repr(done))
    for word in words:
        tap.true(word in lines[0], f'{word}: {lines[0]}')
    tap.true('resets' not in lines[0], lines[0])


def test_no_probe_of_saved_facts():
    tree = machine('saved')
    for words in (['--sysroot', tree], ['--host', GRACE], ['--host', 'none']):
        refused(virt_viommu('host', '--probe', *words), '--probe asks this machine', words[0])


def test_other_verbs_do_not_probe():
    for verb in ('check', 'plan', 'apply', 'limits'):
        refused(virt_viommu(verb, '--probe', file('plain.xml', PLAIN)), '--probe')


def test_names_before_it_opens_and_says_what_it_needs():
    tree = machine('idle')
    done = virt_viommu('host', '--probe', '--json', prefix=over(tree), env=run_directory('run-idle'))
    tap.equal(done.code, 0, repr(done))
    tap.equal(done.err.decode().splitlines(),
              [f'virt-viommu: opening and closing {IDLE}, which resets it',
               'virt-viommu: dmar1 has no idle function: if the host can spare its only one, bind it '
               'to vfio-pci, with its whole group'])
    # the stand-in was opened, and answers nothing
    reason = json.loads(done.out)['unknown'][f'devices/{IDLE}/max_pasid_log2']
    tap.true(reason.startswith('the probe failed'), reason)
    tap.true(os.path.isfile(f'{program.SCRATCH.name}/run-idle/probed.json'), 'answers are kept')


def test_check_and_plan_open_nothing():
    tree = machine('passive')
    for verb in ('host', 'check', 'plan'):
        words = [] if verb == 'host' else [file('plain.xml', PLAIN)]
        done = virt_viommu(verb, *words, prefix=over(tree), env=run_directory('run-passive'))
        tap.true(done.code in (0, 1), repr(done))
        tap.true(b'resets' not in done.err, repr(done))
    tap.true(not os.path.exists(f'{program.SCRATCH.name}/run-passive'), 'nothing was kept')


def test_no_idle_function():
    tree = machine('none-idle', driver_of_first='e1000e')
    done = virt_viommu('host', '--probe', prefix=over(tree), env=run_directory('run-none'))
    tap.equal(done.code, 0, repr(done))
    lines = done.err.decode().splitlines()
    tap.true('nothing to ask' in lines[0], repr(lines))
    tap.equal([line.split()[1] for line in lines[1:]], ['dmar0', 'dmar1'])
    tap.true(b'resets' not in done.err, repr(done))


def test_a_probe_takes_root():
    tree = machine('user')
    done = virt_viommu('host', '--probe', prefix=[*over(tree), *user.words()],
                       env=run_directory('run-user'))
    refused(done, '/dev/iommu', 'a probe needs root')


def test_refuses_where_warnings_are_fatal():
    tree = machine('panic')
    one = file('panic_on_warn', b'1\n')
    done = virt_viommu('host', '--probe', env=run_directory('run-panic'),
                       prefix=over(tree, (one, '/proc/sys/kernel/panic_on_warn')))
    refused(done, 'panic_on_warn')
    tap.true(not os.path.exists(f'{program.SCRATCH.name}/run-panic'), 'nothing was kept')


def test_refuses_without_iommufd():
    tree = machine('no-iommufd')
    os.unlink(f'{tree}/dev/iommu')
    refused(virt_viommu('host', '--probe', prefix=over(tree), env=run_directory('run-no')),
            '/dev/iommu', 'CONFIG_IOMMUFD')


def kept(directory, **members):
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as text:
        document = {'host': 1, 'boot_id': text.read().strip(), 'devices': [],
                    'iommus': [{'name': 'dmar0', 'type': 'intel-vtd', 'aperture_bits': 47}]}
    document.update(members)
    file(f'{directory}/probed.json', json.dumps(document).encode())
    return run_directory(directory)


def width(done):
    tap.equal(done.code, 0, repr(done))
    return json.loads(done.out)['iommus'][0].get('aperture_bits')


def test_later_reads_know_what_was_probed():
    tree = machine('later')
    env = kept('run-later')
    saved = os.path.join(program.SCRATCH.name, 'later.json')
    tap.equal(width(virt_viommu('host', '--json', prefix=over(tree), env=env)), 47)
    tap.equal(virt_viommu('host', '--save', saved, prefix=over(tree), env=env).code, 0)
    with open(saved, encoding='utf-8') as document:
        tap.equal(json.load(document)['iommus'][0]['aperture_bits'], 47)
    # not of this boot, and not of another host's tree
    other = kept('run-other', boot_id='00000000-0000-0000-0000-000000000000')
    tap.equal(width(virt_viommu('host', '--json', prefix=over(tree), env=other)), None)
    tap.equal(width(virt_viommu('host', '--json', '--sysroot', tree, env=env)), None)


def test_probe_and_save():
    tree = machine('save')
    saved = os.path.join(program.SCRATCH.name, 'probed-and-saved.json')
    env = kept('run-save')
    done = virt_viommu('host', '--probe', '--save', saved, prefix=over(tree), env=env)
    tap.equal((done.code, done.out), (0, b''), repr(done))
    for path in (saved, f'{env["VIRT_VIOMMU_RUNDIR"]}/probed.json'):
        with open(path, encoding='utf-8') as document:
            tap.equal(json.load(document)['iommus'][0]['aperture_bits'], 47, path)


def test_spoilt_notes_are_a_warning():
    tree = machine('spoilt')
    for name, content in {'rubbish': b'{', 'type': b'{"host": 1, "boot_id": 5}',
                          'empty': b''}.items():
        path = file(f'run-{name}/probed.json', content)
        done = virt_viommu('host', '--json', prefix=over(tree), env=run_directory(f'run-{name}'))
        tap.equal(done.code, 0, repr(done))
        lines = done.err.decode().splitlines()
        tap.equal(len(lines), 1, repr(done))
        tap.true(lines[0].startswith(f'virt-viommu: warning: {path}:'), lines[0])
        tap.equal(json.loads(done.out)['host'], 1)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
