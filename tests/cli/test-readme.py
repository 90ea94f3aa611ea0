#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in README.md and the guides are what the program prints.
usage: test-readme.py PROGRAM SOURCE-ROOT

VIOMMU_TEST_REGENERATE=1 writes what it prints now into them."""
import glob
import os
import re
import shlex
import sys

import tap
from program import SOURCE, virt_viommu

README = f'{SOURCE}/README.md'
GUIDES = sorted(glob.glob(f'{SOURCE}/docs/guide-*.md'))
BLOCK = re.compile(r'(?<=^```console\n).*?(?=^```$)', re.M | re.S)


def session(block):
    """The block with the output of each "$ virt-viommu …" as it is now; other commands stay."""
    lines, out, code = block.splitlines(), [], 0
    index = 0
    while index < len(lines):
        command = lines[index]
        index += 1
        out.append(command)
        old = []
        while index < len(lines) and not lines[index].startswith('$ '):
            old.append(lines[index])
            index += 1
        words = shlex.split(command[2:])
        if words[0] == 'virt-viommu':
            done = virt_viommu(*words[1:], cwd=SOURCE)
            code = done.code
            out += (done.out + done.err).decode().splitlines()
        elif command == '$ echo $?':
            out.append(str(code))
        else:
            out += old
    return '\n'.join(out) + '\n'


def check_examples(path):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    blocks = BLOCK.findall(text)
    now = BLOCK.sub(lambda match: session(match[0]), text)
    if os.environ.get('VIOMMU_TEST_REGENERATE') and now != text:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(now)
        return
    for was, new in zip(blocks, BLOCK.findall(now)):
        tap.equal(was, new, f'a session in {path} (VIOMMU_TEST_REGENERATE=1 rewrites it)')


def test_examples_are_real():
    with open(README, encoding='utf-8') as file:
        tap.true('$ virt-viommu check' in file.read(), 'an example of check')
    tap.true(GUIDES, 'a guide')
    for path in (README, *GUIDES):
        check_examples(path)


def test_links_lead_somewhere():
    for name in ('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', *GUIDES):
        with open(os.path.join(SOURCE, name), encoding='utf-8') as file:
            text = file.read()
        for target in re.findall(r'\]\(([^)#:]+)\)', text):
            tap.true(os.path.exists(f'{SOURCE}/{target}'), f'{name}: {target}')
        for target in re.findall(r'`((?:plugin|policy|include|tests|docs|dev|cli|schemas|examples)/'
                                 r'[\w./-]+)`', text):
            tap.true(os.path.exists(f'{SOURCE}/{target}'), f'{name}: {target}')


def anchor(heading):
    """What forges make of it"""
    return re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')


def test_anchors_are_headings():
    for path in (README, *GUIDES):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        anchors = {anchor(heading) for heading in re.findall(r'^#+ (.*)$', text, re.M)}
        for target in re.findall(r'\]\(#([^)]+)\)', text):
            tap.true(target in anchors, f'{path}: #{target}')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
