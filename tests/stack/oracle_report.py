# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of one run, as text that is Markdown too."""
import collections

import oracle_verdict

OUTCOMES = (('starts', 'starts'), ('schema', 'refused by --validate alone'),
            ('define', 'refused at define'), ('start', 'refused at start'),
            ('host', 'needs another machine'), ('lost', 'no answer'))
TARGETS = (('missed', 'domains that we call clean and that are refused'),
           ('false', 'rules that promise a refusal, on domains that start'),
           ('stage', 'rules that promise a refusal at define, on domains that are defined'),
           ('unreadable', 'domains that start and that we cannot read'),
           ('dropped', 'attributes that libvirt drops, and no finding names'),
           ('unexplained', 'refused domains whose complaint is in the row of no rule that fired'))
MUST_BE_NONE = ('missed', 'false', 'stage', 'unreadable', 'dropped')


def table(head, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    line = lambda row: '| ' + ' | '.join(cell.ljust(width)
                                         for cell, width in zip(row, widths)).rstrip() + ' |'
    return [line(head), '|' + '|'.join('-' * (width + 2) for width in widths) + '|',
            *map(line, rows), '']


def verdict_table(cases):
    counts = collections.Counter((case.verdict.said, case.outcome) for case in cases)
    columns = [(key, title) for key, title in OUTCOMES
               if key in ('starts', 'define', 'start') or
               any(outcome == key for _, outcome in counts)]
    return table(['we say', *(title for _, title in columns)],
                 [[said, *(counts[said, key] for key, _ in columns)]
                  for said in ('ok', 'error', 'nothing')
                  if said != 'nothing' or any(key[0] == said for key in counts)])


def lenient_rows(cases):
    """Errors on domains that start and may have them: silent, late, unsafe, advice"""
    counts = collections.Counter()
    for case in cases:
        if case.outcome == 'starts':
            counts.update({(finding['rule'], finding['effect']) for finding in case.verdict.errors})
    return [[rule, effect, number] for (rule, effect), number in sorted(counts.items())
            if effect not in oracle_verdict.REFUSALS]


def schema_rows(cases):
    """Warnings that stand for a refusal by --validate: without it libvirt takes the domain"""
    counts = collections.Counter()
    for case in cases:
        if case.verdict.said == 'ok' and case.warned_of_schema:
            counts.update({finding['rule'] for finding in case.verdict.failed
                           if finding['effect'] == 'silent'})
    return [[rule, number] for rule, number in sorted(counts.items())]


def promise_rows(cases, rules):
    """Rules that promise a refusal: how often they were held to it, and whether by their words"""
    promised, told = collections.Counter(), collections.Counter()
    for case in cases:
        if not case.refused:
            continue
        for rule in case.promised:
            promised[rule] += 1
            told[rule] += oracle_verdict.tells(rules[rule], case.answer.text)
    return [[rule, rules[rule]['effect'], promised[rule], told[rule]] for rule in rules
            if promised[rule]]


def untried(cases, rules):
    """(rule, why) of rules that promise a refusal and were not tried"""
    tried = {rule for case in cases for rule in case.promised}
    for rule, row in rules.items():
        if row['effect'] not in oracle_verdict.REFUSALS or rule in tried:
            continue
        if oracle_verdict.why_excluded(rule):
            yield rule, oracle_verdict.why_excluded(rule)
        elif row['scope'] == 'hostdev':
            yield rule, 'is about an assigned device, which needs VFIO'
        else:
            yield rule, 'no domain of this run breaks it'


def examples(found, limit):
    for what, title in TARGETS:
        for key, cases in sorted(found[what].items(), key=lambda pair: (-len(pair[1]), pair[0])):
            smallest = min(cases, key=lambda case: (len(case.text), case.name))
            yield f'  {what} {len(cases)}x {key}'[:limit] + f' ({smallest.name})'


def targets(found):
    return [[title, sum(map(len, found[what].values())),
             '0' if what in MUST_BE_NONE else ''] for what, title in TARGETS]


def report(stack, cases, rules, found, *, seed=None, date=None):
    """Lines"""
    origin = f', seed {seed}' if seed is not None else ''
    lines = [f'## libvirt {stack.libvirt} with QEMU {stack.qemu}', '',
             f'{len(cases)} domains{origin}' + (f', {date}' if date else '') + '.', '',
             *verdict_table(cases), *table(['disagreement', 'number', 'target'], targets(found))]
    if seed is None:  # what the rules are tried on is the generated domains
        return lines
    rows = lenient_rows(cases)
    if rows:
        lines += ['Errors on domains that start and that nobody refuses:', '',
                  *table(['rule', 'effect', 'domains'], rows)]
    rows = schema_rows(cases)
    if rows:
        lines += ['Warnings, and no error, on domains that only --validate refuses:', '',
                  *table(['rule', 'domains'], rows)]
    rows = promise_rows(cases, rules)
    if rows:
        lines += ['Rules that promise a refusal, on refused domains:', '',
                  *table(['rule', 'effect', 'refused', "in the row's words"], rows)]
    rows = list(untried(cases, rules))
    if rows:
        lines += ['Rules that promise a refusal and were not tried:', '',
                  *table(['rule', 'why'], rows)]
    return lines
