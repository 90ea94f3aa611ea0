# SPDX-License-Identifier: LGPL-2.1-or-later
"""What apply writes is defined with validation and started, with our hook installed; what hotplug
says of a device is what libvirt then does with it."""
import json
import re

import lab_domain
import lab_machine
import lab_try
import plans_arm64
import plans_x86

PLANS = {'x86': plans_x86.plans, 'arm64': plans_arm64.plans}
HOOK = '''mkdir -p /etc/libvirt/hooks/qemu.d /etc/virt-viommu
cat >/etc/libvirt/hooks/qemu.d/50-viommu <<'SCRIPT'
#!/bin/sh
[ ! -e /lab/unhooked ] || exit 0  # for domains that it would refuse
echo "$1 $2" >>/lab/hook.log
LD_LIBRARY_PATH=/lab/bin/lib VIRT_VIOMMU_PROFILES=/lab/bin/profiles \\
    VIRT_VIOMMU_CONFDIR=/etc/virt-viommu exec /lab/bin/50-viommu "$@"
SCRIPT
chmod 755 /etc/libvirt/hooks/qemu.d/50-viommu
'''


def install_hook(machine):
    """libvirt looks for hooks when it starts: one that runs already starts again"""
    if not getattr(machine, 'hook', False):
        machine.must(f'{HOOK}daemon_ends')
        machine.hook, machine.daemon = True, False


def starts(machine, name, before='true'):
    """The domain that apply wrote, or that a script writes now, started and paused"""
    text = machine.must(f'{before} && virsh -q define --validate /lab/domains/{name}.xml && '
                        f'virsh -q start --paused {name} && figures {name} 2>&1', 300)
    return lab_try.parse(f'stage runs\n{text}')


def plug(machine, name, address, how='attach'):
    """(what we say, what libvirt does): done, or why not"""
    option = '--detach' if how == 'detach' else ''
    code, _ = machine.run(f'virsh -q dumpxml {name} >/lab/live.xml\n'
                          f'vv hotplug {option} /lab/live.xml {address} >/lab/device.xml '
                          '2>/lab/hotplug.err')
    with open(f'{machine.share}/hotplug.err', encoding='utf-8') as file:
        why = file.read()
    if code == 0:
        told, text = machine.run(f'virsh -q {how}-device --live {name} /lab/device.xml', 120)
        return 'yes', 'done' if told == 0 else lab_try.clean(text)
    return 'no: ' + ' '.join(sorted(set(re.findall(r'\[([a-z0-9-]+)\]', why)))), 'not tried'


def try_plan(lab, profile, name, plan):
    short = f'plan-{lab_try.slug(name)}'
    asked = plan.guest.render(short)
    if not lab.kernel.iommufd and lab_domain.wants_iommufd(asked):
        raise lab_machine.Skipped('this kernel has no iommufd')
    machine = lab.machine(profile)
    install_hook(machine)
    lab_try.start_daemon(machine, lab)
    machine.write(f'domains/{short}-asked.xml', asked)
    if plan.before:
        machine.must(plan.before)
    row = {'name': name, 'profile': profile, 'plugs': []}
    lab.plans.append(row)
    try:
        code, text = machine.run(f'vv apply /lab/domains/{short}-asked.xml '
                                 f'>/lab/domains/{short}.xml')
        if plan.refused:
            row['plan'], row['became'] = f'no plan: {plan.refused}', '-'
            if code != 1 or plan.refused not in text:
                raise AssertionError(f'exit {code}, wanted a refusal by {plan.refused}: {text}')
            return f'no plan: {plan.refused}'
        if code != 0:
            raise AssertionError(f'exit {code}: {text}')
        if not lab.kernel.iommufd and lab_domain.wants_iommufd(
                machine.must(f'cat /lab/domains/{short}.xml')):
            raise AssertionError('planned with iommufd, which this kernel has not')
        return judge(machine, short, plan, row)
    finally:
        machine.run(f'finish {short}\n{plan.after}', 300)


def judge(machine, short, plan, row):
    document = json.loads(machine.must(f'vv plan --json /lab/domains/{short}.xml 2>/dev/null'))
    row['plan'] = ', '.join(f'{device["address"][5:]} {device["mode"]}'
                            for device in document['devices'])
    verdict = lab_try.check(machine, short)
    if verdict.errors:
        raise AssertionError(f'errors on what apply wrote: {verdict.errors}')
    machine.must(f'vv apply /lab/domains/{short}.xml 2>/dev/null | '
                 f'busybox cmp - /lab/domains/{short}.xml')
    runs = starts(machine, short)
    row['became'] = 'starts'
    told = document['limits']['locked_memory']
    limits = f'locked {runs.locked} of {told["accounted"]}'
    if runs.locked > told['accounted'] or told['libvirt'] not in (runs.limit, None):
        raise AssertionError(f'{limits}, libvirt {told["libvirt"]} and {runs.limit}')
    for address, wanted in plan.plugs:
        said, did = plug(machine, short, address)
        row['plugs'].append(f'{address[5:]}: we say {said}, {did}')
        if (said == 'yes') != wanted or (wanted and did != 'done'):
            raise AssertionError(f'hotplug of {address}: we say {said}, libvirt: {did}')
    if plan.plugs:
        runs = lab_try.parse(machine.must(f'echo stage runs; figures {short}'))
        limits += f', after hotplug {runs.locked} of {runs.limit}'
    with open(f'{machine.share}/hook.log', encoding='utf-8') as file:
        if f'{short} start' not in file.read():
            raise AssertionError('the hook was not called')
    return '; '.join([row['plan'], limits, *row['plugs']])


def cases(lab):
    for profile in lab.profiles:
        for name, plan in PLANS[lab.chosen.host]():
            if plan.profile == profile and (plan.short or not lab.chosen.short):
                yield f'plan {profile}: {name}', \
                    lambda profile=profile, name=name, plan=plan: try_plan(lab, profile, name, plan)
