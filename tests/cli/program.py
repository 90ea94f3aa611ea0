# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs virt-viommu as a user would, and holds the domains that tests share."""
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
SOURCE = os.path.abspath(sys.argv[2])
SCRATCH = tempfile.TemporaryDirectory(prefix='viommu-')
STACK = ['--libvirt-version', '12.8.0', '--qemu-version', '11.1.2']

PLAIN = b"""<domain type='kvm'>
  <name>plain</name>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices/>
</domain>
"""

# an assigned device behind a VT-d vIOMMU without caching mode: QEMU refuses it on any host
WRONG = b"""<domain type='kvm'>
  <name>wrong</name>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><ioapic driver='qemu'/></features>
  <devices>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0' bus='0x3b' slot='0' function='0'/></source>
      <alias name='ua-nic0'/>
    </hostdev>
    <iommu model='intel'><driver intremap='on'/></iommu>
  </devices>
</domain>
"""


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f'exit {self.code}, stdout {self.out[:300]!r}, stderr {self.err[:300]!r}'


def file(name, content):
    path = os.path.join(SCRATCH.name, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as out:
        out.write(content)
    return path


def environment(**more):
    keep = {key: value for key, value in os.environ.items()
            if key not in ('COLUMNS', 'NO_COLOR', 'VIRT_VIOMMU_CONFDIR', 'LIBVIRT_DEFAULT_URI')}
    keep.update(VIRT_VIOMMU_CONFDIR=os.path.join(SCRATCH.name, 'no-such-directory'),
                VIRT_VIOMMU_RUNDIR=os.path.join(SCRATCH.name, 'no-such-directory'),
                VIRT_VIOMMU_PROFILES=os.path.join(SOURCE, 'policy/profiles'), LC_ALL='C',
                # what a sanitizer finds must not look like the exit code of a verdict
                ASAN_OPTIONS='exitcode=99', LSAN_OPTIONS='exitcode=99',
                UBSAN_OPTIONS='halt_on_error=1:exitcode=99')
    keep.update(more)
    return keep


def virt_viommu(*arguments, stdin=b'', env=None, prefix=(), **options):
    """Ends with an error of the test when the program crashes or hangs."""
    done = subprocess.run([*prefix, PROGRAM, *arguments], input=stdin, capture_output=True, timeout=120,
                          env=environment(**(env or {})), **options)
    if done.returncode not in (0, 1, 2, 3):
        raise AssertionError(f'{arguments}: exit {done.returncode}: {done.stderr[-2000:]!r}')
    return Result(done.returncode, done.stdout, done.stderr)
