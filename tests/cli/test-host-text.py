#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-viommu host for people: parts of a host, names, terminals.
usage: test-host-text.py PROGRAM SOURCE-ROOT"""
import glob
import json
import os
import shutil
import subprocess
import sys

import program
import tap
from program import SOURCE, virt_viommu
from terminal import lines_of, on_a_terminal

XEON = ['--host', f'{SOURCE}/tests/host/xeon.json']

# what an admin may add: a model of their own, and one that no terminal should see
DATABASE = """pci:v000010DE*
 ID_VENDOR_FROM_DATABASE=NVIDIA Corporation

pci:v000010DEd00002331*
 ID_MODEL_FROM_DATABASE=GH100 [Our GPU]

pci:v000010DEd00001E30*
 ID_MODEL_FROM_DATABASE=\x1b[31mred

pci:v*d*sv*sd*bc03*
 ID_PCI_CLASS_FROM_DATABASE=Display controller

pci:v*d*sv*sd*bc03sc02*
 ID_PCI_SUBCLASS_FROM_DATABASE=3D controller
"""


def text(*words, **options):
    done = virt_viommu('host', *words, **options)
    tap.equal((done.code, done.err), (0, b''), repr(done))
    return done.out.decode()


def test_one_function_by_each_of_its_names():
    whole = text('-n', *XEON, '0000:98:00.0')
    tap.true(whole.startswith('0000:98:00.0 '), whole)
    for fact in ('vfio4', 'dmar3', '27: 0000:98:00.0, 0000:98:00.1', 'snd_hda_intel', '256 MiB',
                 'dma only', '10de:1e30'):
        tap.true(fact in whole, f'{fact}: {whole}')
    tap.true('0000:17:00.0' not in whole, whole)
    tap.equal(text('-n', *XEON, '98:00.0'), whole)
    tap.equal(text('-n', *XEON, 'pci_0000_98_00_0'), whole)
    both = text('-n', *XEON, '98:00.0', '0000:17:00.0')
    tap.true(both.startswith(whole + '\n0000:17:00.0 '), both)


def test_one_group():
    group = text('-n', *XEON, '--group', '27')
    for fact in ('Group 27', '0000:98:00.0', '0000:98:00.1', 'identity'):
        tap.true(fact in group, f'{fact}: {group}')
    tap.true('0000:17:00.0' not in group, group)
    tap.true('Group 22' in text('-n', *XEON, '--group', '27', '--group=22'), 'two groups')


def test_what_is_not_there_is_told():
    for words, wanted in ((['3b:1f.7'], '3b:1f.7: this host has no such function'),
                          (['3b:00'], "'3b:00' is no PCI address such as 0000:3b:00.0"),
                          (['--group', '99'], "no IOMMU group '99'"),
                          (['--group', '-1'], "no IOMMU group '-1'"),
                          (['17:00.0', '--json'], 'JSON has the whole host'),
                          (['--group', '27', '--save', '/nonexistent'], '--save saves the whole')):
        done = virt_viommu('host', *XEON, *words)
        tap.equal((done.code, done.out), (2, b''), repr(done))
        tap.true(wanted in done.err.decode() and done.err.count(b'\n') == 1, repr(done))
    done = virt_viommu('host', '--host', 'none', '17:00.0')
    tap.true(done.code == 2 and b'no host facts' in done.err, repr(done))


def test_only_the_config_space_that_was_asked_for():
    """Reading it wakes a sleeping device."""
    tree = os.path.join(program.SCRATCH.name, 'config')
    for number, address in enumerate(('0000:01:00.0', '0000:02:00.0')):
        where = f'{tree}/sys/bus/pci/devices/{address}'
        for name, content in {'vendor': b'0x8086\n', 'device': b'0x10d3\n', 'class': b'0x020000\n',
                              'config': bytes(256)}.items():
            program.file(f'{where}/{name}', content)
        os.symlink(f'../../../../kernel/iommu_groups/{number}', f'{where}/iommu_group')
        members = f'{tree}/sys/kernel/iommu_groups/{number}/devices'
        os.makedirs(members)
        os.symlink(where, f'{members}/{address}')
    trace = os.path.join(program.SCRATCH.name, 'trace')
    if not shutil.which('strace'):
        raise tap.Skip('needs strace')
    for words, wanted in ((['01:00.0'], 1), (['--group', '1'], 1), ([], 2)):
        text('--sysroot', tree, *words,
             prefix=['strace', '-f', '-e', 'trace=openat', '-o', trace],
             env={'ASAN_OPTIONS': 'exitcode=99:detect_leaks=0'})  # LSan cannot be traced
        with open(trace, encoding='utf-8', errors='replace') as log:
            reads = sum('/pci/devices/' in line and '/config"' in line for line in log)
        tap.equal(reads, wanted, f'reads for {words}')


def recorded_tree():
    tree = os.path.join(program.SCRATCH.name, 'recorded')
    os.makedirs(tree)
    subprocess.run(['tar', '-xzf', f'{SOURCE}/tests/host/vtd-iommufd.tar.gz', '-C', tree], check=True,
                   timeout=60)
    return f'{tree}/vtd-iommufd'


def test_a_part_knows_why_its_group_is_shared():
    """What was read for one function is enough for what the whole host tells."""
    tree = recorded_tree()
    whole = json.loads(text('--sysroot', tree, '--json'))
    shared = [group for group in whole['groups'] if 'shared_because' in group]
    tap.true(len(shared) >= 3, shared)
    for group in shared:
        tap.true('not known' not in group['shared_because'][0], group)
        for words in (['--group', str(group['id'])], *([address] for address in group['devices'])):
            part = text('-n', '--sysroot', tree, *words)
            for reason in group['shared_because']:
                tap.true(f' {reason}\n' in part, f'{words}: {reason}: {part}')


def database():
    """A directory with a compiled database"""
    if not shutil.which('systemd-hwdb'):
        raise tap.Skip('needs systemd-hwdb')
    root = os.path.join(program.SCRATCH.name, 'hwdb')
    program.file('hwdb/etc/udev/hwdb.d/50-test.hwdb', DATABASE.encode())
    subprocess.run(['systemd-hwdb', f'--root={root}', 'update'], check=True, timeout=60,
                   stderr=subprocess.DEVNULL)
    found = glob.glob(f'{root}/**/hwdb.bin', recursive=True)
    tap.equal(len(found), 1, 'a compiled database')
    return os.path.dirname(found[0])


def over_database(directory):
    """Words before the program that give it the database in @directory and no other (hwdb(7))."""
    places = ['/etc/udev', '/etc/systemd/hwdb', '/usr/lib/systemd/hwdb', '/usr/lib/udev',
              '/lib/udev']
    there = [place for place in places if os.path.isdir(place)]
    if not there:
        raise tap.Skip('no directory for a database in this root')
    script = ''.join(f"mount --bind '{directory}' '{place}' || exit 9\n" for place in there)
    words = ['unshare', '--mount', 'sh', '-c', script + 'exec "$0" "$@"']
    try:
        done = subprocess.run([*words, 'true'], capture_output=True, timeout=60, check=False)
    except OSError as error:
        raise tap.Skip('needs unshare') from error
    if done.returncode != 0:
        raise tap.Skip('needs root to mount a database')
    return words


def built_with_udev():
    done = subprocess.run(['ldd', program.PROGRAM], capture_output=True, text=True, check=False)
    if 'libudev' not in done.stdout:
        raise tap.Skip('built without libudev')


def test_names_of_the_database():
    built_with_udev()
    prefix = over_database(database())
    tree = text(*XEON, prefix=prefix)
    tap.true('NVIDIA Our GPU ' in tree, tree)
    tap.true('network 8086:1592' in tree, 'ids where the database has no name')
    # a name that a terminal would obey is none
    tap.true('\x1b' not in tree and 'NVIDIA GPU 10de:1e30' in tree, tree)
    one = text(*XEON, '17:00.0', prefix=prefix)
    tap.true(one.startswith('0000:17:00.0  NVIDIA Corporation GH100 [Our GPU], 3D controller '
                            '[10de:2331]\n'), one)
    numeric = text('--numeric', *XEON, prefix=prefix)
    tap.true('GPU 10de:2331' in numeric and 'NVIDIA' not in numeric, numeric)


def test_ids_without_a_database():
    empty = os.path.join(program.SCRATCH.name, 'no-hwdb')
    os.makedirs(empty)
    tap.equal(text(*XEON, prefix=over_database(empty)), text('-n', *XEON))
    program.file('bad-hwdb/hwdb.bin', b'KSLPHHRH' + bytes(3))
    bad = over_database(os.path.join(program.SCRATCH.name, 'bad-hwdb'))
    tap.equal(text(*XEON, prefix=bad), text('-n', *XEON))


def test_terminals_of_any_width():
    for columns in (60, 80, 120):
        lines = lines_of(on_a_terminal(['host', *XEON], columns))
        tap.true(max(map(len, lines)) <= columns, f'{columns}: {lines}')
        tap.true(any('0000:98:00.1' in line and 'dma only' in line for line in lines), repr(lines))
        # who says nothing else has one of 80
        said = lines_of(on_a_terminal(['host', *XEON], 0, COLUMNS=str(columns)))
        tap.equal(said, lines)
    tap.equal(lines_of(on_a_terminal(['host', *XEON], 0)),
              lines_of(on_a_terminal(['host', *XEON], 80)))
    tap.equal(text(*XEON, env={'COLUMNS': '60'}).splitlines(),
              lines_of(on_a_terminal(['host', *XEON], 60)))
    for wrong in ('', '0', '-60', 'wide', '5'):
        tap.equal(text(*XEON, env={'COLUMNS': wrong}), text(*XEON))


def test_colours():
    escape = b'\x1b['
    tap.true(escape not in virt_viommu('host', *XEON).out, 'none in a pipe')
    tap.true(escape in on_a_terminal(['host', *XEON]), 'on a terminal')
    tap.true(escape not in on_a_terminal(['host', *XEON], NO_COLOR='1'), 'not with NO_COLOR')
    colored = virt_viommu('host', *XEON, '--color', 'always').out
    tap.equal(lines_of(colored), text(*XEON).splitlines())


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
