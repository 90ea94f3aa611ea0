#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""House rules that neither the compiler nor clang-format sees. TAP on standard output.

usage: check-source.py SOURCE-ROOT

Each rule is a function from (path, lines) to problems, and is first tried on a snippet that breaks
it, so that a rule that finds nothing is known to be able to find something.
"""
import os
import re
import subprocess
import sys

FUNCTION_LIMIT, FILE_LIMIT, HEADER_LIMIT, NESTING_LIMIT = 100, 600, 200, 4


def is_c(path):
    return path.endswith(('.c', '.h'))


def is_public(path):
    return path.startswith('include/')


def room(path):
    """plugin/host/host-vtd.c -> host; policy/policy-load.c -> policy; others: the top directory"""
    parts = path.split('/')
    return parts[1] if parts[0] == 'plugin' and len(parts) > 2 else parts[0]


def code(lines):
    """Lines without comments; string literals stay."""
    text = re.sub(r'/\*.*?\*/', lambda match: '\n' * match[0].count('\n'), '\n'.join(lines),
                  flags=re.S)
    return [re.sub(r'//.*', '', line) if '"' not in line else line for line in text.split('\n')]


def without_strings(lines):
    return [re.sub(r'"(\\.|[^"\\])*"', '""', line) for line in code(lines)]


def functions(lines):
    """(first line, last line) of function bodies, from 0; clang-format puts both braces alone."""
    start = None
    for number, line in enumerate(lines):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            yield start, number
            start = None


def check_spdx(path, lines):
    if is_c(path) or path.endswith(('.py', '.sh')) or (lines and lines[0].startswith('#!')):
        if not any('SPDX-License-Identifier: LGPL-2.1-or-later' in line for line in lines[:3]):
            yield 1, 'no SPDX line among the first three'


def check_scripts(path, lines):
    """What says who runs it can be run as the documents say."""
    if lines and lines[0].startswith('#!') and not os.access(os.path.join(sys.argv[1], path), os.X_OK):
        yield 1, 'begins with #! and is not executable'


def check_goto(path, lines):
    if is_c(path):
        for number, line in enumerate(without_strings(lines), 1):
            if re.search(r'\bgoto\b', line):
                yield number, 'goto'


def check_function_length(path, lines):
    if is_c(path):
        for start, end in functions(lines):
            if end - start - 1 > FUNCTION_LIMIT:
                yield start + 1, f'function of {end - start - 1} lines (at most {FUNCTION_LIMIT})'


def check_nesting(path, lines):
    if not is_c(path):
        return
    plain = without_strings(lines)
    for start, end in functions(lines):
        depth = 0
        for number in range(start + 1, end):
            depth += plain[number].count('{') - plain[number].count('}')
            if depth > NESTING_LIMIT:
                yield number + 1, f'nested deeper than {NESTING_LIMIT} blocks'
                break


def check_file_length(path, lines):
    if is_c(path) and len(lines) > FILE_LIMIT:
        yield FILE_LIMIT, f'file of {len(lines)} lines (at most {FILE_LIMIT})'
    if is_public(path) and len(lines) > HEADER_LIMIT:
        yield HEADER_LIMIT, f'public header of {len(lines)} lines (at most {HEADER_LIMIT})'


def check_sys_literal(path, lines):
    if is_c(path) and path.startswith(('plugin/', 'policy/', 'cli/')) and room(path) != 'host':
        for number, line in enumerate(code(lines), 1):
            if re.search(r'"/?(sys|proc)/', line):
                yield number, 'a path below /sys or /proc: only plugin/host reads the host'


def check_public_headers(path, lines):
    if not is_public(path) or not path.endswith(('.h', '.h.in')):
        return
    for number, line in enumerate(code(lines), 1):
        if re.search(r'json_object|\bxml(Node|Doc)\b', line):
            yield number, 'a type of json-c or libxml2 in the public API'
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line)
        if match and match[1] != 'glib.h' and not match[1].startswith('viommu/'):
            yield number, f'{match[1]}: public headers include GLib and each other only'


LIBRARIES = {  # include prefix -> rooms that may use it
    'libvirt/': {'live'},
    'libudev': {'names', 'tests'},
    'libxml/': {'base', 'model', 'write', 'tests', 'bench'},
    'json-c/': {'base', 'tests', 'bench'},
    'gio/': set(),
}


def check_libraries(path, lines):
    if is_c(path):
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line)
            for prefix, rooms in LIBRARIES.items():
                if match and match[1].startswith(prefix) and room(path) not in rooms:
                    yield number, f'{match[1]} is not for {room(path)}'


def check_front_ends(path, lines):
    """cli and hooks stand on the public API, and on names, which a hook does not link; the build would
    refuse a room's header anyway."""
    if is_c(path) and room(path) in ('cli', 'hooks'):
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if match and not match[1].startswith((room(path).rstrip('s') + '-', 'viommu/')) \
                    and match[1] not in (room(path) + '.h', 'live.h', 'names.h'):
                yield number, f'{match[1]}: front ends include <viommu/viommu.h> only'


def check_printing(path, lines):
    if is_c(path) and (path.startswith(('plugin/', 'policy/'))):
        for number, line in enumerate(without_strings(lines), 1):
            if re.search(r'\b(g_print(err)?|g_message|g_warning|printf|fprintf|puts|exit)\s*\(', line):
                yield number, 'the library neither prints nor exits'


def check_globals(path, lines):
    if is_c(path) and path.startswith(('plugin/', 'policy/', 'cli/')):
        for number, line in enumerate(without_strings(lines), 1):
            if re.match(r'static (?!const |inline |gboolean [^;=]*$)[^()]*(=|;)', line) and \
                    not re.search(r'\*const |\bconst\b[^*]*$', line.split('=')[0]):
                yield number, 'a mutable global'


# split, so that this file does not name what it looks for
MACHINE = re.compile('|'.join([r'/wo' r'rk/', r'/tmp/' r'wt\b', r'/ro' r'ot/', r'/home/' r'\w',
                               r'deb\.' r'debian\.org', r'ftp\.' r'debian', r'py' r'pi\.org',
                               r'registry\.' r'npm', r'\bartifact' r'-?registry', r'Co-' r'Authored']))


def check_machine(path, lines):
    for number, line in enumerate(lines, 1):
        match = MACHINE.search(line)
        if match:
            yield number, f'{match[0]}: belongs to one machine, not to the project'


LONG = ['void', 'f(void)', '{'] + ['    x();'] * 101 + ['}']
CHECKS = [  # rule, a path and lines that break it
    (check_spdx, 'a.c', ['int x;']),
    (check_scripts, 'tests/none', ['#!/bin/sh']),
    (check_goto, 'a.c', ['    goto out; /* no */']),
    (check_function_length, 'a.c', LONG),
    (check_nesting, 'a.c', ['{'] + ['    if (x) {'] * 5 + ['    }'] * 5 + ['}']),
    (check_file_length, 'a.c', [''] * 601),
    (check_file_length, 'include/viommu/a.h', [''] * 201),
    (check_sys_literal, 'plugin/plan/plan.c', ['x = "/sys/class/iommu";']),
    (check_public_headers, 'include/viommu/a.h', ['struct json_object *f(void);']),
    (check_public_headers, 'include/viommu/a.h', ['#include "base-pci.h"']),
    (check_libraries, 'plugin/rules/rule-vtd.c', ['#include <libvirt/libvirt.h>']),
    (check_libraries, 'plugin/host/host-read.c', ['#include <libudev.h>']),
    (check_front_ends, 'cli/main.c', ['#include "plan.h"']),
    (check_printing, 'plugin/write/write.c', ['    g_print("x");']),
    (check_globals, 'plugin/host/host.c', ['static int counter = 0;']),
    (check_globals, 'plugin/host/host.c', ['static char *names[2];']),
    (check_machine, 'README.md', ['see /wo' 'rk/shared']),
]


def files(root):
    """Tracked files and new ones; in a tree without git, all but build directories."""
    try:
        listing = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=root,
                                 capture_output=True, text=True, check=True).stdout.split('\n')
    except (OSError, subprocess.CalledProcessError):
        listing = []
        for directory, names, found in os.walk(root):
            names[:] = [n for n in names if not n.startswith(('build', '.git', '__pycache__'))]
            listing += [os.path.relpath(os.path.join(directory, name), root) for name in found]
    for path in sorted(set(listing) - {''}):
        try:
            with open(os.path.join(root, path), encoding='utf-8') as file:
                yield path, file.read().split('\n')
        except (UnicodeDecodeError, OSError):
            continue


def main():
    tree = list(files(sys.argv[1]))
    tree = [(path, lines[:-1] if lines[-1] == '' else lines) for path, lines in tree]
    print(f'1..{len(CHECKS) + 1}')
    print('ok 1 tree-is-read' if sum(is_c(path) for path, _ in tree) > 20 else 'not ok 1 tree-is-read')
    for number, (rule, path, lines) in enumerate(CHECKS, 2):
        problems = [f'{name}:{line}: {text}' for name, content in tree
                    for line, text in rule(name, content)]
        if not list(rule(path, lines)):
            problems.append(f'the rule does not see its own example: {path}: {lines[0]}')
        name = rule.__name__.removeprefix('check_').replace('_', '-')
        print(f"{'not ok' if problems else 'ok'} {number} {name}-{number}")
        for problem in problems:
            print(f'# {problem}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
