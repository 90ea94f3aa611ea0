# SPDX-License-Identifier: LGPL-2.1-or-later
"""One domain on the nested host: what virt-viommu says of it, and what becomes of it."""
import dataclasses
import functools
import json
import re

import lab_machine
import oracle_verdict

CACHED_CAPABILITIES = 'tar -c -C /var/cache/libvirt/qemu -f /lab/capabilities.tar capabilities'


def start_daemon(machine, lab):
    """libvirtd, with what it learned about its QEMU on an earlier nested host like this"""
    if getattr(machine, 'daemon', False):
        return
    recipe = [lab.disk_image, lab.kernel.image, lab.chosen.host]
    lab_machine.keep(machine, 'capabilities.tar', recipe, lambda host: host.must(
        f'daemon && virsh -q version >/dev/null && {CACHED_CAPABILITIES}', 300))
    machine.must('daemon && virsh -q version', 300)
    probed = ' '.join(lab.probed)
    if lab.kernel.iommufd:
        machine.must(f'bind vfio-pci {probed} && vv host --probe >/dev/null 2>&1 && bind "" {probed}')
    machine.daemon = True


# what virsh, libvirt and QEMU write around the words that count, and what is harmless here
AROUND = re.compile(
    r"error: Failed to (start|define) domain( '[^']*'| from \S+)|^error: |(?<= )error: |"
    r'\d{4}-\d\d-\d\d[T ][0-9:.]+(Z|\+0000)(: \d+:)? ?|qemu-system-\S+: |\s*\\$|'
    r"internal error: |(process exited while connecting to|QEMU unexpectedly closed the) monitor"
    r"( \(vm='[^']*'\))?: |-device \{.*?\}: |warning: VFIO dma-buf not supported in kernel[^-]*?"
    r"(will not work|$)|KVM VFIO device isn't created yet|warning: TCG doesn't support \S+ \S+ "
    r'\S+( \[bit \d+\])?')


def clean(text):
    """The words that count, once each"""
    kept = []
    for line in text.splitlines():
        line = re.sub(r'\s+', ' ', AROUND.sub('', line)).strip()
        if line and line not in kept:
            kept.append(line)
    return ' / '.join(kept)


@functools.lru_cache(maxsize=None)
def catalogue(path):
    program = oracle_verdict.Program(path, '12.8.0', '11.1.2')
    return program.rules


@dataclasses.dataclass
class Result:
    """What became of a domain"""
    stage: str                 # define, start, runs, attach, or lost
    said: str = ''             # libvirt's words, with QEMU's in them
    log: str = ''              # what else QEMU wrote
    kernel: str = ''
    limit: int = 0             # RLIMIT_MEMLOCK, bytes
    locked: int = 0            # VmLck, bytes
    pinned: int = 0            # VmPin, bytes
    resident: int = 0          # VmRSS, bytes
    accounted: int = 0         # what we say is locked, where that was asked

    @property
    def works(self):
        return self.stage == 'runs'


def parse(text):
    lines = {}
    for line in text.splitlines():
        key, _, rest = line.partition(' ')
        lines.setdefault(key, []).append(rest)
    one = lambda key: clean('\n'.join(lines.get(key, [''])))
    number = lambda key, unit: int(lines[key][0]) * unit if lines.get(key) and \
        lines[key][0].strip().isdigit() else 0
    return Result(one('stage') or 'lost', said=one('said'),
                  log=one('log'), kernel=one('kernel'), limit=number('limit', 1),
                  locked=number('Lck', 1024), pinned=number('Pin', 1024),
                  resident=number('RSS', 1024))


@dataclasses.dataclass
class Row:
    """One line of the table"""
    name: str
    profile: str
    verdict: oracle_verdict.Verdict
    result: Result
    rules: dict
    warned: str = ''       # the rule that foretells the refusal by a warning

    @property
    def fired(self):
        """Rules with errors, and the warning that is waited for"""
        return sorted({finding['rule'] for finding in self.verdict.errors} |
                      {f'{self.warned} (warning)' for finding in self.verdict.failed
                       if finding['rule'] == self.warned})

    @property
    def promised(self):
        """Rules that say it does not work"""
        return sorted({finding['rule'] for finding in self.verdict.errors
                       if finding['effect'] in oracle_verdict.REFUSALS})

    @functools.cached_property
    def teller(self):
        """The rule that fired and has the words of the refusal"""
        for text in (self.result.said, self.result.log, self.result.kernel):
            for finding in self.verdict.failed:
                if text and oracle_verdict.tells(self.rules[finding['rule']], text):
                    return finding['rule']
        return None

    @property
    def wrong(self):
        """missed: called clean and refused; false: a refusal promised, and it works"""
        if self.warned and (self.result.works or self.teller != self.warned):
            return 'missed'
        if not self.result.works and not self.verdict.errors and not self.warned:
            return 'missed'
        return 'false' if self.result.works and self.promised else ''

    def tell(self):
        rules = ', '.join(self.fired) or '-'
        text = f'said {self.verdict.said} ({rules}); {self.result.stage}'
        if not self.result.works:
            text += f', told by {self.teller}: {self.result.said[:400]}'
            if self.result.log and self.result.log not in self.result.said:
                text += f'\nlog: {self.result.log[:300]}'
        else:
            text += f', limit {self.result.limit}, VmLck {self.result.locked}, VmPin ' \
                    f'{self.result.pinned}'
        return text + (f'\nkernel: {self.result.kernel[:300]}' if self.result.kernel else '')


def check(machine, name, options=''):
    """virt-viommu's verdict, from the facts of the nested host as it is now"""
    code, text = machine.run(f'vv check --json {options} /lab/domains/{name}.xml 2>/lab/check.err')
    if code not in (0, 1):
        with open(f'{machine.share}/check.err', encoding='utf-8') as file:
            return oracle_verdict.Verdict([], file.read().strip() or f'exit {code}')
    report = json.loads(text)[0]
    return oracle_verdict.Verdict(report['findings'], passed=report['summary']['pass'])


def figures(machine, name):
    """What "limits" says of the domain as it is now"""
    _, text = machine.run(f'vv limits --json /lab/domains/{name}.xml 2>/dev/null')
    return json.loads(text)['now']


def attempt(machine, name):
    return parse(machine.must(f'attempt {name}', 300))


def slug(name):
    return re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:60]
