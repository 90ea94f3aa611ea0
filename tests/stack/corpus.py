#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks libvirt's own test domains: every well-formed one is read without a crash or a leak (or is
refused in one line, where libvirt refuses it too), and none that libvirt takes as good gets an error,
but for the reviewed exceptions.

usage: corpus.py VIRT-VIOMMU BUILD-DIRECTORY

The program is best one with sanitizers. Prints result lines for dev/test.
"""
import fnmatch
import glob
import json
import os
import re
import subprocess
import sys
import xml.parsers.expat

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import libvirt_source
import written

SANITIZED = dict(os.environ, ASAN_OPTIONS='exitcode=99:detect_leaks=1',
                 LSAN_OPTIONS='exitcode=99', UBSAN_OPTIONS='halt_on_error=1:exitcode=99')
CHUNK = 100


def result(outcome, name, reason=''):
    print(outcome, 'corpus', name, reason, sep='\t', flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def is_domain(path):
    roots = []
    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: roots.append(name) if not roots else None
    try:
        with open(path, 'rb') as file:
            parser.ParseFile(file)
    except (xml.parsers.expat.ExpatError, OSError):
        return False
    return roots[:1] == ['domain']


def domains(directory):
    paths = glob.glob(f'{directory}/tests/qemuxmlconfdata/*.xml') + \
        glob.glob(f'{directory}/tests/qemuxml2argvdata/*.xml')
    return sorted(path for path in paths if is_domain(path))


def is_good(path):
    """libvirt refuses a case, or some version of it, where an .err file stands beside it."""
    stem = path[:-len('.xml')]
    while True:
        if os.path.exists(f'{stem}.err') or glob.glob(f'{glob.escape(stem)}.*.err'):
            return False
        if '.' not in os.path.basename(stem):
            return True
        stem = stem.rsplit('.', 1)[0]


def check(program, version, paths):
    """Reports of these files; a list of problems where the program misbehaves."""
    command = [program, 'check', '--host', 'none', '--libvirt-version', version, '--json'] + paths
    run = subprocess.run(command, capture_output=True, env=SANITIZED, timeout=600)
    if run.returncode in (0, 1):
        reports = json.loads(run.stdout)
        if len(reports) == len(paths):
            return reports, []
    if len(paths) > 1:
        halves = [check(program, version, half)
                  for half in (paths[:len(paths) // 2], paths[len(paths) // 2:])]
        return halves[0][0] + halves[1][0], halves[0][1] + halves[1][1]
    text = run.stderr.decode(errors='replace').strip().splitlines()
    if run.returncode == 2 and len(text) == 1 and not is_good(paths[0]):
        return [{'file': paths[0], 'findings': []}], []  # libvirt does not take it either
    return [], [f'{os.path.basename(paths[0])}: exit {run.returncode}: ' + ' | '.join(text[:6])]


def exceptions():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus-exceptions.txt')
    rows = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                pattern, rule, reason = line.split(None, 2)
                rows.append((pattern, rule, reason.strip()))
    return rows


def false_errors(reports, excepted):
    wrong = []
    for report in reports:
        name = os.path.basename(report['file'])
        if not is_good(report['file']):
            continue
        for finding in report['findings']:
            if finding['outcome'] != 'fail' or finding['severity'] != 'error':
                continue
            if not any(fnmatch.fnmatch(name, pattern) and finding['rule'] == rule
                       for pattern, rule, _ in excepted):
                wrong.append(f"{name}:{finding.get('line', 0)}: {finding.get('message')} "
                             f"[{finding['rule']}]")
    return wrong


def measure(command):
    """(wall time in seconds, peak memory in MiB) of one run. By time(1): what this program is told
    of a child counts the memory of this program, from before the child became another one."""
    run = subprocess.run(['/usr/bin/time', '-f', 'measured %e %M', *command],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds, kib = run.stderr.rsplit('measured ', 1)[1].split()
    return float(seconds), int(kib) / 1024


def compare(program, version, paths):
    """How long the whole corpus takes beside the bare parser, each the best of three runs."""
    ours = [program, 'check', '--host', 'none', '--libvirt-version', version, '--json'] + paths
    bare = ['xmllint', '--noout'] + paths
    if not os.path.exists('/usr/bin/time'):
        return
    for name, command in (('virt-viommu check', ours), ('xmllint --noout', bare)):
        seconds, memory = min(measure(command) for _ in range(3))
        note(f'  {name}: {len(paths)} files in {seconds:.2f} s, peak {memory:.1f} MiB')


def run_suite(program, build, directory, version):
    paths = domains(directory)
    if len(paths) < 500:
        result('fail', f'libvirt {version}', f'only {len(paths)} domains in {directory}')
        return
    reports, problems = [], []
    for start in range(0, len(paths), CHUNK):
        some, bad = check(program, version, paths[start:start + CHUNK])
        reports += some
        problems += bad
    note(f'libvirt {version}: {len(reports)} of {len(paths)} domains read')
    for line in problems[:20]:
        note(f'  {line}')
    result('fail' if problems else 'pass', f'libvirt {version}: all domains are read')
    wrong = false_errors(reports, exceptions())
    for line in wrong[:40]:
        note(f'  {line}')
    result('fail' if wrong else 'pass', f'libvirt {version}: no error on what libvirt takes',
           f'{len(wrong)} errors' if wrong else '')
    plain = os.path.join(build, 'gcc', 'cli', 'virt-viommu')
    if os.path.exists(plain):
        compare(plain, version, paths)


def run_memlock(program, directory, version):
    """The locked memory that libvirt's own test expects of it, to the byte"""
    with open(f'{directory}/tests/qemumemlocktest.c', encoding='utf-8') as file:
        cases = re.findall(r'DO_TEST\("([^"]+)", (\w+)\)', file.read())
    wrong = [] if len(cases) > 10 else [f'only {len(cases)} cases']
    for name, figure in cases:
        path = f'{directory}/tests/qemumemlockdata/qemumemlock-{name}.xml'
        run = subprocess.run([program, 'limits', '--json', '--host', 'none', '--libvirt-version',
                              version, path], capture_output=True, env=SANITIZED, timeout=60)
        said = json.loads(run.stdout)['now'].get('libvirt', 'unknown') if run.stdout else 'no answer'
        wanted = 'unlimited' if figure.endswith('UNLIMITED') else int(figure) or None
        # the file does not name the second host bridge that libvirt adds
        if said != wanted and (name, said) != ('pseries-hostdev', 'unknown'):
            wrong.append(f'{name}: {said}, not {wanted}')
    for line in wrong:
        note(f'  {line}')
    result('fail' if wrong else 'pass', f'libvirt {version}: {len(cases)} limits of locked memory',
           ', '.join(wrong))


def first_available(cache, suites):
    """Test data of the first suite whose source can be had; the reason why not otherwise."""
    reasons = []
    for suite in suites:
        try:
            return libvirt_source.fetch(cache, suite)
        except libvirt_source.Unavailable as reason:
            reasons.append(f'{suite}: {reason}')
        finally:
            libvirt_source.clean(cache)
    raise libvirt_source.Unavailable('; '.join(reasons))


def run_schema(program, cache):
    """What apply writes for the newest libvirt, against that libvirt's schema."""
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    try:
        directory, version = libvirt_source.fetch_schemas(cache, 'sid')
    except libvirt_source.Unavailable as reason:
        result('skip', 'schema of the newest libvirt', f'no package: {reason}')
        return
    finally:
        libvirt_source.clean(cache)
    schema = f'{directory}/domain.rng'
    count, wrong = 0, []
    for name, before, after in written.written(program, source, version, '11.1.0'):
        if written.relaxng(schema, before):
            continue
        count += 1
        complaint = written.relaxng(schema, after)
        if complaint:
            wrong.append(name)
            note(f'{name}: {complaint[:600]}')
    if count == 0:
        wrong = ['no domain has a plan']
    result('fail' if wrong else 'pass', f'libvirt {version}: schema takes {count} planned domains',
           ', '.join(wrong))


def main():
    program, build = sys.argv[1], os.path.abspath(sys.argv[2])
    cache = os.path.join(build, 'libvirt')
    try:
        _, own = libvirt_source.mirror_and_suite()
    except libvirt_source.Unavailable as reason:
        result('skip', 'libvirt test data', str(reason))
        return
    seen = set()
    for name, suites in (('of this release', [own]), ('newest', ['sid', 'testing', 'stable'])):
        try:
            directory, version = first_available(cache, suites)
        except libvirt_source.Unavailable as reason:
            result('skip', f'libvirt {name}', f'no source package: {reason}')
            continue
        if version not in seen:
            run_suite(program, build, directory, version)
            run_memlock(program, directory, version)
        seen.add(version)
    run_schema(program, cache)


if __name__ == '__main__':
    main()
