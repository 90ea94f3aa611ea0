# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locked memory: what "limits" says of a domain, what the kernel accounts for the one that runs, and
the lowest limit with which it still starts."""
import json

import lab_try
import numbers_x86

GUESTS = {'x86': numbers_x86.guests}
PAGE = 4096
SLACK = 1 << 30      # what limits and libvirt add to RAM, for devices' own memory
OVERHEAD = 1 << 20   # ROMs and tables that are mapped beside RAM, per address space
EMULATOR = '<emulator>/lab/limited</emulator>'
REFUSED = '-12 (Cannot allocate memory)'
QEMU_ALONE = 96 << 20  # of the resident size of QEMU with such a guest


def figures(machine, name):
    _, text = machine.run(f'vv limits --json /lab/domains/{name}.xml 2>/dev/null')
    return json.loads(text)['now']


def run_once(machine, name, limit=None):
    """Result of a start with that RLIMIT_MEMLOCK in bytes (None: libvirt's)"""
    if limit is None:
        machine.must('rm -f /lab/limit')
    else:
        machine.write('limit', f'{limit // 1024}\n')
    try:
        return lab_try.attempt(machine, name)
    finally:
        machine.run(f'rm -f /lab/limit; finish {name}', 300)


def account(lab, profile, name, guest, memory):
    machine = lab.machine(profile)
    lab_try.start_daemon(machine, lab)
    short = f'numbers-{lab_try.slug(name)}'
    guest.devices.insert(0, EMULATOR)
    machine.write(f'domains/{short}.xml', guest.render(short))
    said, runs = figures(machine, short), run_once(machine, short)
    if not runs.works:
        raise AssertionError(f'does not start: {runs.said}')
    spaces = (said['accounted'] - SLACK) // memory
    row = {'name': name, 'profile': profile, 'said': said, 'spaces': spaces, 'result': runs}
    problems = []
    if not spaces * memory <= runs.locked <= spaces * (memory + OVERHEAD):
        problems.append(f'accounted {said["accounted"]} is {said["formula"]}, VmLck is {runs.locked}')
    if said['libvirt'] != runs.limit:
        problems.append(f'libvirt would set {said["libvirt"]}, and set {runs.limit}')
    if not said['resident'] <= runs.resident <= said['resident'] + QEMU_ALONE:
        problems.append(f'resident {said["resident"]}, the process has {runs.resident}')
    enough = run_once(machine, short, runs.locked)
    if not enough.works:
        problems.append(f'limit {runs.locked} does not suffice: {enough.said}')
    less = run_once(machine, short, runs.locked - PAGE)
    if less.works or REFUSED not in less.said + less.log:
        problems.append(f'limit {runs.locked - PAGE}: {less.stage} {less.said}')
    lab.numbers.append(row)
    if problems:
        raise AssertionError('\n'.join(problems))
    return (f'{spaces} x RAM: accounted {said["accounted"]}, libvirt {runs.limit}, VmLck and lowest '
            f'limit {runs.locked}, VmPin {runs.pinned}, resident {said["resident"]} '
            f'of {runs.resident}')


def cases(lab):
    for profile in lab.profiles:
        for name, wanted, guest, memory, short in GUESTS[lab.chosen.host]():
            if wanted == profile and (short or not lab.chosen.short):
                yield f'numbers {profile}: {name}', \
                    lambda profile=profile, name=name, guest=guest, memory=memory: account(
                        lab, profile, name, guest, memory)
