#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook with damaged domains, arguments, policies and ledgers: it always ends in time and with a
verdict, never says more than one line, and leaves a ledger that the next call can use. Each case follows
from its number.  usage: test-hook-random.py HOOK SOURCE-ROOT [FIRST [COUNT]]"""
import glob
import json
import os
import random
import subprocess
import sys
import time

SOURCE = os.path.abspath(sys.argv[2])
sys.path.insert(0, f'{SOURCE}/tests/cli')
import tap  # noqa: E402
from hook import NETWORK, NO_CACHING, UUID, VIOMMU, Place, device, domain, resolved  # noqa: E402

HOOK = os.path.abspath(sys.argv[1])
FIRST = int(sys.argv[3]) if len(sys.argv) > 3 else 0
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 120
OPERATIONS = ['prepare', 'start', 'started', 'stopped', 'release', 'reconnect', 'migrate', 'restore', 'attach']
WORDS = [b'', b'-', b'\xff\xfe', b'../../etc/passwd', b'a\nb', b'%s%n', b'x' * 5000, 'ü'.encode(), b'begin']
BYTES = [b'<', b'>', b'\0', b'\xff', b"'", b'&#0;', b'&a;', b'<!--', b']]>', b'99999999999999999999', b'-1', b'{', b'"']
GOOD = domain(1, device(0x65))


XML = [GOOD.encode(), domain(1, device(0x65) + VIOMMU).encode(), domain(1, device(0x77) + NO_CACHING).encode(),
       domain(2, NETWORK + resolved(0x17)).encode()]
for sample in sorted(glob.glob(f'{SOURCE}/tests/hook/samples/*.xml')):
    with open(sample, 'rb') as file:
        XML.append(file.read())
POLICY = json.dumps({'policy': 1, 'name': 'site', 'hook': {'mode': 'enforce', 'time_limit_ms': 1500},
                     'quota': {'host': {'devices': 3, 'locked_memory': '90%'},
                               'domain': {'devices': 2}}}).encode()
ENTRY = json.dumps({'ledger': 1, 'boot_id': '%BOOT%', 'uuid': UUID % 7, 'domain': 'other',
                    'devices': ['0000:17:00.0'], 'locked_memory': 1 << 30, 'pasid_bits': 0,
                    'accel_viommus': 0, 'command_queues': 0}).encode()


def damaged(pick, text):
    """@text with some pieces cut, doubled, moved or replaced"""
    for _ in range(pick.choice([0, 1, 1, 2, 8])):
        at, size = pick.randrange(len(text) + 1), pick.choice([1, 1, 4, 40, 400])
        piece = pick.choice([b'', text[at:at + size] * 2, pick.choice(BYTES), pick.randbytes(3)])
        text = text[:at] + piece + text[at + pick.choice([0, size]):]
    return text


def boot_id():
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as text:
        return text.read().strip().encode()


def arguments(pick):
    words = [b'vm1', pick.choice(OPERATIONS).encode(), b'begin', b'-']
    for _ in range(pick.choice([0, 0, 0, 1, 2])):
        words[pick.choice([0, 0, 1, 2, 3])] = pick.choice(WORDS)
    return [HOOK.encode(), *words[:pick.choice([4, 4, 4, 4, 3, 2, 1, 0])]]


def prepare_place(pick):
    here = Place(HOOK, SOURCE)
    here.env['VIRT_VIOMMU_HOST'] = f'{SOURCE}/tests/host/{pick.choice(["xeon", "grace", "lab-vtd"])}.json'
    with open(f'{here.dir}/policy.json', 'wb') as policy:
        policy.write(damaged(pick, POLICY))
    os.makedirs(f'{here.dir}/run/ledger')
    for number in range(pick.choice([0, 1, 2])):
        name = pick.choice([UUID % 7, UUID % 1, 'no-uuid', '.' + UUID % 8])
        with open(f'{here.dir}/run/ledger/{name}.json', 'wb') as entry:
            entry.write(damaged(pick, ENTRY.replace(b'%BOOT%', boot_id())))
    return here


def run(number):
    pick = random.Random(number)
    here, command, xml = prepare_place(pick), arguments(pick), damaged(pick, pick.choice(XML))
    began = time.monotonic()
    done = subprocess.run(command, input=xml, cwd='/', env=here.env, capture_output=True, timeout=60,
                          check=False)
    text = done.stderr.decode(errors='replace')
    wrong = []
    if done.returncode not in ((0, 1) if len(command) > 2 else (2,)):
        wrong.append(f'exit {done.returncode}')
    if done.returncode == 1 and command[2] not in (b'prepare', b'start'):
        wrong.append(f'{command[2]} refused')
    if done.stdout or (len(command) > 2 and text.count('\n') > 1):
        wrong.append('says too much')
    if 'without a verdict' in text or 'no verdict within' in text:
        wrong.append('no verdict')
    if time.monotonic() - began > 1.5 + 2:
        wrong.append('too late')
    # whatever was there, the next domain is judged and reserved
    here.policy({})
    here.env['VIRT_VIOMMU_HOST'] = f'{SOURCE}/tests/host/xeon.json'
    again = here.call('prepare', domain(9, device(0x65)), 'vm9')
    if again.returncode != 0 or not os.path.exists(f'{here.dir}/run/ledger/{UUID % 9}.json'):
        wrong.append(f'the next: {again.text}')
    return [f'case {number}: {what}: {command[1:]}: {text[:300]}' for what in wrong]


def test_damaged_input():
    wrong = [line for number in range(FIRST, FIRST + COUNT) for line in run(number)]
    tap.equal(wrong, [])


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
