# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a domain as small as it can be while it still shows the same disagreement."""
import copy
import json
import os
import re
import tempfile
import xml.etree.ElementTree as tree

import oracle_verdict

KEPT = {'name', 'memory', 'vcpu', 'os', 'type', 'devices'}  # what every domain needs
tree.register_namespace('qemu', 'http://libvirt.org/schemas/domain/qemu/1.0')


def render(root):
    root = copy.deepcopy(root)
    tree.indent(root)
    return tree.tostring(root, encoding='unicode').replace('"', "'") + '\n'


def parents(root):
    return [(parent, child) for parent in root.iter() for child in list(parent)]


def without(root):
    """Copies of this tree that lack one element, or one attribute, the largest parts first"""
    pairs = parents(root)
    sizes = [(len(list(child.iter())), number) for number, (_, child) in enumerate(pairs)
             if child.tag not in KEPT]
    for _, number in sorted(sizes, key=lambda pair: (-pair[0], pair[1])):
        smaller = copy.deepcopy(root)
        parent, child = parents(smaller)[number]
        parent.remove(child)
        yield smaller
    for number, (_, child) in enumerate(pairs):
        for name in child.attrib if child.tag not in KEPT else ():
            smaller = copy.deepcopy(root)
            del parents(smaller)[number][1].attrib[name]
            yield smaller


class Reducer:
    """Asks one worker of the stack and the program again and again."""

    def __init__(self, worker, program):
        self.worker, self.program = worker, program

    def disagreements(self, name, text):
        with tempfile.TemporaryDirectory(prefix='oracle.') as directory:
            verdict = self.program.check_texts([(name, text)], directory)[name]
        case = oracle_verdict.Case(name, '', text, verdict, self.worker.judge(name, text),
                                   self.program.rules)
        return set(case.disagreements())

    def reduce(self, case, wanted):
        """The smaller XML text; @wanted is one of the case's disagreements"""
        root, shrunk = tree.fromstring(case.text), True
        while shrunk:
            shrunk = False
            for smaller in without(root):
                if wanted in self.disagreements(case.name, render(smaller)):
                    root, shrunk = smaller, True
                    break
        root.find('name').text = 'oracle'
        return render(root)


def slug(text, length=40):
    return re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')[:length].strip('-')


def save(directory, wanted, text, stack):
    """A folder as in tests/xml; expected.json is made by VIOMMU_TEST_REGENERATE=1."""
    what, key = wanted
    folder = os.path.join(directory, f'oracle-{what}-{slug(key)}')
    os.makedirs(folder, exist_ok=True)
    with open(f'{folder}/domain.xml', 'w', encoding='utf-8') as file:
        file.write(text)
    note = f'libvirt {stack.libvirt} with QEMU {stack.qemu}; {what}: {key}'
    with open(f'{folder}/case.json', 'w', encoding='utf-8') as file:
        json.dump({'note': note, 'host': 'none', 'libvirt': stack.libvirt, 'qemu': stack.qemu,
                   'profile': 'system'}, file, indent=2)
        file.write('\n')
    return folder
