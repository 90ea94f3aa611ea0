# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives that a kernel takes as its first root, uncompressed"""


def folders(names):
    found = set()
    for name in names:
        parts = name.split('/')
        found.update('/'.join(parts[:depth]) for depth in range(1, len(parts)))
    return sorted(found)


def archive(files):
    """{path: (content, mode)}, and the folders above them"""
    members = [(name, 0o040755, b'') for name in folders(files)]
    members += [(name, 0o100000 | mode, content) for name, (content, mode) in files.items()]
    members.append(('TRAILER!!!', 0, b''))
    parts = []
    for number, (name, mode, body) in enumerate(members, 1):
        fields = (number, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0)
        head = b'070701' + b''.join(b'%08x' % field for field in fields) + name.encode() + b'\0'
        parts += [head, b'\0' * (-len(head) % 4), body, b'\0' * (-len(body) % 4)]
    return b''.join(parts)
