# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our verdict on domains, and what the real stack thinks of it."""
import collections
import dataclasses
import fnmatch
import functools
import json
import os
import re
import subprocess
import xml.etree.ElementTree

# a rule with one of these promises that the domain does not come up
REFUSALS = ('refused-define', 'refused-start', 'abort')
CHUNK = 200
WORDS_IN_A_ROW = 4

# Rules whose promise cannot be put to the test here, by name, and why. Rules on assigned devices are
# not in here: they need no name, for there is no assigned device.
EXCLUDED = {
    'amd-many-vcpus': 'QEMU asks for it with KVM only',
    'group-*': 'is about the host and what it assigns',
    'memlock-*': 'is about memory that assigned devices pin',
    'quota-*': 'is what a policy grants',
    'stack-qemu-attribute': 'needs a QEMU much older than the libvirt beside it',
    'stack-qemu-minimum': 'needs a QEMU that the libvirt beside it does not take',
}

# What is wrong with the machine of the oracle, not with the domain: files, devices and networks that
# somebody's domain names
BEYOND = re.compile(
    r'VFIO PCI device assignment|requires VFIO support|passthrough of host PCI|IOMMUFD is not supported by host|'
    r'No such file or directory|Cannot access storage|cannot set up guest memory|'
    r'Cannot allocate memory|could not find capabilities for|Unable to find .*firmware|'
    r"virt type 'kvm'|Failed to initialize KVM|only with KVM|not supported by hypervisor|"
    r'[Nn]etwork (driver|not found)|no network with matching|/dev/(vhost|vfio|net|kvm)|'
    r'access denied|Permission denied|hugetlbfs|CPU mode|Requested operation is not valid|'
    r'this function is not supported by the connection driver|is not a valid qcow2|'
    r'does not support .*(spice|tpm|virtiofs)|requires x2APIC feature in CPU')


def why_excluded(rule):
    for pattern, why in EXCLUDED.items():
        if fnmatch.fnmatch(rule, pattern):
            return why
    return None


@dataclasses.dataclass
class Verdict:
    """Findings of one domain; none when the program could not read it."""
    findings: list
    unreadable: str = ''
    passed: int = 0

    @functools.cached_property
    def failed(self):
        return [finding for finding in self.findings if finding['outcome'] == 'fail']

    @functools.cached_property
    def errors(self):
        return [finding for finding in self.failed if finding['severity'] == 'error']

    @property
    def said(self):
        """error, ok, or nothing: a domain without vIOMMU and assigned device is not looked at"""
        if self.errors or self.unreadable:
            return 'error'
        return 'ok' if self.passed or self.findings else 'nothing'


class Program:
    def __init__(self, path, libvirt, qemu, host='none'):
        self.path, self.options = path, ['--host', host, '--libvirt-version', libvirt,
                                         '--qemu-version', qemu]
        rows = json.loads(subprocess.run([path, 'explain', '--all', '--json'], check=True,
                                         capture_output=True).stdout)
        self.rules = {row['rule']: row for row in rows}

    def check(self, paths):
        """{path: Verdict}"""
        run = subprocess.run([self.path, 'check', '--json', *self.options, *paths],
                             capture_output=True, text=True, timeout=300)
        if run.returncode in (0, 1):
            return {report['file']: Verdict(report['findings'], passed=report['summary']['pass'])
                    for report in json.loads(run.stdout)}
        if len(paths) == 1:
            if run.returncode != 2 or run.stderr.count('\n') != 1:
                raise AssertionError(f'{paths[0]}: exit {run.returncode}: {run.stderr}')
            return {paths[0]: Verdict([], run.stderr.strip())}
        half = len(paths) // 2
        return {**self.check(paths[:half]), **self.check(paths[half:])}

    def check_texts(self, domains, directory):
        """{name: Verdict} of (name, XML text) pairs"""
        os.makedirs(directory, exist_ok=True)
        paths = {}
        for name, text in domains:
            paths[f'{directory}/{name}.xml'] = name
            with open(f'{directory}/{name}.xml', 'w', encoding='utf-8') as file:
                file.write(text)
        verdicts, every = {}, list(paths)
        for start in range(0, len(every), CHUNK):
            verdicts.update(self.check(every[start:start + CHUNK]))
        return {paths[path]: verdict for path, verdict in verdicts.items()}


QUOTED = r"(?<![A-Za-z])'[^']*'(?![A-Za-z])"  # and no apostrophe


def words(text):
    """Words of a message that are the same in every domain: no numbers, names or quoted parts"""
    text = re.sub(r'\(vm=[^)]*\)|-device \{.*?\}:|\{[^{}]*\}|/\S+\.xml|qemu-system-\S+:', ' ', text)
    text = re.sub(rf'{QUOTED}|"[^"]*"|[0-9a-f]{{4}}:[0-9a-f]{{2}}:\S+|0x[0-9a-f]+|[\w.-]+=\S+', ' ', text)
    return [word.lower() for word in re.findall(r"[A-Za-z][A-Za-z_'-]*", text)]


# what libvirt and QEMU put before the message that counts
PREFIXES = re.compile(
    r'^((internal|XML|operation) (error|failed): |unsupported configuration: |invalid argument: |'
    r"(process exited|QEMU unexpectedly closed|qemu unexpectedly closed)[^:]*?monitor"
    r"( \(vm='[^']*'\))?: |qemu-system-\S+: (-\S+ (\{.*?\}|\S+): )?|"
    r'warning: .*?(?=qemu-system-))+')


def bare(text):
    """A complaint without its wrapping: what two refusals for one reason have in common"""
    return PREFIXES.sub('', text).strip()


def kind(text):
    """One text for all complaints of a kind"""
    text = re.sub(QUOTED, "'…'", bare(text))
    text = re.sub(r'\{.*?\}', '{…}', text)
    text = re.sub(r'[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]', '<address>', text)
    text = re.sub(r'/\S+', '<path>', text)
    return re.sub(r'-?\b(0x[0-9a-f]+|\d+)\b', 'N', text)


@functools.lru_cache(maxsize=None)
def rationale_words(text):
    return words(text)


def longest_run(needle, haystack):
    best, row = 0, [0] * (len(haystack) + 1)
    for word in needle:
        new = [0] * (len(haystack) + 1)
        for position, other in enumerate(haystack):
            if word == other:
                new[position + 1] = row[position] + 1
                best = max(best, new[position + 1])
        row = new
    return best


def tells(rule, text):
    """Whether the row of that rule has the words of this complaint"""
    said = words(bare(text))
    wanted = min(WORDS_IN_A_ROW, len(said))
    return bool(said) and longest_run(said, rationale_words(rule['rationale'])) >= wanted


def driver_attributes(text):
    """[{attribute: value}] of the <driver> of each <iommu>"""
    try:
        root = xml.etree.ElementTree.fromstring(text)
    except xml.etree.ElementTree.ParseError:
        return []
    return [dict(driver.attrib) if (driver := node.find('driver')) is not None else {}
            for node in root.iterfind('devices/iommu')]


@dataclasses.dataclass
class Case:
    """One domain: what we said and what came of it."""
    name: str
    label: str
    text: str
    verdict: Verdict
    answer: object
    rules: dict

    @functools.cached_property
    def outcome(self):
        """starts, schema, define, start, host (it needs another machine) or lost"""
        if self.answer.outcome in ('define', 'start') and BEYOND.search(self.answer.text):
            return 'host'
        return self.answer.outcome

    @property
    def refused(self):
        return self.outcome in ('schema', 'define', 'start')

    @functools.cached_property
    def teller(self):
        """The first failed rule whose row has the words of the real complaint"""
        for finding in self.verdict.failed:
            if tells(self.rules[finding['rule']], self.answer.text):
                return finding['rule']
        return None

    @functools.cached_property
    def promised(self):
        """Rules that say this domain does not come up"""
        return sorted({finding['rule'] for finding in self.verdict.errors
                       if finding['effect'] in REFUSALS})

    @property
    def warned_of_schema(self):
        """Only --validate refuses, and a warning says what it is about: defined without, the domain
        starts, and something of it is lost."""
        return self.outcome == 'schema' and any(
            finding['severity'] == 'warning' and finding['effect'] == 'silent'
            for finding in self.verdict.failed)

    def dropped(self):
        """Attributes of <iommu> that were written and are not in what libvirt kept"""
        if not self.answer.kept:
            return []
        written, kept = driver_attributes(self.text), driver_attributes(self.answer.kept)
        if len(written) != len(kept):
            return []
        return [name for before, after in zip(written, kept) for name in before
                if name not in after]

    def disagreements(self):
        """(what, key): keys are the same for one and the same disagreement"""
        outcome = self.outcome
        if self.verdict.unreadable and outcome in ('starts', 'schema'):
            yield 'unreadable', kind(self.verdict.unreadable)
        if outcome in ('lost', 'host') or self.verdict.unreadable:
            return
        if self.refused and self.verdict.said == 'ok' and not self.warned_of_schema:
            yield 'missed', f'{outcome}: {kind(self.answer.text)}'
        for rule in self.promised:
            at_define = self.rules[rule]['effect'] == 'refused-define'
            if why_excluded(rule):
                continue
            if outcome == 'starts' or (outcome == 'schema' and not at_define):
                yield 'false', rule
            elif at_define and outcome in ('schema', 'start'):
                yield 'stage', rule
        if outcome in ('define', 'start') and self.verdict.said == 'error' and not self.teller:
            yield 'unexplained', f'{outcome}: {kind(self.answer.text)}'
        told = ' '.join(finding['message'] for finding in self.verdict.failed)
        for name in self.dropped():
            if name not in told:
                yield 'dropped', name


def collect(cases):
    """{what: {key: [Case]}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for case in cases:
        for what, key in case.disagreements():
            found[what][key].append(case)
    return found
