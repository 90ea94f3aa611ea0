#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manual pages say what the program says.  usage: test-manual.py PROGRAM SOURCE-ROOT"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

import program
import tap
from program import SOURCE, virt_viommu

VERBS = ['host', 'check', 'plan', 'apply', 'hotplug', 'limits', 'ledger', 'explain', 'policy']


def manual(page):
    with open(f'{SOURCE}/docs/man/{page}.rst', encoding='utf-8') as text:
        return text.read()


def options_of_help():
    found = {'--version'}
    for verb in VERBS:
        text = virt_viommu(verb, '--help').out.decode()
        found |= set(re.findall(r'^  (?:-\w, )?(--[a-z-]+)', text, re.M))
    return found


def test_every_option_is_in_the_manual_and_no_other():
    documented = set()
    for line in re.findall(r'^-.*$', manual('virt-viommu.1'), re.M):
        if re.match(r'-{1,2}[a-z]', line):
            documented |= set(re.findall(r'--[a-z-]+', line))
    tap.equal(sorted(documented), sorted(options_of_help()))


def test_examples_use_verbs_and_options_that_there_are():
    """in pages and guides, on lines of their own and in pipelines"""
    paths = glob.glob(f'{SOURCE}/docs/man/*.rst') + glob.glob(f'{SOURCE}/docs/guide-*.md')
    seen = 0
    for path in paths:
        with open(path, encoding='utf-8') as text:
            lines = re.findall(r'^(?:  |[$] )?((?:\S.*\| |ssh \S+ )?virt-viommu [a-z].*)$', text.read(), re.M)
        for line in lines:
            for words in re.findall(r'virt-viommu ([^|>$]*)', line.partition(' #')[0]):
                verb, *options = words.split()
                tap.true(verb in VERBS, f'{path}: {line}')
                known = re.findall(r'^  (?:(-\w), )?(--[a-z-]+)', virt_viommu(verb, '--help').out.decode(), re.M)
                known = {option for pair in known for option in pair}
                used = {option.partition('=')[0] for option in options if re.match('--?[a-z]', option)}
                tap.true(used <= known, f'{path}: {line}: {used - known}')
                seen += 1
    tap.true(seen > 8, f'{seen} examples')


def test_every_verb_is_in_the_manual_and_in_help():
    listed = re.findall(r'^  (\w+) ', virt_viommu('--help').out.decode(), re.M)
    tap.equal([verb for verb in listed if verb != 'or'], VERBS)
    for verb in VERBS:
        tap.true(re.search(rf'^{verb}\b', manual('virt-viommu.1'), re.M), verb)


def test_every_member_of_a_policy_is_in_the_manual():
    with open(f'{SOURCE}/schemas/policy-1.schema.json', encoding='utf-8') as text:
        schema = json.load(text)
    page = manual('virt-viommu-policy.5')
    for member in schema['properties']:
        tap.true(re.search(rf'^{member}$', page, re.M), member)
    for definition in (schema['$defs']['quota'], schema['properties']['usages']['items'],
                       schema['properties']['hotplug'], schema['properties']['hook']):
        for member in definition['properties']:
            tap.true(f'*{member}*' in page, member)


def test_the_example_policy_is_valid():
    page = manual('virt-viommu-policy.5')
    block = page[page.index('EXAMPLE\n'):]
    text = block[block.index('  {'):block.index('\n  }\n') + 4]
    done = virt_viommu('policy', 'show', '/dev/stdin', stdin=text.encode())
    tap.equal(done.code, 0, repr(done))


def members_of_schema(schema, node, path):
    """(path of the object, member) of every member below @node"""
    if '$ref' in node:
        node = schema['$defs'][node['$ref'].removeprefix('#/$defs/')]
    for name, member in node.get('properties', {}).items():
        yield path, name
        yield from members_of_schema(schema, member, f'{path}.{name}'.removeprefix('document.'))
    if 'items' in node:
        yield from members_of_schema(schema, node['items'], path)


def members_of_page(page):
    """The same of a page's definitions, each with its text"""
    block = page[page.index('\nMEMBERS\n'):page.index('\nEXAMPLE\n')]
    for path, text in re.findall(r'^([a-z_.]+)\n-+\n(.*?)(?=^[a-z_.]+\n-+$|\Z)', block, re.M | re.S):
        for name, words in re.findall(r'^([a-z_0-9]+)\n((?:  .*\n)+)', text, re.M):
            yield path, name, words


def test_every_member_of_host_facts_is_in_the_manual_and_no_other():
    with open(f'{SOURCE}/schemas/host-1.schema.json', encoding='utf-8') as text:
        schema = json.load(text)
    wanted = sorted(members_of_schema(schema, schema, 'document'))
    found = list(members_of_page(manual('virt-viommu-facts.5')))
    tap.true(len(wanted) > 70, f'{len(wanted)} members')
    tap.equal(sorted((path, name) for path, name, _ in found), wanted)
    for path, name, words in found:
        tap.true(re.search(r'^  [^.]{8,}.*Source:\s+\S', words, re.S), f'{path}.{name}: {words}')


def facts(value):
    """Without what follows from them."""
    if isinstance(value, dict):
        return {key: facts(member) for key, member in value.items()
                if key not in ('decoded', 'notes', 'shared_because', 'verdict')}
    return [facts(member) for member in value] if isinstance(value, list) else value


def test_the_example_of_host_facts_is_valid():
    page = manual('virt-viommu-facts.5')
    block = page[page.index('\nEXAMPLE\n'):]
    text = block[block.index('  {'):block.index('\n  }\n') + 4]
    done = virt_viommu('host', '--host', '-', '--json', stdin=text.encode())
    tap.equal(done.code, 0, repr(done))
    tap.equal(facts(json.loads(done.out)), json.loads(text))


def completions(*words):
    """What bash offers for the last of @words."""
    script = f"""source '{SOURCE}/cli/virt-viommu.bash'
        COMP_WORDS=('{program.PROGRAM}' "$@"); COMP_CWORD=$#; COMP_LINE="virt-viommu $*"
        _virt_viommu
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(['bash', '-c', script, 'bash', *words], capture_output=True, text=True,
                          env=program.environment(), timeout=60)
    tap.equal(done.stderr, '')
    return set(done.stdout.split())


def test_bash_completion():
    if not shutil.which('bash'):
        raise tap.Skip('needs bash')
    tap.equal(completions('che'), {'check'})
    tap.true(set(VERBS) <= completions(''), 'all verbs')
    tap.equal(completions('plan', '--di'), {'--diff'})
    tap.equal(completions('check', '--fail-on', 'w'), {'warning'})
    tap.equal(completions('explain', 'vtd-caching-m'), {'vtd-caching-mode'})
    tap.equal(completions('help', 'che'), {'check'})
    if shutil.which('virsh'):
        daemon = ['--connect', 'test:///default']
        tap.true('test' in completions('check', *daemon, 'tes'), 'a domain by its name')
        tap.true('test' not in completions('explain', *daemon, ''), 'only where a verb takes one')
    profiles = {os.path.splitext(name)[0] for name in os.listdir(f'{SOURCE}/policy/profiles')}
    for words in (['check', '--policy', ''], ['policy', 'show', '']):
        tap.true(profiles <= completions(*words), f'{words}: {profiles}')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
