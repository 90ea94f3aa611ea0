# SPDX-License-Identifier: LGPL-2.1-or-later
"""What apply writes for one libvirt: the shipped examples and the golden cases."""
import glob
import json
import os
import subprocess


def host_of(case, source):
    name = case.get('host', 'none')
    return 'none' if name == 'none' else f'{source}/tests/host/{name}.json'


def inputs(source):
    """(name, domain, host, more options)"""
    for domain in sorted(glob.glob(f'{source}/examples/domains/*.xml')):
        for host in sorted(glob.glob(f'{source}/examples/hosts/*.json')):
            yield f'{os.path.basename(domain)} on {os.path.basename(host)}', domain, host, []
    for path in sorted(glob.glob(f'{source}/tests/xml/*/case.json')):
        with open(path, encoding='utf-8') as text:
            case = json.load(text)
        directory = os.path.dirname(path)
        more = []
        if case.get('policy'):
            file = f'{directory}/{case["policy"]}'
            more = ['--policy', file if os.path.exists(file) else case['policy']]
        if case.get('plan'):
            yield os.path.basename(directory), f'{directory}/domain.xml', host_of(case, source), more


def generated(program, source, folder, seed, size):
    """(name, domain, host, more options) of domains that the property test makes"""
    subprocess.run([program], stdout=subprocess.DEVNULL, timeout=600, check=True, env={
        **os.environ, 'VIOMMU_TEST_DATA': f'{source}/tests', 'VIRT_VIOMMU_PROFILES': f'{source}/policy/profiles',
        'VIOMMU_TEST_WRITE': folder, 'VIOMMU_TEST_SEED': str(seed), 'VIOMMU_TEST_COUNT': str(size)})
    for domain in sorted(glob.glob(f'{folder}/*.xml')):
        base = domain[:-len('.xml')]
        yield 'seed ' + os.path.basename(base), domain, f'{base}.host.json', ['--policy', f'{base}.policy.json']


def written_for(program, domains, versions):
    """(name, XML before, XML after, host, more options) of everything that has a plan."""
    for name, domain, host, more in domains:
        run = subprocess.run([program, 'apply', domain, '--host', host, *versions, *more],
                             capture_output=True, timeout=120)
        if run.returncode == 0:
            with open(domain, 'rb') as before:
                yield name, before.read(), run.stdout, host, more
        elif run.returncode != 1:
            raise AssertionError(f'{name}: exit {run.returncode}: {run.stderr[-500:]!r}')


def written(program, source, libvirt, qemu):
    """(name, XML before, XML after) of everything that has a plan."""
    versions = ['--libvirt-version', libvirt, '--qemu-version', qemu]
    for name, before, after, _, _ in written_for(program, inputs(source), versions):
        yield name, before, after


def relaxng(schema, text):
    """None, or what the schema has against it."""
    run = subprocess.run(['xmllint', '--noout', '--relaxng', schema, '-'], input=text,
                         capture_output=True, timeout=120)
    return None if run.returncode == 0 else run.stderr.decode(errors='replace')
