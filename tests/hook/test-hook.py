#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt hook by its contract: what it refuses, reserves, frees and says, and that nothing
makes it hang.  usage: test-hook.py HOOK SOURCE-ROOT"""
import fcntl
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

SOURCE = os.path.abspath(sys.argv[2])
sys.path.insert(0, f'{SOURCE}/tests/cli')
import tap  # noqa: E402
from hook import NETWORK, NO_CACHING, UUID, VIOMMU, Place, device, domain, resolved  # noqa: E402

HOOK = os.path.abspath(sys.argv[1])
GOOD = domain(1, device(0x65, alias='ua-gpu0') + VIOMMU)
BAD = domain(1, device(0x65, alias='ua-gpu0') + NO_CACHING)
QUOTA = {'quota': {'host': {'devices': 2}}}
# the longest that a call may take over the limit of its policy, on a busy machine
GRACE = 2.0


def place(**options):
    return Place(HOOK, SOURCE, **options)


def passes(done):
    tap.equal((done.returncode, done.stdout), (0, b''), done.text)


def refused(done, *words):
    tap.equal((done.returncode, done.stdout), (1, b''), done.text)
    tap.equal(done.text.count('\n'), 1, done.text)
    tap.true(done.text.startswith('virt-viommu: '), done.text)
    for word in words:
        tap.true(word in done.text, f'{word!r} in {done.text!r}')


def test_refusal_is_one_line_with_device_remedy_and_rule():
    here = place()
    done = here.call('prepare', BAD)
    refused(done, 'ua-gpu0 (0000:65:00.0): ', "; help: caching_mode='on'", ' [vtd-caching-mode]')
    tap.true('line' not in done.text, done.text)
    tap.equal(here.entries(), {})
    log = here.log()
    tap.true(any(re.match(r'<3>vm1: prepare: refused: ua-gpu0 .*\[vtd-caching-mode\]$', line)
                 for line in log), log)


def test_several_refusals_are_counted():
    refused(place().call('prepare', domain(1, device(0x77) + NO_CACHING)),
            '[group-device-absent] (and 1 more; virt-viommu check tells)')


def test_prepare_reserves_and_release_frees():
    here = place()
    passes(here.call('prepare', GOOD))
    entry = here.entries()[UUID % 1]
    tap.equal((entry['domain'], entry['devices'], entry['locked_memory']),
              ('vm1', ['0000:65:00.0'], 4 << 30))
    passes(here.call('start', GOOD))
    tap.equal(here.entries()[UUID % 1], entry)
    for operation in ('started', 'stopped'):
        passes(here.call(operation, GOOD))
        tap.equal(here.entries()[UUID % 1], entry)
    passes(here.call('release', GOOD))
    tap.equal(here.entries(), {})
    passes(here.call('release', GOOD))  # what is free stays free


def test_release_needs_neither_document_nor_policy_nor_lock():
    here = place()
    for xml in ('', '<domain>', 'x' * 100000):
        passes(here.call('prepare', GOOD))
        here.policy('no JSON')
        with open(f'{here.dir}/run/ledger/lock', 'rb+') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            passes(here.call('release', xml))
        tap.equal(here.entries(), {}, repr(xml[:20]))
        here.policy({})


def test_audit_refuses_nothing():
    here = place(policy={'hook': {'mode': 'audit'}, **QUOTA})
    passes(here.call('prepare', BAD))
    log = here.log()
    tap.true(any('[vtd-caching-mode]' in line and line.startswith('<3>') for line in log), log)
    passes(here.call('prepare', domain(2, device(0x17)), 'vm2'))
    passes(here.call('prepare', domain(3, device(0x18)), 'vm3'))
    tap.equal(len(here.entries()), 3)


def test_what_is_not_certain_goes_to_the_journal():
    here = place()
    noted = domain(1, device(0x65, alias='gpu0') + VIOMMU)
    passes(here.call('prepare', noted))
    log = here.log()
    tap.true(any(re.match(r'<[46]>vm1: prepare: .*\[xml-alias-not-user\]$', line) for line in log), log)
    passes(here.call('start', noted))
    tap.equal([line for line in here.log() if 'open' not in line], [], 'said once')


def test_quota_of_the_host():
    here = place(policy=QUOTA)
    passes(here.call('prepare', domain(1, device(0x65))))
    passes(here.call('prepare', domain(2, device(0x17)), 'vm2'))
    refused(here.call('prepare', domain(3, device(0x65)), 'vm3'), '[quota-host]',
            '1 assigned device asked for, other domains hold 2 of this host\'s quota of 2',
            'virt-viommu ledger', 'quota.host.devices')
    tap.equal(sorted(here.held()), ['vm1', 'vm2'])
    passes(here.call('prepare', domain(2, device(0x17)), 'vm2'))  # its own does not count
    passes(here.call('release', domain(1)))
    passes(here.call('prepare', domain(3, device(0x65)), 'vm3'))


def test_quota_of_a_domain():
    here = place(policy={'quota': {'domain': {'locked_memory': '3 GiB'}}})
    refused(here.call('prepare', GOOD), '[quota-domain]', 'locked memory 4 GiB', '3 GiB')


def test_another_boot_holds_nothing():
    here = place(policy={'quota': {'host': {'devices': 1}}})
    passes(here.call('prepare', domain(1, device(0x65))))
    path = f'{here.dir}/run/ledger/{UUID % 1}.json'
    with open(path, encoding='utf-8') as file:
        entry = json.load(file)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({**entry, 'boot_id': 'of yesterday'}, file)
    passes(here.call('prepare', domain(2, device(0x17)), 'vm2'))
    tap.equal(sorted(here.held()), ['vm2'])


def test_no_clock_decides():
    # what a jump of the clock leaves: files of long ago or of the future
    here = place(policy={'quota': {'host': {'devices': 1}}})
    passes(here.call('prepare', domain(1, device(0x65))))
    for stamp in (0, 1 << 33):
        for path in [*glob.glob(f'{here.dir}/run/ledger/*'), f'{here.dir}/run/ledger', f'{here.dir}/run']:
            os.utime(path, (stamp, stamp))
        refused(here.call('prepare', domain(2, device(0x17)), 'vm2'), '[quota-host]')
        passes(here.call('prepare', domain(1, device(0x65))))
    tap.equal(sorted(here.held()), ['vm1'])


def test_a_renamed_or_remade_domain_takes_its_own_place():
    here = place(policy={'quota': {'host': {'devices': 1}}})
    passes(here.call('prepare', domain(1, device(0x65))))
    # killed without a release, renamed, started again
    passes(here.call('prepare', domain(1, device(0x65), name='new'), 'new'))
    tap.equal(sorted(here.held()), ['new'])
    # a transient domain of the same name has another UUID each time
    passes(here.call('prepare', domain(2, device(0x65), name='new'), 'new'))
    tap.equal(list(here.entries()), [UUID % 2])


def test_start_judges_what_a_network_turned_into():
    here = place(policy={'quota': {'domain': {'devices': 1}}})
    xml = domain(1, device(0x65) + NETWORK)
    passes(here.call('prepare', xml))
    tap.equal(here.held()['vm1'], ['0000:65:00.0'])
    tap.true('quota-domain' in here.entries()[UUID % 1]['undecided'], here.entries())
    refused(here.call('start', domain(1, device(0x65) + resolved(0x3b, 1))), '[quota-domain]')
    here.policy({})
    passes(here.call('start', domain(1, device(0x65) + resolved(0x3b, 1))))
    tap.equal(here.held()['vm1'], ['0000:3b:01.0', '0000:65:00.0'])
    # and the other way round: nothing but an ordinary network
    passes(here.call('prepare', domain(2, NETWORK), 'vm2'))
    tap.true('vm2' not in here.held(), 'plain domains hold nothing')
    refused(here.call('start', domain(2, resolved(0x77)), 'vm2'), '[group-device-absent]')


def test_reconnect_reserves_and_always_succeeds():
    here = place(policy={'quota': {'host': {'devices': 1}, 'domain': {'devices': 1}}})
    for number, xml in enumerate((BAD, domain(2, device(0x17)), domain(3, device(0x77))), 1):
        passes(here.call('reconnect', xml, f'vm{number}'))
    tap.equal(len(here.entries()), 3)
    for xml in ('', 'garbage', '<domain/>'):
        passes(here.call('reconnect', xml))


def test_filters_only_report():
    here = place()
    for operation in ('migrate', 'restore'):
        passes(here.call(operation, BAD))
        tap.true(any('[vtd-caching-mode]' in line for line in here.log()), operation)
        tap.equal(here.entries(), {})


def test_other_operations_do_nothing():
    here = place()
    for operation in ('started', 'stopped', 'attach', 'of-tomorrow'):
        passes(here.call(operation, 'garbage'))
    tap.equal((here.log(), os.path.exists(f'{here.dir}/run')), ([], False))


def test_plain_domains_cost_nothing():
    here = place(facts='/no/such/file', policy='no JSON')
    passes(here.call('prepare', domain(1, NETWORK)))
    tap.equal((here.log(), os.path.exists(f'{here.dir}/run')), ([], False))


def test_managed_devices_are_judged_as_libvirt_will_bind_them():
    with open(f'{SOURCE}/tests/host/xeon.json', encoding='utf-8') as file:
        facts = json.load(file)
    one = next(d for d in facts['devices'] if d['address'] == '0000:65:00.0')
    one['driver'] = 'nvidia'
    here = place()
    path = f'{here.dir}/facts.json'
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(facts, file)
    here.env['VIRT_VIOMMU_HOST'] = path
    passes(here.call('prepare', domain(1, device(0x65, managed='yes'))))
    refused(here.call('prepare', domain(1, device(0x65, managed='no'))), '[group-viable]', 'nvidia')


def test_a_broken_policy_refuses_nothing_and_says_so():
    for text in ('no JSON', '{"policy": 1}', '{"policy": 1, "name": "x", "hook": {"mode": "off"}}'):
        here = place(policy=text)
        passes(here.call('prepare', BAD))
        tap.equal(list(here.entries()), [UUID % 1])
        log = here.log()
        tap.true(any('policy.json' in line and 'nothing is refused' in line for line in log), log)


def test_broken_facts_refuse_nothing_and_say_so():
    here = place(facts='/no/such/file')
    passes(here.call('prepare', BAD))
    tap.true(any('not checked' in line for line in here.log()), 'said so')


def test_nonsense_never_refuses():
    here = place()
    for xml in ('', '\0', '<', '<domain/>', '<a/>', '<!DOCTYPE domain [<!ENTITY a "b">]><domain/>',
                '<domain>' * 100000, 'x' * (33 << 20)):
        for operation in ('prepare', 'start', 'reconnect', 'restore'):
            passes(here.call(operation, xml))
    passes(here.call('prepare', GOOD, name=''))
    passes(here.call('prepare', GOOD, name='a\nb\x1b[31m' + 'x' * 1000))
    for line in here.log():
        tap.true('\x1b' not in line, repr(line))


def test_misuse_shows_how():
    done = subprocess.run([HOOK], capture_output=True, timeout=10, check=False)
    tap.equal(done.returncode, 2)
    tap.true(b'virt-viommu-hook(8)' in done.stderr, done.stderr)


def test_recorded_calls_of_libvirt():
    paths = sorted(glob.glob(f'{SOURCE}/tests/hook/samples/*.xml'))
    tap.true(len(paths) >= 15, paths)
    for path in paths:
        facts = 'lab-arm64' if 'arm64' in path else 'lab-vtd'
        here = place(facts=f'{SOURCE}/tests/host/{facts}.json')
        operation = re.search(r'-([a-z]+)\.xml$', path)[1]
        with open(path, encoding='utf-8') as file:
            xml = file.read()
        done = here.call(operation, xml, re.search('<name>(.*)</name>', xml)[1])
        log = here.log()
        # a device of another host may be refused; nothing may go unread
        tap.true(done.returncode in (0, 1) and done.stdout == b'', (path, done.text))
        tap.true(not any('not checked' in line or 'not well-formed' in line for line in log),
                 (path, log))


def waits(here, seconds, operation='prepare', xml=GOOD):
    """Goes on within the time limit, says so, and nobody is left that holds a stream."""
    done = here.call(operation, xml)
    passes(done)
    tap.true(seconds - 0.05 <= done.seconds <= seconds + GRACE, f'{done.seconds:.2f} s')
    return here.log() + [done.text]


def test_a_held_lock_costs_less_than_the_time_limit():
    here = place(policy={'hook': {'time_limit_ms': 800}, 'quota': {'host': {'devices': 1}}})
    passes(here.call('prepare', domain(2, device(0x17)), 'vm2'))
    with open(f'{here.dir}/run/ledger/lock', 'wb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        log = waits(here, 0.5)
        # what needs no ledger is judged all the same
        refused(here.call('prepare', BAD), '[vtd-caching-mode]')
    tap.true(any('quotas of the host are not judged' in line for line in log), log)
    tap.equal(sorted(here.held()), ['vm2'])
    refused(here.call('prepare', GOOD), '[quota-host]')


def fifo(here, name):
    path = f'{here.dir}/{name}'
    if os.path.exists(path):
        os.unlink(path)
    os.mkfifo(path)
    return path


def test_facts_that_hang():
    here = place(policy={'hook': {'time_limit_ms': 400}})
    here.env['VIRT_VIOMMU_HOST'] = fifo(here, 'facts')
    for operation in ('prepare', 'start', 'reconnect', 'restore'):
        log = waits(here, 0.4, operation)
        tap.true(any('no verdict within 400 ms' in line for line in log), log)


def test_a_policy_that_hangs():
    here = place()
    fifo(here, 'policy.json')
    log = waits(here, 2.0)
    tap.true(any('no verdict within 2000 ms' in line for line in log), log)


def test_standard_input_that_does_not_end():
    here = place()
    with subprocess.Popen(here.command('prepare', 'vm1'), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=here.env) as hook:
        hook.stdin.write(GOOD.encode())
        hook.stdin.flush()
        began = time.monotonic()
        tap.equal(hook.stdout.read(), b'')
        tap.true(b'did not end in time' in hook.stderr.read(), 'said so')
        tap.equal(hook.wait(), 0)
        tap.true(time.monotonic() - began < 1.0 + GRACE, 'in time')


def children(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def hanging_hook(here):
    """A hook whose worker hangs for ten seconds; with the worker's pid"""
    here.policy({'hook': {'time_limit_ms': 10000}})
    here.env['VIRT_VIOMMU_HOST'] = fifo(here, 'facts')
    hook = subprocess.Popen(here.command('prepare', 'vm1'), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=here.env)
    hook.stdin.write(GOOD.encode())
    hook.stdin.close()
    for _ in range(200):
        if children(hook.pid):
            time.sleep(0.2)  # until it has let go of the streams
            return hook, children(hook.pid)[0]
        time.sleep(0.02)
    raise AssertionError('no worker')


def test_the_worker_holds_no_stream_and_dies_with_the_hook():
    if not os.path.exists('/proc/self/task'):
        raise tap.Skip('needs /proc')
    here = place()
    hook, worker = hanging_hook(here)
    links = {name: os.readlink(f'/proc/{worker}/fd/{name}')
             for name in os.listdir(f'/proc/{worker}/fd')}
    tap.equal({links[name] for name in '012'}, {'/dev/null'})
    # its pipe to the parent is the only other
    tap.equal(len([link for link in links.values() if link.startswith('pipe:')]), 1, links)
    hook.send_signal(signal.SIGKILL)
    hook.wait()
    tap.equal((hook.stdout.read(), hook.stderr.read()), (b'', b''))
    for _ in range(100):
        if not alive(worker):
            break
        time.sleep(0.02)
    tap.true(not alive(worker), 'the worker has ended')
    hook.stdout.close()
    hook.stderr.close()


def test_a_worker_that_dies_lets_the_start_pass():
    here = place()
    hook, worker = hanging_hook(here)
    os.kill(worker, signal.SIGKILL)
    began = time.monotonic()
    tap.equal(hook.stdout.read(), b'')
    tap.true(b'ended without a verdict' in hook.stderr.read(), 'said so')
    tap.equal(hook.wait(), 0)
    tap.true(time.monotonic() - began < GRACE, 'at once')
    hook.stdout.close()
    hook.stderr.close()


def test_a_ledger_that_cannot_be_written_refuses_nothing():
    here = place()
    here.env['VIRT_VIOMMU_RUNDIR'] = '/proc/self/no-such-directory'
    passes(here.call('prepare', GOOD))
    tap.true(any('nothing is reserved' in line for line in here.log()), 'said so')
    passes(here.call('release', GOOD))


def test_closed_streams():
    here = place()
    xml = f'{here.dir}/vm.xml'
    with open(xml, 'w', encoding='utf-8') as file:
        file.write(BAD)
    for closed, code in (('<&-', 0), ('>&-', 1), ('2>&-', 1), ('<&- >&- 2>&-', 0)):
        done = subprocess.run(['sh', '-c', f'"$0" vm1 prepare begin - <"$1" {closed}', HOOK, xml],
                              capture_output=True, env=here.env, timeout=30, check=False)
        tap.equal((done.returncode, done.stdout), (code, b''), closed)


def test_200_domains_at_once_never_exceed_a_quota():
    here = place(policy={'quota': {'host': {'devices': 64, 'locked_memory': '256 GiB'}},
                         'hook': {'time_limit_ms': 60000}})
    began = time.monotonic()
    running = []
    for number in range(1, 201):
        path = f'{here.dir}/{number}.xml'
        with open(path, 'w', encoding='utf-8') as file:
            file.write(domain(number, device(0x65)))
        with open(path, 'rb') as stdin:
            running.append(subprocess.Popen(here.command('prepare', f'vm{number}'), stdin=stdin,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                            env=here.env))
    said = [(hook.communicate()[1].decode(), hook.returncode) for hook in running]
    print(f'# {time.monotonic() - began:.1f} s')
    tap.equal(sorted({code for _, code in said}), [0, 1])
    tap.equal(sum(code == 0 for _, code in said), 64)
    tap.true(all('[quota-host]' in text for text, code in said if code == 1), said[-1])
    tap.equal(len(here.entries()), 64)
    tap.true(not any('not judged' in line for line in here.log()), 'nobody gave up')


def test_it_links_neither_libvirt_nor_libudev_nor_a_library_of_ours():
    if not shutil.which('ldd'):
        raise tap.Skip('needs ldd')
    linked = subprocess.run(['ldd', HOOK], capture_output=True, text=True, check=False).stdout
    tap.true('libxml2' in linked, linked)
    for name in ('libvirt', 'libudev', 'libviommu'):
        tap.true(name not in linked, linked)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
