#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in README.md are what the program prints.  usage: test-readme.py PROGRAM SOURCE-ROOT

VIOMMU_TEST_REGENERATE=1 writes what it prints now into README.md."""
import os
import re
import shlex
import sys

import tap
from program import SOURCE, virt_viommu

README = f'{SOURCE}/README.md'
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


def test_examples_are_real():
    with open(README, encoding='utf-8') as file:
        text = file.read()
    blocks = BLOCK.findall(text)
    tap.true(any('$ virt-viommu check' in block for block in blocks), 'an example of check')
    now = BLOCK.sub(lambda match: session(match[0]), text)
    if os.environ.get('VIOMMU_TEST_REGENERATE') and now != text:
        with open(README, 'w', encoding='utf-8') as file:
            file.write(now)
        return
    for was, new in zip(blocks, BLOCK.findall(now)):
        tap.equal(was, new, 'a session in README.md (VIOMMU_TEST_REGENERATE=1 rewrites it)')


def test_links_lead_somewhere():
    for name in ('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'):
        with open(f'{SOURCE}/{name}', encoding='utf-8') as file:
            text = file.read()
        for target in re.findall(r'\]\(([^)#:]+)\)', text):
            tap.true(os.path.exists(f'{SOURCE}/{target}'), f'{name}: {target}')
        for target in re.findall(r'`((?:plugin|policy|include|tests|docs|dev|cli|schemas|examples)/'
                                 r'[\w./-]+)`', text):
            tap.true(os.path.exists(f'{SOURCE}/{target}'), f'{name}: {target}')


if __name__ == '__main__':
    sys.exit(tap.run(globals()))
