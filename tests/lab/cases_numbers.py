# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locked memory: what "limits" says of a domain, what the kernel accounts for the one that runs,
and the lowest limit with which it still starts."""
import lab_domain
import lab_machine
import lab_try
import numbers_arm64
import numbers_x86

GUESTS = {'x86': numbers_x86.guests, 'arm64': numbers_arm64.guests}
PAGE = 4096
SLACK = 1 << 30      # what limits and libvirt add to RAM, for devices' own memory
OVERHEAD = 1 << 20   # ROMs and tables that are mapped beside RAM, per address space
EMULATOR = '<emulator>/lab/limited</emulator>'
REFUSED = '-12 (Cannot allocate memory)'
QEMU_ALONE = {'x86': 96 << 20, 'arm64': 160 << 20}  # of its resident size with such a guest


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


def lowest_limit(machine, name, locked, most):
    """The lowest limit that suffices, by bisection where what is locked at the end does not"""
    low, high = locked - PAGE, locked
    if not run_once(machine, name, high).works:
        low, high = locked, most
        if not run_once(machine, name, high).works:
            raise AssertionError(f'limit {high} does not suffice')
    while high - low > PAGE:
        middle = (low + high) // 2 // PAGE * PAGE
        if run_once(machine, name, middle).works:
            high = middle
        else:
            low = middle
    refused = run_once(machine, name, low)
    if refused.works or REFUSED not in refused.said + refused.log:
        raise AssertionError(f'limit {low}: {refused.stage} {refused.said}')
    return high


def account(lab, profile, name, guest, memory):
    short = f'numbers-{lab_try.slug(name)}'
    guest.devices.insert(0, EMULATOR)
    text = guest.render(short)
    if not lab.kernel.iommufd and lab_domain.wants_iommufd(text):
        raise lab_machine.Skipped('this kernel has no iommufd')
    machine = lab.machine(profile)
    lab_try.start_daemon(machine, lab)
    machine.write(f'domains/{short}.xml', text)
    said, runs = lab_try.figures(machine, short), run_once(machine, short)
    if not runs.works:
        raise AssertionError(f'does not start: {runs.said}')
    spaces = (said['accounted'] - SLACK) // memory
    most = spaces * (memory + OVERHEAD)
    lowest = lowest_limit(machine, short, runs.locked, max(most, runs.locked + OVERHEAD))
    lab.numbers.append({'name': name, 'profile': profile, 'said': said, 'result': runs,
                        'lowest': lowest})
    problems = []
    if not spaces * memory <= lowest <= most:
        problems.append(f'accounted {said["accounted"]} is {said["formula"]}, and {lowest} is '
                        'needed')
    if said['libvirt'] != runs.limit:
        problems.append(f'libvirt would set {said["libvirt"]}, and set {runs.limit}')
    if not said['resident'] <= runs.resident <= said['resident'] + QEMU_ALONE[
            lab.chosen.host]:
        problems.append(f'resident {said["resident"]}, the process has {runs.resident}')
    if problems:
        raise AssertionError('\n'.join(problems))
    return (f'{spaces} x RAM: accounted {said["accounted"]}, libvirt {runs.limit}, lowest limit '
            f'{lowest}, VmLck {runs.locked}, VmPin {runs.pinned}, resident {said["resident"]} '
            f'of {runs.resident}')


def cases(lab):
    for profile in lab.profiles:
        for name, wanted, guest, memory, short in GUESTS[lab.chosen.host]():
            if wanted == profile and (short or not lab.chosen.short):
                yield f'numbers {profile}: {name}', \
                    lambda profile=profile, name=name, guest=guest, memory=memory: account(
                        lab, profile, name, guest, memory)
