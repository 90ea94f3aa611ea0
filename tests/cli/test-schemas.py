#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every JSON that the program prints matches its schema, and prints the same twice.
usage: test-schemas.py PROGRAM SOURCE-ROOT"""
import copy
import glob
import json
import os
import sys

import program
import tap
from program import PLAIN, SOURCE, STACK, WRONG, file, virt_viommu

try:
    import jsonschema
except ImportError:
    print('1..0 # SKIP needs python3-jsonschema')
    sys.exit(0)


def closed(schema):
    """The schema as this version writes: a member that it does not describe is a mistake here,
    though readers must take it."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if schema.get('type') == 'object' and 'properties' in schema:
            schema.setdefault('additionalProperties', False)
    elif isinstance(schema, list):
        schema = [closed(value) for value in schema]
    return schema


def validator(name):
    with open(f'{SOURCE}/schemas/{name}.schema.json', encoding='utf-8') as text:
        schema = json.load(text)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(closed(copy.deepcopy(schema)))


def matches(name, document, what):
    errors = [f'{error.json_path}: {error.message}'
              for error in validator(name).iter_errors(document)]
    tap.true(not errors, f'{what} against {name}: ' + '; '.join(errors[:10]))


def output(*words):
    done = virt_viommu(*words)
    tap.true(done.code in (0, 1), done)
    again = virt_viommu(*words)
    tap.equal(again.out, done.out, f'{words}: twice the same')
    return json.loads(done.out)


def keys_are_sorted(value):
    if isinstance(value, dict):
        return list(value) == sorted(value) and all(map(keys_are_sorted, value.values()))
    return all(map(keys_are_sorted, value)) if isinstance(value, list) else True


def hosts():
    return sorted(glob.glob(f'{SOURCE}/examples/hosts/*.json') +
                  glob.glob(f'{SOURCE}/tests/host/*.json'))


def domains():
    return sorted(glob.glob(f'{SOURCE}/examples/domains/*.xml')) + \
        sorted(glob.glob(f'{SOURCE}/tests/xml/*/domain.xml'))[::5] + \
        [file('plain.xml', PLAIN), file('wrong.xml', WRONG)]


def test_host():
    tap.true(hosts(), 'saved hosts are there')
    for path in hosts():
        matches('host-1', output('host', '--host', path, '--json'), path)
    matches('host-1', output('host', '--host', 'none', '--json'), 'no host')
    matches('host-1', json.loads(virt_viommu('host', '--json').out), 'this machine')


def each_domain(verb, name):
    options = [['--host', 'none', *STACK]] + \
        [['--host', path] for path in sorted(glob.glob(f'{SOURCE}/examples/hosts/*.json'))]
    for domain in domains():
        for some in options:
            document = output(verb, domain, *some, '--json')
            matches(name, document, f'{domain} {some}')
            tap.true(keys_are_sorted(document), f'{verb} {domain}: sorted keys')


def test_report():
    each_domain('check', 'report-1')


def test_plan():
    each_domain('plan', 'plan-1')


def test_limits():
    each_domain('limits', 'limits-1')


def test_hotplug():
    xml, hosts = f'{SOURCE}/tests/xml', f'{SOURCE}/tests/host'
    shadow = f'{xml}/expert-f-vtd-shadow-legacy/domain.xml', '--host', f'{hosts}/lab-x86.json'
    nested = f'{xml}/accel-expert-b-live-after-attach/domain.xml', '--host', f'{hosts}/lab-arm64.json'
    for words in ([*shadow, '0000:02:10.0'], [*nested, '0000:41:00.0'],
                  ['--detach', *shadow, '0000:01:00.0']):
        matches('hotplug-1', output('hotplug', '--json', *words), ' '.join(words))


def test_policy():
    matches('policy-1', output('policy', 'show'), 'default')
    for path in glob.glob(f'{SOURCE}/policy/profiles/*.json'):
        matches('policy-1', output('policy', 'show', path), path)


def test_rule():
    rules = output('explain', '--all', '--json')
    tap.true(len(rules) > 20, f'{len(rules)} rules')
    for rule in rules:
        matches('rule-1', rule, rule['rule'])


def test_a_wrong_document_is_seen():
    reports = output('check', file('wrong.xml', WRONG), '--host', 'none', *STACK, '--json')
    finding = reports[0]['findings'][0]
    was, finding['outcome'] = finding['outcome'], 'maybe'
    tap.true(list(validator('report-1').iter_errors(reports)), 'an outcome that does not exist')
    finding['outcome'] = was
    tap.equal(list(validator('report-1').iter_errors(reports)), [])
    reports[0]['new'] = 1
    tap.true(list(validator('report-1').iter_errors(reports)), 'a member without description')


def sarif(*words):
    return output('check', *words, '--format', 'sarif')


def sarif_errors(log):
    with open(f'{SOURCE}/tests/cli/sarif-shape.json', encoding='utf-8') as text:
        schema = json.load(text)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return [f'{error.json_path}: {error.message}'
            for error in kind(schema, format_checker=jsonschema.FormatChecker()).iter_errors(log)]


def test_sarif_has_its_shape():
    """Names and words of the standard; the published schema takes the same log."""
    domains = sorted(glob.glob(f'{SOURCE}/tests/xml/*/domain.xml'))[::10]
    log = sarif(*domains, '--host', 'none')
    tap.equal(sarif_errors(log)[:5], [])
    results = log['runs'][0]['results']
    tap.true(len(results) > len(domains), f'{len(results)} results')
    rules = [rule['id'] for rule in log['runs'][0]['tool']['driver']['rules']]
    for result in results:
        tap.true(rules[result['ruleIndex']] == result['ruleId'], result['ruleId'])
    tap.equal({result['kind'] for result in results}, {'fail', 'open'})
    results[0]['level'] = 'fatal'
    tap.true(sarif_errors(log), 'a level that does not exist')


def test_sarif_tells_the_place():
    path = file('wrong.xml', WRONG)
    log = sarif(path, '--host', 'none', *STACK)
    findings = output('check', path, '--host', 'none', *STACK, '--json')[0]['findings']
    told = [finding for finding in findings if finding['outcome'] == 'fail']
    unknown = [finding for finding in findings if finding['outcome'] == 'unknown']
    results = log['runs'][0]['results']
    tap.equal([result['ruleId'] for result in results],
              [*(finding['rule'] for finding in told), 'undecided'])
    missing = results[-1]
    tap.equal(missing['properties']['rules'], list(dict.fromkeys(it['rule'] for it in unknown)))
    tap.equal(missing['properties']['facts'], list(dict.fromkeys(
        need for finding in unknown for need in finding['needs'])))
    tap.true(missing['message']['text'].endswith(f" — {unknown[0]['how']}"), missing)
    for result, finding in zip(results, told):
        place = result['locations'][0]['physicalLocation']
        tap.equal(place['region'], {'startLine': finding['line'],
                                    'startColumn': finding['column']})
        tap.true(place['artifactLocation']['uri'].endswith('wrong.xml'), place)
    driver = log['runs'][0]['tool']['driver']
    tap.equal(driver['name'], os.path.basename(program.PROGRAM))


def test_columns_of_lines_that_are_not_ascii():
    """SARIF counts characters, as its columnKind says, and our JSON counts bytes."""
    odd = '<!-- ä€😀 -->\n<!-- ä€ --><!-- 😀 -->'
    path = file('umlaut.xml', WRONG.replace(b'    <hostdev', odd.encode() + b'<hostdev'))
    last = odd.splitlines()[-1]
    finding, = [it for it in output('check', path, '--host', 'none', *STACK, '--json')[0]['findings']
                if it['rule'] == 'vtd-caching-mode' and it['outcome'] == 'fail']
    run = sarif(path, '--host', 'none', *STACK)['runs'][0]
    result, = [it for it in run['results'] if it['ruleId'] == 'vtd-caching-mode']
    tap.equal(finding['column'], len(last.encode()) + 1)
    tap.equal(run['columnKind'], 'unicodeCodePoints')
    tap.equal(result['locations'][0]['physicalLocation']['region']['startColumn'], len(last) + 1)


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
