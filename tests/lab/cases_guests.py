# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains whose Linux boots, and moves data to and from each assigned NVMe through the vIOMMU: those
that are planned find it alone in its group, and QEMU locks no more than we say."""
import cases_plans
import guests_arm64
import guests_x86
import lab_guest
import lab_try

GUESTS = {'x86': guests_x86.guests, 'arm64': guests_arm64.guests}


def start(machine, name, guest):
    """The domain, defined, started and paused"""
    path = f'/lab/domains/{name}'
    how = 'vv apply' if guest.planned else 'cat'
    before = 'true' if guest.hooked else 'touch /lab/unhooked'
    cases_plans.starts(machine, name, f'{before} && {how} {path}-asked.xml >{path}.xml')


def boot(lab, profile, name, guest):
    machine = lab.machine(profile)
    cases_plans.install_hook(machine)
    lab_try.start_daemon(machine, lab)
    lab_guest.prepare(machine, lab)
    short = f'guest-{lab_try.slug(name)}'
    machine.write(f'domains/{short}-asked.xml', lab_guest.render(guest, short, lab.chosen.host))
    row = {'profile': profile, 'name': name, 'said': [], 'locked': []}
    lab.guests.append(row)
    try:
        start(machine, short, guest)
        lab_guest.Running(machine, short, row).go(guest)
    finally:
        machine.run(f'finish {short}; rm -f /lab/unhooked', 300)
    judge_memory(row, guest)
    return '\n'.join([*row['said'], *(f'{when}: {tell(figures)}' for when, figures in row['locked'])])


def tell(figures):
    return f'VmLck {figures.locked}, VmPin {figures.pinned}, accounted {figures.accounted}, limit ' \
           f'{figures.limit}'


def judge_memory(row, guest):
    """RAM stays locked behind nested tables; a shadow has what the guest has mapped, RAM before"""
    (_, began), (_, mapped), *_ = row['locked']
    for when, figures in row['locked']:
        if figures.locked > figures.accounted or figures.pinned > figures.accounted:
            raise AssertionError(f'{when}: {tell(figures)}')
    if guest.nested and mapped.locked != began.locked:
        raise AssertionError(f'VmLck was {began.locked}, and is {mapped.locked} once mapped')
    if not guest.nested and mapped.locked >= began.locked:
        raise AssertionError(f'VmLck is {mapped.locked} once mapped, and was {began.locked}')


def cases(lab):
    for profile in lab.profiles:
        for name, guest in GUESTS[lab.chosen.host]():
            if guest.profile == profile and (guest.short or not lab.chosen.short):
                yield f'guest {profile}: {name}', \
                    lambda profile=profile, name=name, guest=guest: boot(lab, profile, name, guest)
