#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What plan --format virt-xml prints makes virt-xml write what apply writes (TAP).
usage: test-virt-xml.py PROGRAM SOURCE-ROOT"""
import os
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import written

VIRT_XML = ['virt-xml', '--connect', 'test:///default', '--edit', '--print-xml']


def meaning(element):
    """An element without order, blanks and comments"""
    if not isinstance(element.tag, str):
        return None
    children = sorted(filter(None, map(meaning, element)))
    return repr((element.tag, sorted(element.attrib.items()), (element.text or '').strip(), children))


def parts(text):
    """What a difference is told by: the elements of a domain and, of its devices and features, each"""
    root = ET.fromstring(text)
    return [meaning(part) for child in root for part in (child if child.tag in ('devices', 'features') else [child])
            if meaning(part)]


def run_case(program, case):
    name, domain, host, more = case
    options = ['--host', host, '--libvirt-version', '12.8.0', '--qemu-version', '11.1.2', '--no-metadata', *more]
    plan = subprocess.run([program, 'plan', '--format', 'virt-xml', domain, *options], capture_output=True,
                          text=True, timeout=120)
    apply = subprocess.run([program, 'apply', domain, *options], capture_output=True, text=True, timeout=120)
    if apply.returncode != 0:
        same = plan.returncode == apply.returncode and plan.stdout == '' and plan.stderr == apply.stderr
        return None, '' if same else f'{name}: no plan, and {plan.returncode} {plan.stdout}{plan.stderr}'
    if not plan.stdout:
        with open(domain, encoding='utf-8') as file:
            same = meaning(ET.fromstring(file.read())) == meaning(ET.fromstring(apply.stdout))
        return None, '' if same else f'{name}: nothing for virt-xml to do'
    with open(domain, encoding='utf-8') as file:
        edited = subprocess.run([*VIRT_XML, *shlex.split(plan.stdout)], stdin=file, capture_output=True, text=True,
                                timeout=120)
    if edited.returncode != 0:
        return True, f'{name}: virt-xml: {edited.stderr.strip()[-300:]}'
    mine, theirs = parts(apply.stdout), parts(edited.stdout)
    missing = [part for part in mine if part not in theirs] + [part for part in theirs if part not in mine]
    return True, f'{name}: ' + ' | '.join(sorted(missing, key=len))[:700] if missing else ''


def main():
    if not shutil.which('virt-xml'):
        print('1..0 # SKIP needs virt-xml (package virtinst)')
        return
    program, source = sys.argv[1:3]
    cases = [case for case in written.inputs(source) if case[0].startswith('plan-')]
    edited, problems = 0, []
    for case in cases:
        used, problem = run_case(program, case)
        edited += bool(used)
        problems += [problem] if problem else []
    print('1..2')
    print(f"{'ok' if edited >= 20 else 'not ok'} 1 has-work-for-virt-xml")
    print(f'# {edited} of {len(cases)} plans')
    print(f"{'not ok' if problems else 'ok'} 2 virt-xml-writes-what-apply-writes")
    for problem in problems:
        print(f'# {problem}')


if __name__ == '__main__':
    main()
