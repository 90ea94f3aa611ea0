# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains with assigned devices: what check says on the nested host, and whether they start."""
import lab_domain
import lab_machine
import lab_try
import verdicts_arm64
import verdicts_x86
from lab_try import Row

DOMAINS = {'x86': verdicts_x86.domains, 'arm64': verdicts_arm64.domains}


def try_one(lab, profile, name, case):
    if not lab.kernel.iommufd and any(lab_domain.wants_iommufd(guest.render('')) or
                                      'iommufd0' in guest.extra for guest in case.others):
        raise lab_machine.Skipped('this kernel has no iommufd for the domain before it')
    machine = lab.machine(profile)
    lab_try.start_daemon(machine, lab)
    short = lab_try.slug(name)
    machine.write(f'domains/{short}.xml', case.guest.render(short))
    if case.before:
        machine.must(case.before)
    for number, guest in enumerate(case.others):
        other = f'{short[:50]}-{number}'
        machine.write(f'domains/{other}.xml', guest.render(other))
        before = machine.must(f'attempt {other}', 300)
        if 'stage runs' not in before:
            raise AssertionError(f'the domain before it: {before}')
    try:
        verdict = lab_try.check(machine, short, case.options)
        row = Row(name, profile, verdict, lab_try.attempt(machine, short), lab.rules,
                  case.warned)
    finally:
        names = ' '.join([short] + [f'{short[:50]}-{number}' for number in range(len(case.others))])
        machine.run(f'finish {names}\n{case.after}', 300)
    lab.rows.append(row)
    if row.wrong:
        raise AssertionError(f'{row.wrong}: {row.tell()}')
    return row.tell()


def cases(lab):
    found = list(DOMAINS[lab.chosen.host]())
    for profile in lab.profiles:
        for name, case in found:
            if case.profile == profile and (case.short or not lab.chosen.short):
                yield f'verdict {profile}: {name}', \
                    lambda name=name, case=case, profile=profile: try_one(lab, profile, name, case)
