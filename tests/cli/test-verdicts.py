#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exit codes, options and streams of virt-viommu.  usage: test-verdicts.py PROGRAM SOURCE-ROOT"""
import json
import os
import subprocess
import sys
import tempfile
import time

import program
import tap
from program import PLAIN, SOURCE, STACK, WRONG, file, virt_viommu
from terminal import on_a_terminal, open_terminal

VERBS = ['host', 'check', 'plan', 'apply', 'limits', 'explain', 'policy']
NONE = ['--host', 'none', *STACK]


def errors_of(report):
    return [f['rule'] for f in report['findings']
            if f['outcome'] == 'fail' and f['severity'] == 'error']


def test_clean_domain_exits_0():
    done = virt_viommu('check', file('plain.xml', PLAIN), *NONE)
    tap.equal(done.code, 0, repr(done))


def test_wrong_domain_exits_1():
    path = file('wrong.xml', WRONG)
    done = virt_viommu('check', path, *NONE)
    tap.equal(done.code, 1, repr(done))
    tap.true(b'[vtd-caching-mode]' in done.out, done)
    line = WRONG[:WRONG.index(b'<hostdev')].count(b'\n') + 1
    tap.true(f'{path}:{line}: error: '.encode() in done.out, f'place of the finding: {done}')


def test_standard_input():
    done = virt_viommu('check', '-', *NONE, '--json', stdin=WRONG)
    tap.equal(done.code, 1)
    tap.true('vtd-caching-mode' in errors_of(json.loads(done.out)[0]), done)


def test_check_json_is_an_array():
    paths = [file('plain.xml', PLAIN), file('wrong.xml', WRONG)]
    for some in (paths[:1], paths):
        reports = json.loads(virt_viommu('check', *some, *NONE, '--json').out)
        tap.equal([report['file'] for report in reports], some)


def test_json_of_many_files_is_one_array():
    """Written as it grows, and the same document as all at once."""
    wrong, plain = file('wrong.xml', WRONG), file('plain.xml', PLAIN)
    words = ['--host', 'none', *STACK, '--json']
    together = virt_viommu('check', wrong, plain, wrong, *words)
    reports = json.loads(together.out)
    tap.equal([report['file'] for report in reports], [wrong, plain, wrong])
    tap.equal(reports[0], json.loads(virt_viommu('check', wrong, *words).out)[0])
    nothing = virt_viommu('check', '/no/such/file.xml', *words)
    tap.equal((nothing.code, nothing.out), (2, b'[]\n'), nothing)
    partly = virt_viommu('check', '/no/such/file.xml', plain, *words)
    tap.equal((partly.code, len(json.loads(partly.out))), (2, 1), partly)


def test_format_line_has_a_line_for_each_finding():
    """the worst first, and one for each way to find out what is unknown"""
    domain = f'{SOURCE}/examples/domains/gpu-q35.xml'
    words = ['check', domain, '--host', 'none', *STACK]
    findings = json.loads(virt_viommu(*words, '--json').out)[0]['findings']
    failed = [finding for finding in findings if finding['outcome'] == 'fail']
    unknown = [finding for finding in findings if finding['outcome'] == 'unknown']
    order = ['error', 'warning', 'info']
    failed.sort(key=lambda finding: (order.index(finding['severity']), finding['line']))
    lines = virt_viommu(*words, '--format', 'line').out.decode().splitlines()
    for line, finding in zip(lines, failed):
        tap.true(line.startswith(f"{domain}:{finding['line']}: {finding['severity']}: "), line)
        tap.true(f" [{finding['rule']}]" in line and finding['message'] in line, line)
    tap.true(any('(ua-gpu0, 0000:17:00.0) [vtd-caching-mode]; ' in line for line in lines), lines)
    tap.true(len(unknown) > 20, unknown)
    rest = lines[len(failed):]
    tap.equal(len(rest), 1, rest)
    rules = list(dict.fromkeys(finding['rule'] for finding in unknown))
    tap.true(f"unknown: {len(rules)} rules not decided without arch, devices/0000:17:00.0 and " in rest[0],
             rest)
    tap.true(rest[0].endswith(f" [{','.join(rules)}]; --host FILE, --sysroot DIR, or run it on the host"),
             rest)
    quiet = virt_viommu(*words, '--format', 'line', '-q').out.decode().splitlines()
    tap.equal(quiet, lines[:len(failed)])
    text = virt_viommu(*words, '-v').out.decode()
    tap.true(f"  rules: {' '.join(rules)}\n" in text and text.count('unknown: ') == 1, text)


def test_a_sum_names_its_file_among_many():
    domain = f'{SOURCE}/examples/domains/gpu-q35.xml'
    plain = file('plain.xml', PLAIN)
    done = virt_viommu('check', domain, plain, *NONE).out.decode().splitlines()
    tap.true(any(line.startswith(f'{domain}: 3 errors, ') for line in done), done)
    tap.true(done[-1].startswith(f'{plain}: no findings'), done)
    tap.true(virt_viommu('check', plain, *NONE).out.startswith(b'no findings'), 'alone it need not')


def test_trouble_outweighs_findings():
    good, bad = file('wrong.xml', WRONG), file('cut.xml', WRONG[:200])
    for order in ((good, bad), (bad, good)):
        done = virt_viommu('check', *order, *NONE, '--json')
        tap.equal(done.code, 2)
        tap.equal([report['file'] for report in json.loads(done.out)], [good])
        tap.equal(done.err.count(b'\n'), 1, 'lines on stderr')


def test_fail_on():
    path = file('wrong.xml', WRONG)
    report = json.loads(virt_viommu('check', path, *NONE, '--json').out)[0]
    tap.true(report['summary']['error'] > 0, report['summary'])
    for severity in ('error', 'warning', 'info'):
        tap.equal(virt_viommu('check', path, *NONE, '--fail-on', severity).code, 1)
    policy = file('policy.json', b'{"policy": 1, "name": "site", "max_usage": "dma"}')
    tap.equal(virt_viommu('check', file('plain.xml', PLAIN), *NONE, '--policy', policy,
                          '--fail-on', 'info').code, 0)


def test_strict_exits_3_on_unknowns():
    healed = WRONG.replace(b"intremap='on'", b"intremap='on' caching_mode='on'")
    path = file('healed.xml', healed)
    summary = json.loads(virt_viommu('check', path, *NONE, '--json').out)[0]['summary']
    tap.equal(summary['error'], 0, 'errors')
    tap.true(summary['unknown'] > 0, summary)
    tap.equal(virt_viommu('check', path, *NONE).code, 0)
    tap.equal(virt_viommu('check', path, *NONE, '--strict').code, 3)
    tap.equal(virt_viommu('check', file('wrong.xml', WRONG), *NONE, '--strict').code, 1)


def test_no_fact_is_no_pass():
    """What only a host can tell is unknown without one, and says what would tell."""
    report = json.loads(virt_viommu('check', file('w.xml', WRONG), *NONE, '--json').out)[0]
    unknown = [f for f in report['findings'] if f['outcome'] == 'unknown']
    tap.true(unknown, 'findings that are unknown')
    for finding in unknown:
        tap.true(finding['needs'], f'{finding["rule"]} names the fact that it needs')


def test_running_host_is_read_without_a_flag():
    done = virt_viommu('host', '--json')
    tap.equal(done.code, 0, repr(done))
    facts = json.loads(done.out)
    tap.equal(facts['host'], 1)
    tap.equal(facts['kernel']['release'], os.uname().release)


def test_saved_facts_round_trip():
    saved = os.path.join(program.SCRATCH.name, 'saved.json')
    tap.equal(virt_viommu('host', '--save', saved).code, 0)
    with open(saved, 'rb') as content:
        text = content.read()
    again = os.path.join(program.SCRATCH.name, 'again.json')
    tap.equal(virt_viommu('host', '--host', saved, '--save', again).code, 0)
    with open(again, 'rb') as content:
        tap.equal(content.read(), text)


def test_what_follows_from_facts_is_no_fact():
    """--json adds decoded registers and verdicts, and loads as the same facts."""
    saved = f'{SOURCE}/tests/host/xeon.json'
    described = virt_viommu('host', '--host', saved, '--json').out
    iommu = json.loads(described)['iommus'][0]
    tap.equal(iommu['decoded']['ECAP']['NEST'], True)
    tap.equal(iommu['verdict']['mode'], 'nested')
    lie = described.replace(b'"mode": "nested"', b'"mode": "none"')
    tap.equal(virt_viommu('host', '--host', file('lie.json', lie), '--json').out, described)


def test_help_of_every_verb():
    for verb in VERBS:
        done = virt_viommu(verb, '--help')
        tap.equal((done.code, done.err), (0, b''), verb)
        tap.true(f'virt-viommu {verb}'.encode() in done.out, verb)
        tap.true(verb.encode() in virt_viommu('--help').out, verb)


def test_version():
    tap.true(virt_viommu('--version').out.startswith(b'virt-viommu 0.'), 'version')


def test_wrong_use_is_one_line_and_2():
    path = file('plain.xml', PLAIN)
    for words, wanted in [
            (['chek', path], b"did you mean 'check'"),
            (['frobnicate'], b"no verb 'frobnicate'"),
            (['--json', 'check', path], b'behind a verb'),
            (['check'], b'takes FILE'),
            (['plan', path, path], b'takes FILE'),
            (['host', path], b'no PCI address'),
            (['check', '--bad', path], b'--bad'),
            (['check', '--format', 'yaml', path], b'yaml'),
            (['plan', '--format', 'sarif', path], b'sarif'),
            (['check', '--fail-on', 'off', path], b'--fail-on'),
            (['check', '--libvirt-version', 'new', path], b'no version'),
            (['check', '--qemu-version', '-1.2', path], b'no version'),
            (['check', '--profile', 'cloud', path], b'cloud'),
            (['check', '--color', 'red', path], b'red'),
            (['check', '--host', 'none', '--sysroot', '/', path], b'exclude'),
            (['host', '--probe', '--host', 'none'], b'--probe'),
            (['check', '--json', '--format', 'text', path], b'exclude'),
            (['plan', '--json', '--diff', path], b'--diff'),
            (['explain'], b'--all'),
            (['explain', 'vtd-cachingmode'], b"did you mean 'vtd-caching-mode'"),
            (['policy', 'chek', path], b"did you mean 'check'"),
            (['policy', 'check'], b'policy check FILE')]:
        done = virt_viommu(*words)
        tap.equal((done.code, done.out), (2, b''), ' '.join(words))
        tap.true(wanted in done.err, f'{words}: {done.err!r}')
        tap.true(done.err.startswith(b'virt-viommu: ') and done.err.count(b'\n') == 1, done.err)
    tap.equal(virt_viommu().code, 2)


def test_quiet_and_verbose():
    path = file('wrong.xml', WRONG)
    quiet, normal, verbose = (virt_viommu('check', path, *NONE, *flag).out
                              for flag in (['-q'], [], ['-v']))
    tap.true(b'[vtd-caching-mode]' in quiet, quiet)
    tap.true(len(quiet) < len(normal) <= len(verbose), (len(quiet), len(normal), len(verbose)))


def test_colour_only_where_wanted():
    arguments = ['check', file('wrong.xml', WRONG), *NONE]
    escape = b'\x1b['
    tap.true(escape not in virt_viommu(*arguments).out, 'none in a pipe')
    tap.true(escape in virt_viommu(*arguments, '--color', 'always').out, 'where asked for')
    tap.true(escape in on_a_terminal(arguments), 'on a terminal')
    tap.true(escape not in on_a_terminal(arguments, NO_COLOR='1'), 'not with NO_COLOR')
    tap.true(escape not in on_a_terminal([*arguments, '--color', 'never']), 'not when told never')


def progress_of(*flags):
    """What a run over many files, one of them slow to come, shows on the terminal of stderr."""
    leader, follower = open_terminal()
    slow = os.path.join(program.SCRATCH.name, 'slow.xml')
    os.mkfifo(slow)
    files = [file('plain.xml', PLAIN)] * 60 + [slow] + [file('wrong.xml', WRONG)] * 60
    child = subprocess.Popen([program.PROGRAM, 'check', *files, *NONE, *flags],
                             stdout=subprocess.PIPE, stderr=follower, env=program.environment())
    os.close(follower)
    with open(slow, 'wb') as writer:  # opens when the program has come to it
        time.sleep(0.3)
        writer.write(PLAIN)
    child.stdout.read()
    tap.equal(child.wait(), 1)
    os.unlink(slow)
    try:
        text = os.read(leader, 65536)
    except OSError:  # the terminal was closed without a word
        text = b''
    os.close(leader)
    return text


def test_progress_on_a_terminal():
    tap.true(b'\r61/121 files, 0 with errors' in progress_of(), 'progress')
    tap.equal(progress_of('-q'), b'')
    path = file('plain.xml', PLAIN)
    tap.equal(virt_viommu('check', *[path] * 200, *NONE).err, b'')


def test_probe_tells_why_not():
    if os.path.exists('/dev/iommu'):
        raise tap.Skip('would reset idle devices of this machine')
    done = virt_viommu('host', '--probe')
    tap.equal((done.code, done.out), (2, b''))
    tap.true(b'/dev/iommu' in done.err and done.err.count(b'\n') == 1, done.err)


def test_explain_takes_families():
    """by the first word of their rules' ids"""
    every = [rule['rule'] for rule in json.loads(virt_viommu('explain', '--all', '--json').out)]
    wanted = [rule for rule in every if rule.startswith('vtd-')]
    found = json.loads(virt_viommu('explain', 'vtd', 'group-none', '--json').out)
    tap.equal([rule['rule'] for rule in found], [*wanted, 'group-none'])
    tap.true(len(wanted) > 10, wanted)
    text = virt_viommu('explain', 'vtd').out.decode()
    tap.true(all(f'\n{rule} (' in f'\n{text}' for rule in wanted), text)
    for word in ('vt', 'vtd-', 'vtd-caching', ''):
        done = virt_viommu('explain', word)
        tap.equal((done.code, done.out), (2, b''), done)


def test_dash_is_standard_output():
    path = file('plain.xml', PLAIN)
    with tempfile.TemporaryDirectory() as empty:
        done = virt_viommu('apply', path, *NONE, '-o', '-', cwd=empty)
        tap.equal((done.code, done.out), (0, PLAIN), done)
        done = virt_viommu('apply', path, *NONE, '-o', '/dev/stdout', cwd=empty)
        tap.equal((done.code, done.out), (0, PLAIN), done)
        done = virt_viommu('host', '--host', 'none', '--save', '-', cwd=empty)
        tap.equal((done.code, json.loads(done.out)['host']), (0, 1), done)
        tap.equal(os.listdir(empty), [], 'files')


def test_help_of_a_verb():
    tap.equal(virt_viommu('help', 'plan').out, virt_viommu('plan', '--help').out)
    tap.equal(virt_viommu('help', 'plann').code, 2)
    for verb in ('host', 'check', 'plan', 'apply', 'hotplug', 'limits', 'ledger', 'policy'):
        text = virt_viommu(verb, '--help').out.decode()
        tap.true(max(map(len, text.splitlines())) <= 105, f'{verb}: a long line: {text}')


def test_full_disk_is_noticed():
    path = file('wrong.xml', WRONG)
    # larger than a buffer: the first write fails, and not the last one
    large = file('large.xml', PLAIN.replace(b'<devices/>', b'<!-- x -->\n' * 9000 + b'<devices/>'))
    for words in (['check', path, *NONE], ['--help'], ['policy', 'show'],
                  ['apply', file('plain.xml', PLAIN), *NONE], ['apply', large, *NONE],
                  ['explain', '--all', '--json']):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([program.PROGRAM, *words], stdout=full, stderr=subprocess.PIPE,
                                  env=program.environment(), timeout=60)
        tap.equal(done.returncode, 2, words)
        tap.true(b'No space left' in done.stderr and done.stderr.count(b'\n') == 1, done.stderr)


def test_closed_pipe_is_quiet():
    for words in (['check', file('wrong.xml', WRONG), *NONE], ['explain', '--all', '--json']):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([program.PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE,
                              env=program.environment(), timeout=60)
        os.close(writer)
        tap.equal((done.returncode, done.stderr), (2, b''), words)


def test_closed_standard_output_is_noticed():
    done = subprocess.run(['sh', '-c', 'exec "$0" "$@" >&-', program.PROGRAM, 'check',
                           file('wrong.xml', WRONG), *NONE], stderr=subprocess.PIPE,
                          env=program.environment(), timeout=60)
    tap.equal(done.returncode, 2)
    tap.true(done.stderr, 'a reason')


def test_site_policy_is_taken():
    directory = os.path.dirname(file('site/policy.json', b'{"policy": 1, "name": "our-site"}'))
    shown = virt_viommu('policy', 'show', env={'VIRT_VIOMMU_CONFDIR': directory})
    tap.equal(json.loads(shown.out)['name'], 'our-site')


def test_site_policy_is_made_of_fragments():
    directory = os.path.dirname(file('parts/policy.json', b'{"policy": 1, "name": "base", '
                                     b'"max_usage": "dma", "quota": {"host": {"devices": 4}}}'))
    env = {'VIRT_VIOMMU_CONFDIR': directory}
    file('parts/policy.d/20-late.json', b'{"policy": 1, "name": "late", "max_usage": "sva"}')
    file('parts/policy.d/10-early.json', b'{"policy": 1, "name": "early", "max_usage": "pasid", '
         b'"quota": {"host": {"locked_memory": "90%"}}}')
    file('parts/policy.d/30-off.json~', b'no JSON')
    file('parts/policy.d/.30-hidden.json', b'no JSON')
    shown = json.loads(virt_viommu('policy', 'show', env=env).out)
    tap.equal((shown['name'], shown['max_usage']), ('late', 'sva'))
    tap.equal(shown['quota']['host'], {'devices': 4, 'locked_memory': '90%'})
    os.unlink(f'{directory}/policy.json')
    shown = json.loads(virt_viommu('policy', 'show', env=env).out)
    tap.equal(shown['quota']['host'], {'locked_memory': '90%'})
    broken = file('parts/policy.d/15-broken.json', b'{"policy": 1, "name": "x", "qouta": {}}')
    done = virt_viommu('policy', 'show', env=env)
    tap.equal(done.code, 2)
    tap.true(done.err.startswith(f'virt-viommu: {broken}: '.encode()), done)
    tap.equal(json.loads(virt_viommu('policy', 'show').out)['name'], 'default')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
