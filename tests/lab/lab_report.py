# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of a run, into the marked section of a Markdown document."""
import collections
import datetime
import re

WORDS = 110  # of a refusal, in the table


def cell(text):
    return text.replace('|', '\\|').replace('\n', ' ')


def table(head, rows):
    line = lambda row: '| ' + ' | '.join(cell(str(part)) for part in row) + ' |'
    return [line(head), '|' + '---|' * len(head), *map(line, rows), '']


def sums(rows):
    counts = collections.Counter((row.verdict.said, row.result.works) for row in rows)
    yield from table(['we say', 'it starts', 'it is refused'], [
        [said, counts[said, True], counts[said, False]] for said in ('ok', 'error')])
    refused = [row for row in rows if not row.result.works]
    late = [row for row in rows if row.result.works and row.verdict.errors]
    yield f'- clean and refused: {sum(row.wrong == "missed" for row in rows)}'
    yield f'- refusals that a warning foretells, and no error: ' \
        f'{sum(bool(row.warned) for row in refused)} ' \
        f'({", ".join(sorted({row.warned for row in refused if row.warned})) or "none"})'
    yield f'- a refusal promised, and it starts: {sum(row.wrong == "false" for row in rows)}'
    yield f'- refusals whose words are in the row of a rule that fired: ' \
        f'{sum(row.teller is not None for row in refused)} of {len(refused)}'
    yield f'- errors on domains that start, of rules that tell of later harm: {len(late)} ' \
        f'({", ".join(sorted({rule for row in late for rule in row.fired})) or "none"})'
    yield ''


def verdicts(rows):
    yield '### Verdicts'
    yield ''
    yield from sums(rows)
    bare = [row for row in rows if row.teller == 'stack-iommufd-needs']
    if bare:
        yield f'{len(bare)} domains that are refused for want of iommufd (stack-iommufd-needs) are ' \
            'counted above and not listed.'
        yield ''
    rows = [row for row in rows if row not in bare]
    yield from table(['host', 'domain', 'we say', 'it', 'and says', 'told by'], [
        [row.profile, row.name, ', '.join(row.fired) or 'ok',
         'starts' if row.result.works else 'is refused',
         '' if row.result.works else shortened(row.result), row.teller or ''] for row in rows])


def shortened(result):
    text = result.said or result.log or result.kernel
    text = re.sub(r'\(0x[0-9a-f]+,[^)]*\)|0x[0-9a-f]{6,}', '…', text)
    return text if len(text) <= WORDS else text[:WORDS] + '…'


def numbers(rows):
    yield '### Locked memory, bytes'
    yield ''
    yield 'Lowest limit: with that RLIMIT_MEMLOCK the domain starts, with 4096 less it is refused.'
    yield ''
    yield from table(['host', 'domain', 'formula', 'accounted', 'limit by libvirt', 'lowest limit',
                      'VmLck', 'VmPin', 'resident', 'VmRSS'], [
        [row['profile'], row['name'], row['said']['formula'], row['said']['accounted'],
         row['result'].limit, row['lowest'], row['result'].locked, row['result'].pinned,
         row['said']['resident'], row['result'].resident] for row in rows])


def plans(rows):
    yield '### Plans'
    yield ''
    yield from table(['host', 'asked for', 'planned', 'it', 'hotplug'], [
        [row['profile'], row['name'], row.get('plan', ''), row.get('became', 'does not start'),
         '; '.join(row['plugs'])] for row in rows])


def guests(rows):
    yield '### Guests that boot and move data'
    yield ''
    yield 'VmLck and VmPin in bytes: when the domain has started, paused; when its Linux has mapped; and'
    yield 'after each step.'
    yield ''
    each = lambda row, field: '; '.join(f'{when} {getattr(figures, field)}'
                                        for when, figures in row['locked'])
    yield from table(['host', 'guest', 'says', 'accounted', 'VmLck', 'VmPin'], [
        [row['profile'], row['name'], '; '.join(row['said']),
         *(each(row, field) for field in ('accounted', 'locked', 'pinned'))] for row in rows])


def sections(lab):
    """(family, lines) of what ran"""
    for family, rows, render in (('verdicts', lab.rows, verdicts), ('numbers', lab.numbers, numbers),
                                 ('plans', lab.plans, plans), ('guests', lab.guests, guests)):
        if rows:
            yield family, list(render(rows))


def write(path, lab):
    """Replaces the sections of that host and of the families that ran"""
    title = f'{lab.name}, {datetime.date.today().isoformat()}: {lab.title()}.'
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for family, lines in sections(lab):
        begin = f'<!-- {lab.name} {family}: written by tests/lab/run -->\n'
        end = f'<!-- end of {lab.name} {family} -->'
        before, found, rest = text.partition(begin)
        if not found:
            raise AssertionError(f'{path} has no place for {begin.strip()}')
        text = before + begin + '\n'.join(['', *lines[:2], title, '', *lines[2:]]) + end + \
            rest.partition(end)[2]
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
