#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns one meson test run into lines "outcome<TAB>step<TAB>name<TAB>reason".

usage: results.py STEP MESON-LOGS-DIRECTORY MESON-EXIT-CODE

Each TAP subtest counts as a test of its own. A program that meson calls failed never yields zero
failures, whatever its subtests say: it may have crashed behind the last of them.
"""
import json
import os
import re
import sys
import xml.etree.ElementTree as ET


def short(name):
    """Meson writes "project:suite / test", for TAP programs "project.project:suite / test", or (since
    1.8) "suite - project:test" with "project." before it."""
    for separator in (' / ', ' - '):
        if separator in name:
            name = name.rsplit(separator, 1)[1]
    return re.sub(r'^[^.:/ ]*[.:]', '', name)


def programs(directory):
    """Per test program: what meson calls its result, and its reason to skip as a whole."""
    found = {}
    path = os.path.join(directory, 'testlog.json')
    if not os.path.exists(path):
        return found
    with open(path, encoding='utf-8') as log:
        for line in log:
            run = json.loads(line)
            reason = re.search(r'^(?:SKIP:|1\.\.0 # SKIP)\s*(.*)$', run.get('stdout', ''), re.M | re.I)
            found[short(run['name'])] = (run['result'], reason[1].strip() if reason else '')
    return found


def row(program, case, reason):
    test = re.sub(r'^\d+ (- )?', '', case.get('name'))
    test = short(test) if test.endswith(program) else test
    full = program if test in ('', program) else f'{program}: {test}'
    if case.find('failure') is not None or case.find('error') is not None:
        return ('fail', full, '')
    if case.find('skipped') is not None:
        said = (case.findtext('system-out') or '').strip()
        return ('skip', full, reason or said or 'no reason given')
    return ('pass', full, '')


def main():
    step, directory, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
    known = programs(directory)
    rows = []
    junit = os.path.join(directory, 'testlog.junit.xml')
    if os.path.exists(junit):
        for suite in ET.parse(junit).getroot().iter('testsuite'):
            # TAP programs are a suite each; all others are cases of the project's suite
            program = short(suite.get('name'))
            for case in suite.iter('testcase'):
                name = program if program in known else short(case.get('name'))
                rows.append(row(name, case, known.get(name, ('', ''))[1]))
    for name, (result, _) in known.items():
        if result not in ('OK', 'SKIP', 'EXPECTEDFAIL') and \
                not any(r[0] == 'fail' and r[1].split(':')[0] == name for r in rows):
            rows.append(('fail', name, f'the program ended with {result}'))
    if code != 0 and not any(row[0] == 'fail' for row in rows):
        rows.append(('fail', 'meson test', f'exit code {code}'))
    if not rows:
        rows.append(('fail', 'meson test', 'ran no test'))
    for outcome, name, reason in rows:
        print(outcome, step, name, reason.replace('\n', ' '), sep='\t')


if __name__ == '__main__':
    main()
