#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook under a real libvirt daemon and QEMU, in namespaces of their own (stage.py).
usage: test-libvirtd.py HOOK PROGRAM SOURCE-ROOT"""
import json
import os
import re
import subprocess
import sys
import threading
import time

HOOK, PROGRAM, SOURCE = map(os.path.abspath, sys.argv[1:4])
sys.path.insert(0, f'{SOURCE}/tests/cli')
import stage  # noqa: E402
import tap  # noqa: E402
from stage import NO_CACHING, VIOMMU, address, function  # noqa: E402

UUID = '00000000-0000-0000-0000-%012x'
LEDGER = '/run/virt-viommu/ledger'
GIB_QUOTA = {'quota': {'host': {'devices': 5}}}


def held():
    found = {}
    for name in os.listdir(LEDGER) if os.path.isdir(LEDGER) else []:
        if name.endswith('.json'):
            with open(f'{LEDGER}/{name}', encoding='utf-8') as text:
                entry = json.load(text)
            found[entry['domain']] = entry['devices']
    return found


def becomes(wanted, look):
    """libvirt reconnects to its domains in threads, and answers before they are through"""
    for _ in range(300):
        if look() == wanted:
            break
        time.sleep(0.1)
    tap.equal(look(), wanted)


def ledger(*options):
    env = {'PATH': '/usr/bin:/bin', 'HOME': '/root', 'VIRT_VIOMMU_CONFDIR': here.conf,
           'VIRT_VIOMMU_PROFILES': f'{SOURCE}/policy/profiles'}
    done = subprocess.run([PROGRAM, 'ledger', *options], capture_output=True, text=True, env=env,
                          timeout=60, check=False)
    if 'built without libvirt' in done.stderr:
        raise tap.Skip('needs a build with libvirt-dev')
    return done


def alone(test):
    """Each test finds an empty host and leaves one."""
    def run():
        try:
            test()
        finally:
            here.reset()
    return run


def test_a_good_domain_starts_and_is_reserved_until_it_ends():
    here.define('good', UUID % 1, function(0) + function(1) + VIOMMU)
    tap.equal(held(), {})
    here.virsh('start', 'good')
    tap.equal(here.calls(), ['prepare', 'start', 'started'])
    tap.equal(held(), {'good': [address(0), address(1)]})
    tap.equal(ledger('--verify').stdout, "The ledger is what libvirt's running domains hold.\n")
    here.virsh('destroy', 'good')
    tap.equal(held(), {})


def viommu(*words):
    """The command on this host, which it reads as a tree"""
    done = subprocess.run([PROGRAM, *words, '--sysroot', '/'], capture_output=True, text=True, timeout=60,
                          check=False, env={'PATH': '/usr/bin:/bin', 'HOME': '/root',
                                            'VIRT_VIOMMU_CONFDIR': here.conf,
                                            'VIRT_VIOMMU_PROFILES': f'{SOURCE}/policy/profiles'})
    if 'built without libvirt' in done.stderr:
        raise tap.Skip('needs a build with libvirt-dev')
    return done


def test_a_guest_of_another_architecture():
    """libvirt asks QEMU, and QEMU has KVM for its own kind of processor alone"""
    if not os.path.exists('/usr/bin/qemu-system-aarch64') or os.uname().machine != 'x86_64':
        raise tap.Skip('needs an x86_64 machine with qemu-system-arm')
    here.define('other', UUID % 1, function(0))
    text = here.virsh('dumpxml', 'other').stdout
    here.virsh('undefine', 'other')
    head, tail = text.index('<features>'), text.index('<devices>')
    text = (text[:head] + "<features><gic version='3'/></features>" + text[tail:].replace(
        here.emulator, '/usr/bin/qemu-system-aarch64')).replace("arch='x86_64'", "arch='aarch64'")
    text = re.sub("machine='[^']*'", "machine='virt'", text)
    text = re.sub('<(controller|audio|input|memballoon|address)[^>]*/>|<controller.*?</controller>', '', text,
                  flags=re.S).replace('<source>', "<source><address domain='0' bus='0' slot='0' "
                                      "function='2'/>")
    for kind, refused in (('kvm', True), ('qemu', False)):
        path = f'{here.dir}/{kind}.xml'
        here.write(path, text.replace("type='qemu'", f"type='{kind}'", 1))
        done, report = here.virsh('define', path, check=False), viommu('check', path)
        tap.equal("does not support virt type 'kvm'" in done.stderr, refused, done)
        tap.equal(done.returncode, int(refused), done)
        tap.equal('[stack-guest-architecture]' in report.stdout, refused, report)


def test_a_domain_by_its_name():
    """what will start next, what runs, and what apply makes of it goes back into libvirt"""
    here.define('named', UUID % 1, function(0) + VIOMMU)
    here.virsh('start', 'named')
    secret = "<graphics type='vnc' passwd='sesame'/>"
    here.define('named', UUID % 1, function(0) + NO_CACHING + secret)
    for options, there in ((['--live'], False), ([], True)):
        done = viommu('check', *options, 'named')
        tap.equal('[vtd-caching-mode]' in done.stdout, there, done)
    done = viommu('apply', 'named')
    tap.equal((done.returncode, done.stderr), (0, ''), done)
    here.write(f'{here.dir}/applied.xml', done.stdout)
    here.virsh('define', '--validate', f'{here.dir}/applied.xml')
    tap.true("passwd='sesame'" in here.virsh('dumpxml', '--inactive', '--security-info', 'named').stdout,
             'nothing is lost')
    done = viommu('check', 'named')
    tap.true('[vtd-caching-mode]' not in done.stdout, done)
    here.virsh('destroy', 'named')
    tap.true("domain 'named' does not run" in viommu('check', '--live', 'named').stderr, 'it ended')


def test_the_reason_of_a_refusal_reaches_who_starts_the_domain():
    here.define('bad', UUID % 1, function(0) + NO_CACHING)
    done = here.virsh('start', 'bad', check=False)
    tap.equal(done.returncode, 1)
    tap.true(f"unexpected exit status 1: virt-viommu: {address(0)}: assigned device behind a VT-d "
             'vIOMMU without caching mode; help: ' in done.stderr, done.stderr)
    tap.true('[vtd-caching-mode]\n' in done.stderr, done.stderr)
    tap.equal((here.running(), held()), ([], {}))
    said = here.said()
    tap.true(any(entry.get('VIOMMU_RULE') == 'vtd-caching-mode' and entry['PRIORITY'] == '3' and
                 entry['VIOMMU_DOMAIN'] == 'bad' and entry['VIOMMU_OPERATION'] == 'prepare' and
                 entry['VIOMMU_DEVICE'] == address(0) and 'refused: ' in entry['MESSAGE']
                 for entry in said), said)
    # mended, it starts
    here.define('bad', UUID % 1, function(0) + VIOMMU)
    here.virsh('start', 'bad')


def test_what_the_host_decides():
    here.define('bad', UUID % 1, stage.DEVICE.format(bus=0x77, slot=0, function=0))
    tap.true('[group-device-absent]' in here.virsh('start', 'bad', check=False).stderr, 'absent')
    # the PF is bound to its driver, and libvirt is not told to rebind it
    here.define('bad', UUID % 1, stage.DEVICE.format(bus=0, slot=0, function=1))
    tap.true('is bound to mlx5_core and managed=\'no\'' in
             here.virsh('start', 'bad', check=False).stderr, 'bound')


def test_the_daemons_own_limit_is_judged_as_libvirt_does():
    here.policy(hook={'mode': 'audit'})
    here.define('locked', UUID % 1, function(0), limit='')
    done = here.virsh('start', 'locked', check=False)
    foretold = any(entry.get('VIOMMU_RULE') == 'memlock-daemon-cannot-raise'
                   for entry in here.said())
    said = ' '.join(done.stderr.split()) or 'started'
    print(f"# {'foretold' if foretold else 'not foretold'}: {said}")
    tap.equal('cannot limit locked memory' in done.stderr, foretold, done.stderr)


def test_quota():
    here.policy(**GIB_QUOTA)
    here.define('one', UUID % 1, ''.join(map(function, range(3))))
    here.define('two', UUID % 2, ''.join(map(function, range(3, 6))))
    here.virsh('start', 'one')
    done = here.virsh('start', 'two', check=False)
    tap.true("3 assigned devices asked for, other domains hold 3 of this host's quota of 5" in
             done.stderr, done.stderr)
    tap.equal(sorted(held()), ['one'])
    here.virsh('destroy', 'one')
    here.virsh('start', 'two')
    tap.equal(sorted(held()), ['two'])


def test_audit():
    here.policy(hook={'mode': 'audit'})
    here.define('bad', UUID % 1, function(0) + NO_CACHING)
    here.virsh('start', 'bad')  # there is no device in it that QEMU could refuse
    tap.true(any(entry.get('VIOMMU_RULE') == 'vtd-caching-mode' for entry in here.said()), 'said')
    tap.equal(held(), {'bad': [address(0)]})


def test_a_transient_domain_and_a_renamed_one():
    here.define('passing', UUID % 1, function(0), verb='create')
    tap.equal(list(held()), ['passing'])
    here.virsh('destroy', 'passing')
    tap.equal(held(), {})
    here.define('old', UUID % 2, function(0))
    here.virsh('domrename', 'old', 'new')
    here.virsh('start', 'new')
    tap.equal(list(held()), ['new'])


def test_save_and_restore():
    here.define('saved', UUID % 1, VIOMMU)
    here.virsh('start', 'saved')
    before = here.virsh('dumpxml', 'saved', '--inactive').stdout
    path = f'{here.dir}/saved.image'
    for save, restore in ((('save', 'saved', path), ('restore', path)),
                          (('managedsave', 'saved'), ('start', 'saved'))):
        here.virsh(*save)
        here.calls()
        here.virsh(*restore)
        tap.equal(here.calls(), ['restore', 'prepare', 'start', 'started'])
        tap.equal(here.running(), ['saved'])
        tap.equal(here.virsh('dumpxml', 'saved', '--inactive').stdout, before)


def test_a_daemon_that_starts_again_keeps_and_remakes_the_ledger():
    here.define('kept', UUID % 1, function(0) + function(1))
    here.virsh('start', 'kept')
    before = held()
    here.kill('libvirtd')
    tap.equal(held(), before)
    # as if the hook had been installed after the domain was started
    os.unlink(f'{LEDGER}/{UUID % 1}.json')
    # a policy by which it might not start any more does not end it
    here.policy(quota={'host': {'devices': 0}})
    here.start('libvirtd')
    becomes((['kept'], before), lambda: (here.running(), held()))
    tap.equal(here.calls()[-1], 'reconnect')


def test_what_a_killed_daemon_has_left_is_found_and_mended():
    here.define('left', UUID % 1, function(0))
    here.define('other', UUID % 2, function(1))
    here.virsh('start', 'left')
    here.virsh('start', 'other')
    here.kill('libvirtd')
    # the machine's memory of that domain is gone with its QEMU
    with open('/run/libvirt/qemu/left.pid', encoding='ascii') as text:
        os.kill(int(text.read()), 9)
    for suffix in ('pid', 'xml'):
        os.unlink(f'/run/libvirt/qemu/left.{suffix}')
    here.start('libvirtd')
    becomes((['other'], ['left', 'other']), lambda: (here.running(), sorted(held())))
    done = ledger('--verify')
    tap.equal(done.returncode, 1)
    tap.true(done.stdout.startswith(f'left ({UUID % 1}): does not run'), done.stdout)
    tap.equal(ledger('--rebuild').returncode, 0)
    tap.equal((ledger('--verify').returncode, sorted(held())), (0, ['other']))


def test_a_qemu_that_dies_is_released():
    here.define('dies', UUID % 1, function(0))
    here.virsh('start', 'dies')
    with open('/run/libvirt/qemu/dies.pid', encoding='ascii') as text:
        os.kill(int(text.read()), 9)
    for _ in range(100):
        if not held():
            break
        time.sleep(0.05)
    tap.equal(held(), {})


def test_a_start_that_fails_later_is_released():
    # both are fine for the hook; libvirt refuses the second one's device, which the first has
    here.define('first', UUID % 1, function(0))
    here.define('second', UUID % 2, function(0))
    here.virsh('start', 'first')
    done = here.virsh('start', 'second', check=False)
    tap.true('in use by' in done.stderr, done.stderr)
    tap.equal(list(held()), ['first'])


def test_a_hook_that_hangs_lets_the_start_pass():
    os.unlink(f'{here.conf}/policy.json')
    os.mkfifo(f'{here.conf}/policy.json')
    here.define('slow', UUID % 1, function(0))
    began = time.monotonic()
    here.virsh('start', 'slow')
    # prepare and start, each up to its limit
    tap.true(4 <= time.monotonic() - began < 8, f'{time.monotonic() - began:.1f} s')
    said = [entry['MESSAGE'] for entry in here.said()]
    tap.true(any('no verdict within 2000 ms' in text for text in said), said)
    os.unlink(f'{here.conf}/policy.json')


def spoilt(how):
    """Runs a domain with a ledger that is full or read-only; what went to the journal meanwhile"""
    os.makedirs('/run/virt-viommu', exist_ok=True)
    stage.mount('-t', 'tmpfs', '-o', 'size=64k,mode=755', 'tmpfs', '/run/virt-viommu')
    try:
        here.policy(**GIB_QUOTA)
        here.define('before', UUID % 1, ''.join(map(function, range(3))))
        here.define('small', UUID % 2, function(3))
        here.define('large', UUID % 3, ''.join(map(function, range(3, 6))))
        here.virsh('start', 'before')
        how()
        here.said()
        here.virsh('start', 'small')
        said = [entry['MESSAGE'] for entry in here.said()]
        # what is there still counts
        done = here.virsh('start', 'large', check=False)
        tap.true('[quota-host]' in done.stderr, done.stderr)
        tap.equal(list(held()), ['before'])
        here.virsh('destroy', 'small')
        here.virsh('destroy', 'before')
        return said
    finally:
        subprocess.run(['umount', '-l', '/run/virt-viommu'], check=True)


def test_a_full_disk():
    def fill():
        with open('/run/virt-viommu/fill', 'wb', buffering=0) as out:
            try:
                while True:
                    out.write(b'x' * 4096)
            except OSError:
                pass
    said = spoilt(fill)
    tap.true(any('No space left on device; what this domain takes is not reserved' in text
                 for text in said), said)


def test_a_read_only_run_directory():
    said = spoilt(lambda: stage.mount('-o', 'remount,ro', '/run/virt-viommu'))
    tap.true(any('Read-only file system; what this domain takes is not reserved' in text
                 for text in said), said)


def test_many_at_once_never_exceed_the_quota():
    here.policy(**GIB_QUOTA, hook={'time_limit_ms': 30000})
    names = [f'vm{number}' for number in range(20)]
    for number, name in enumerate(names):
        here.define(name, UUID % (number + 1), function(number))
    results = {}
    threads = [threading.Thread(target=lambda name=name: results.update(
        {name: here.virsh('start', name, check=False)})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started = sorted(name for name, done in results.items() if done.returncode == 0)
    tap.equal((len(started), here.running(), sorted(held())), (5, started, started))
    tap.true(all('[quota-host]' in done.stderr for done in results.values() if done.returncode),
             'each is told why')
    tap.equal(ledger('--verify').returncode, 0)


def test_no_hook_is_called_for_a_device_attached_later():
    here.define('grows', UUID % 1, function(0) +
                "    <controller type='pci' index='0' model='pcie-root'/>\n" +
                "    <controller type='pci' model='pcie-root-port'/>\n" * 3)
    here.virsh('start', 'grows')
    tap.equal(ledger('--verify').returncode, 0)
    here.write(f'{here.dir}/device.xml', function(1))
    here.calls()
    here.virsh('attach-device', 'grows', f'{here.dir}/device.xml', '--live', check=False)
    tap.equal(here.calls(), [], 'libvirt calls no hook for it')


def inside():
    global here
    here = stage.Stage(os.environ['VIOMMU_STAGE'], HOOK, SOURCE, sys.executable)
    here.policy()
    here.start('virtlogd')
    here.start('libvirtd')
    print(f'# {here.versions()}')
    code = tap.run({name: alone(value) for name, value in globals().items()
                    if name.startswith('test_')})
    here.end()
    return code


here = None

if __name__ == '__main__':
    sys.exit(stage.main(inside))
