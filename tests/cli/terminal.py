# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs virt-viommu on a terminal of its own."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import program
import tap


def open_terminal():
    try:
        return pty.openpty()
    except OSError as error:
        raise tap.Skip(f'no pseudo-terminal can be had here: {error}') from error


def on_a_terminal(arguments, columns=80, **variables):
    """What comes out of a terminal of so many columns."""
    leader, follower = open_terminal()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('HHHH', 50, columns, 0, 0))
    child = subprocess.Popen([program.PROGRAM, *arguments], stdin=follower, stdout=follower,
                             stderr=subprocess.DEVNULL,
                             env=program.environment(TERM='xterm', **variables))
    os.close(follower)
    out = b''
    while True:
        try:
            some = os.read(leader, 65536)
        except OSError:
            break
        if not some:
            break
        out += some
    child.wait()
    os.close(leader)
    return out


def lines_of(out):
    """Lines as they are seen: without colours"""
    return re.sub('\x1b\\[[0-9;]*m', '', out.decode()).replace('\r\n', '\n').splitlines()
