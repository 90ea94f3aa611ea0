#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What apply writes, on a real libvirt and QEMU (TAP): define --validate takes it, what libvirt keeps has all that
we wrote and passes check, and the same buses start with emulated devices on them.
usage: test-planned.py PROGRAM SOURCE-ROOT [--stack 9.0|12.8] [--root DIR] [--generated PROPERTY-TEST]"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle_stack
import planned
import written

# what a machine without KVM refuses whatever the plan: said by libvirt or QEMU of that version
NOT_HERE = [
    (r'eim=on requires accel=kvm', 'eim needs KVM in this QEMU'),
    (r'IO-?APIC .*split|kernel.irqchip', 'needs KVM for a split interrupt chip'),
    (r'is not a valid device model name', 'a device that no QEMU has, and that no plan wrote'),
    (r'Maximum CPUs greater than|max CPUs supported|Invalid SMP CPUs', 'too many vCPUs for TCG'),
]


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program')
    parser.add_argument('source')
    parser.add_argument('--stack', default='9.0', choices=sorted(oracle_stack.SUITES))
    parser.add_argument('--root', help='a root that holds libvirt and QEMU, instead')
    parser.add_argument('--generated', metavar='PROGRAM', help='test-property: generated domains as well')
    parser.add_argument('--size', type=int, default=200, help='seeds of generated domains (default: 200)')
    parser.add_argument('--seed', type=int, default=1, help='the first of them')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--keep', metavar='DIR', help='write the domains there')
    parser.add_argument('--make-root', action='store_true', help='make the private root where it is not there')
    return parser.parse_args()


def version(number):
    """"12008000" or "12.8.0" """
    return number if '.' in number else f'{int(number) // 1000000}.{int(number) // 1000 % 1000}.{int(number) % 1000}'


class Judge:
    def __init__(self, arguments, stack):
        self.arguments = arguments
        self.versions = ['--libvirt-version', version(stack.libvirt), '--qemu-version', version(stack.qemu)]
        self.refused, self.missing, self.unsound, self.stuck, self.skipped = [], [], [], [], []
        self.count = self.started = 0

    def cases(self, folder):
        """(name, XML before, planned XML, host, more options)"""
        def inputs():
            yield from written.inputs(self.arguments.source)
            if self.arguments.generated:
                yield from written.generated(self.arguments.generated, self.arguments.source, folder,
                                             self.arguments.seed, self.arguments.size)

        for name, before, after, host, more in written.written_for(self.arguments.program, inputs(), self.versions):
            yield re.sub(r'[^A-Za-z0-9]+', '-', name), before.decode(), after.decode(), host, more

    def check(self, text, host, more):
        with tempfile.NamedTemporaryFile(suffix='.xml') as file:
            file.write(text.encode())
            file.flush()
            run = subprocess.run([self.arguments.program, 'check', '--json', file.name, '--host', host,
                                  *self.versions, *more], capture_output=True, timeout=120)
        return [finding['rule'] + ': ' + finding['message'] for finding in json.loads(run.stdout)[0]['findings']
                if finding['outcome'] == 'fail' and finding['severity'] == 'error']

    def judge(self, worker, case):
        name, original, text, host, more = case
        arch = 'aarch64' if re.search(r"arch=['\"]aarch64", text) else 'x86_64'
        kvm = re.search(r"<domain[^>]*type=['\"]kvm", text)
        # what was refused before we came says nothing of our edits
        if not worker.define(name, planned.define_text(original, name, arch))[0]:
            return
        self.count += 1
        mine = planned.define_text(text, name, arch)
        outcome, answer, kept = worker.define(name, mine)
        if self.arguments.keep:
            for kind, content in (('planned', text), ('define', mine), ('start', planned.start_text(mine)),
                                  ('kept', kept)):
                with open(f'{self.arguments.keep}/{name}.{kind}.xml', 'w', encoding='utf-8') as file:
                    file.write(content or '')
        if not outcome:
            self.refused.append(f'{name}: {answer}')
            return
        self.missing += [f'{name}: {element}' for element in planned.lost(mine, kept)]
        before = self.check(text, host, more)
        self.unsound += [f'{name}: {error}' for error in self.check(planned.host_text(kept, kvm), host, more)
                         if error not in before]
        answer = worker.judge(name, planned.start_text(mine))
        if answer.outcome in ('starts', 'schema'):
            self.started += 1
            return
        reason = [why for pattern, why in NOT_HERE if re.search(pattern, answer.text)]
        (self.skipped if reason else self.stuck).append(f'{name}: {answer.outcome}: {answer.text} {reason}')


def report(number, name, problems, more=()):
    print(f"{'not ok' if problems else 'ok'} {number} {name}")
    for problem in [*problems, *more]:
        for line in problem.splitlines()[:6]:
            print(f'# {line[:600]}')


def main():
    arguments = options()
    try:
        stack = oracle_stack.Stack(arguments.stack, arguments.jobs, make=arguments.make_root, root=arguments.root,
                                   nodes=['iommu'])
        with stack, tempfile.TemporaryDirectory() as folder:
            judge = Judge(arguments, stack)
            stack.map(judge.judge, list(judge.cases(folder)))
    except oracle_stack.Unavailable as reason:
        print(f'1..0 # SKIP {reason}')
        return
    name = f'libvirt-{arguments.stack}'
    print('1..5')
    report(1, f'{name}-has-work', [] if judge.count >= 4 else [f'only {judge.count} plans'])
    report(2, f'{name}-defines-{judge.count}-plans', judge.refused)
    report(3, f'{name}-keeps-all-that-was-written', judge.missing)
    report(4, f'{name}-keeps-what-passes-check', judge.unsound)
    report(5, f'{name}-starts-{judge.started}-of-them', judge.stuck or
           ([] if judge.started >= judge.count // 2 else ['fewer than half']), judge.skipped)


if __name__ == '__main__':
    main()
